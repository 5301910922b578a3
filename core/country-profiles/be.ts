import { type CountryProfile, confirmed, unknown, unverified } from "./profile.ts";

const PROXIMUS =
  "https://www.proximus.be/support/fr/id_sfaqr_3rd_max_price_mobusage/particuliers/support/telephone/abonnement-et-pay-and-go/suivre-votre-conso-et-credit-d-appel/numeros-payants-et-sms-payants-combien-ca-coute.html";
const BY_PREFIX = `caps go by prefix and were not listed: ${PROXIMUS}`;

/** 090x. */
export const BELGIUM: readonly CountryProfile[] = [
  {
    country: "BE",
    validFrom: null,
    currency: "EUR",
    numbers: confirmed(/^090[0-9]+$/, `the prefix alone: ${PROXIMUS}`),
    numberGroups: unknown("not looked for"),
    fixedFeeMax: unknown(BY_PREFIX),
    perMinuteMax: unknown(BY_PREFIX),
    perCallMax: unknown(BY_PREFIX),
    mixedCallMax: unknown(BY_PREFIX),
    increments: unknown("not found"),
    announceAboveFixed: unverified(100, `above 1 € a call, likely ${PROXIMUS}`),
    announceAbovePerMinute: unverified(100, `above 1 € a minute, likely ${PROXIMUS}`),
    graceSeconds: unknown("not found"),
    consentAboveFixed: unknown("not looked for"),
    consentAbovePerMinute: unknown("not looked for"),
    disconnections: confirmed([{ abovePerMinute: 0, seconds: 600 }], `numbers with a price per minute: ${PROXIMUS}`),
    timeBilledHold: unknown(
      "on 070 a queue of more than a minute is barred (https://telequest.at/news/detail/belgien/); for 090x nothing was found",
    ),
    extraCallerCharge: unknown("not looked for"),
    display: [],
  },
];

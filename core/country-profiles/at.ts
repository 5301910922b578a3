import { type CountryProfile, confirmed, unknown, unverified } from "./profile.ts";

const KEM_V_91 = "KEM-V § 91: https://360.lexisnexis.at/d/rechtsnorm-ris/91_kem_v_2009/L-20006383-P91?origin=lesen";
const TELEMATICA = "https://telematica.at/telefonie/service-rufnummer";
const ALWAYS = "that an announcement is free is known, from what price on it is due is not: so always";

/** 0900 and 0901. */
export const AUSTRIA: readonly CountryProfile[] = [
  {
    country: "AT",
    validFrom: null,
    currency: "EUR",
    numbers: confirmed(/^090[01][0-9]+$/, `the prefixes alone: ${KEM_V_91}`),
    numberGroups: unknown("not looked for"),
    fixedFeeMax: confirmed(1_000, KEM_V_91),
    perMinuteMax: confirmed(364, KEM_V_91),
    perCallMax: unknown("KEM-V § 91 names a price per minute or per event, no sum"),
    mixedCallMax: unknown("KEM-V § 91 names a price per minute or per event, not both"),
    increments: unverified(
      [
        { firstMaxSeconds: 60, nextMaxSeconds: 1 },
        { firstMaxSeconds: 30, nextMaxSeconds: 30 },
      ],
      `60 s and then by the second, or 30 s at most; likely ${TELEMATICA}`,
    ),
    announceAboveFixed: unverified(0, ALWAYS),
    announceAbovePerMinute: unverified(0, ALWAYS),
    graceSeconds: unknown("not found"),
    consentAboveFixed: unknown("not looked for"),
    consentAbovePerMinute: unknown("not looked for"),
    disconnections: confirmed(
      [
        { abovePerMinute: 220, seconds: 1_800 },
        { abovePerMinute: 0, seconds: 3_600 },
      ],
      TELEMATICA,
    ),
    timeBilledHold: unknown("not found"),
    extraCallerCharge: unknown("not looked for"),
    display: [],
  },
];

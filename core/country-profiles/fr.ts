import { type CountryProfile, confirmed, unknown, unverified } from "./profile.ts";

const ALLOPASS = "https://www.allopass.com/allopass/en/premium-number/";
const ARCEP =
  "https://arcep.fr/mes-demarches-et-services/consommateurs/fiches-pratiques/les-numeros-08-et-les-numeros-courts.html";
const ARRETE =
  "arrêté of 10.6.2009: http://docplayer.fr/1612139-Dossier-relatif-a-l-information-sur-les-prix-des-appels-telephoniques-vers-les-services-a-valeur-ajoutee-08-11-juin-2009.html";
const AT_THE_START = `that the price is told at the start is confirmed (${ARRETE}), from what price on is not: so always`;

/** 08 SVA. */
export const FRANCE: readonly CountryProfile[] = [
  {
    country: "FR",
    validFrom: null,
    currency: "EUR",
    numbers: confirmed(/^08[0-9]+$/, `the prefix alone: ${ARCEP}`),
    numberGroups: unknown("not looked for"),
    fixedFeeMax: confirmed(300, ALLOPASS),
    perMinuteMax: confirmed(80, ALLOPASS),
    perCallMax: unknown("no sum for calls that are billed by time was found"),
    mixedCallMax: unknown("the service is billed by act or by time; nothing was found on both"),
    increments: confirmed([{ firstMaxSeconds: 1, nextMaxSeconds: 1 }], `per second from the first second: ${ARCEP}`),
    announceAboveFixed: unverified(0, AT_THE_START),
    announceAbovePerMinute: unverified(0, AT_THE_START),
    graceSeconds: unknown(`the arrêté's detail was not read: ${ARRETE}`),
    consentAboveFixed: unknown("not looked for"),
    consentAbovePerMinute: unknown("not looked for"),
    disconnections: unknown("not found"),
    timeBilledHold: unknown("not checked"),
    extraCallerCharge: confirmed("the price of the call (C) beside that of the service (S)", ALLOPASS),
    display: [
      unverified("the price stands in a green, grey or magenta badge by its class", "named without a source"),
      confirmed(
        "a number is not shared between several services since 1.8.2018",
        "http://eu-etc.com/fr/2018/09/17/2-sva-et-autres-numeros-de-services/",
      ),
    ],
  },
];

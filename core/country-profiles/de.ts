import { type CountryProfile, confirmed, unknown, unverified } from "./profile.ts";

const TKG_112 =
  "TKG § 112: https://justiz-nrw.wolterskluwer-online.de/browse/document/9dffbac3-058e-37a2-b909-65b949a4f4fd";
const TKG_110 = "TKG § 110: https://dejure.org/gesetze/TKG/110.html";
const TKG_113 = "TKG § 113: https://dejure.org/gesetze/TKG/113.html";
const TKG_115 = "TKG § 115 with § 3 no. 73: https://www.buzer.de/115_TKG.htm";

/** 0900. */
export const GERMANY: readonly CountryProfile[] = [
  {
    country: "DE",
    validFrom: null,
    currency: "EUR",
    numbers: confirmed(
      /^0(?:137[7-9]|900(?:[135]|9[0-9]))[0-9]{6}$/,
      "libphonenumber PhoneNumberMetadata.xml, commit f7e3e88, premiumRate of DE",
    ),
    numberGroups: unknown("not looked for"),
    fixedFeeMax: confirmed(3_000, TKG_112),
    perMinuteMax: confirmed(300, TKG_112),
    perCallMax: unknown("TKG § 112 names no sum for calls that are billed by time alone"),
    mixedCallMax: confirmed(3_000, TKG_112),
    increments: unverified([{ firstMaxSeconds: 60, nextMaxSeconds: 60 }], `at most 60 s, likely ${TKG_112}`),
    announceAboveFixed: confirmed(0, TKG_110),
    announceAbovePerMinute: confirmed(0, TKG_110),
    graceSeconds: confirmed(3, TKG_110),
    consentAboveFixed: unknown("not looked for"),
    consentAbovePerMinute: unknown("not looked for"),
    disconnections: confirmed([{ abovePerMinute: 0, seconds: 3_600 }], TKG_113),
    timeBilledHold: {
      value: "forbidden",
      certainty: "deduced", // the text is confirmed, that it applies to callers who wait for their purchase is not
      source: `${TKG_115}; a caller held without being served waits in a queue, which is free unless the call has a flat price`,
    },
    extraCallerCharge: unknown("not looked for"),
    display: [],
  },
];

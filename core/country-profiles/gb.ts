import { type CountryProfile, confirmed, unknown } from "./profile.ts";

const CHARGES = "https://area-codes.org.uk/more/service-charges-and-access-charges";
const NOT_READ =
  "PRS Order 2024 (SI 2024/1046), in force since 1.2.2025, was not read: https://www.legislation.gov.uk/uksi/2024/1046/note/made";

/** 09. The PSA's Code 15, which the PRS Order has replaced, asked to tell at £15, confirm at £30 and cut at £40. */
export const UNITED_KINGDOM: readonly CountryProfile[] = [
  {
    country: "GB",
    validFrom: null,
    currency: "GBP",
    numbers: confirmed(/^09[0-9]+$/, `the prefix alone: ${CHARGES}`),
    numberGroups: unknown("not looked for"),
    fixedFeeMax: confirmed(600, CHARGES),
    perMinuteMax: confirmed(360, CHARGES),
    perCallMax: unknown(NOT_READ),
    mixedCallMax: unknown(NOT_READ),
    increments: unknown("not found"),
    announceAboveFixed: unknown(NOT_READ),
    announceAbovePerMinute: unknown(NOT_READ),
    graceSeconds: unknown(NOT_READ),
    consentAboveFixed: unknown(NOT_READ),
    consentAbovePerMinute: unknown(NOT_READ),
    disconnections: unknown(NOT_READ),
    timeBilledHold: unknown(NOT_READ),
    extraCallerCharge: confirmed("the access charge of the caller's own phone company", CHARGES),
    display: [confirmed("the service charge is followed by «plus your phone company's access charge»", CHARGES)],
  },
];

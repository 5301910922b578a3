import { type CountryProfile, confirmed, deduced, unknown, unverified } from "./profile.ts";

const OST_39 = "OST/FDV art. 39: https://www.droit-bilingue.ch/de-fr/7/78/784.101.1-39-56.html";
const OST_39B = "OST/FDV art. 39b: https://www.droit-bilingue.ch/de-fr/7/78/784.101.1-39b-58.html";
const PBV_11A = "PBV/OIP art. 11a: https://droit-bilingue.ch/de-it/9/94/942.211-11a-15.html";
const PBV_11A_BIS = "PBV/OIP art. 11abis: https://lawbrary.ch/law/art/PBV-v2021.07-de-art-11a.2/";
const PBV_13A = "PBV/OIP art. 13a: https://lawbrary.ch/law/art/PBV-v2021.07-de-art-13a/";
const BAKOM =
  "BAKOM on charges: https://www.bakom.admin.ch/bakom/en/homepage/telecommunication/practical-info/0900-0901-0906-numbers/charges-billing-and-regulations.html";
const METADATA = "libphonenumber PhoneNumberMetadata.xml, commit f7e3e88, premiumRate of CH";
const STEPS_OF_10 =
  "10-rappen steps were billed: https://www.teltarif.ch/arch/2005/kw08/s3740.html, https://www.handelszeitung.ch/unternehmen/telefonieren-ist-teurer-als-man-denkt";
const AS_TODAY = "taken as today's; the ordinance of that time was not read";

const NOW: CountryProfile = {
  country: "CH",
  validFrom: "2021-01-01",
  currency: "CHF",
  numbers: confirmed(/^090[016][0-9]{6}$/, METADATA),
  numberGroups: confirmed([4, 3, 3], BAKOM),
  fixedFeeMax: confirmed(10_000, OST_39),
  perMinuteMax: confirmed(1_000, OST_39),
  perCallMax: confirmed(40_000, OST_39),
  mixedCallMax: unknown("OST art. 39 names no other sum for base fee and price per minute together"),
  increments: confirmed([{ firstMaxSeconds: 1, nextMaxSeconds: 1 }], OST_39B),
  announceAboveFixed: confirmed(200, PBV_11A),
  announceAbovePerMinute: confirmed(200, PBV_11A),
  graceSeconds: confirmed(5, PBV_11A),
  consentAboveFixed: confirmed(1_000, PBV_11A),
  consentAbovePerMinute: confirmed(500, PBV_11A),
  disconnections: deduced(
    [{ abovePerMinute: 0, seconds: 3_600 }],
    "our own choice; no Swiss ordinance was found that cuts calls",
  ),
  timeBilledHold: confirmed(
    "allowed",
    "Federal Council 2009/10: https://beobachter.ch/konsum/konsumentenschutz/geduldige-mussen-zahlen-10297",
  ),
  extraCallerCharge: unknown("only the price agreed and announced may be billed, from mobiles too (OST art. 39b)"),
  display: [
    confirmed("base fee and price a minute stand beside the number, in type at least as large", PBV_13A),
    confirmed("prices are in CHF and include VAT", BAKOM),
    confirmed("the four-digit prefix stands apart: 0900 123 456", BAKOM),
    confirmed(
      "an order button shows the price, or says «zahlungspflichtig bestellen» / «commande payante» / «ordine con obbligo di pagare» beside it",
      PBV_11A_BIS,
    ),
  ],
};

/** Calls were billed in steps of 10 rappen then. Kept for numbers of that time on lines that nobody bills. */
const PULSE_ERA: CountryProfile = {
  ...NOW,
  validFrom: "2004-01-01",
  fixedFeeMax: unverified(10_000, AS_TODAY),
  perMinuteMax: unverified(1_000, AS_TODAY),
  perCallMax: unverified(40_000, AS_TODAY),
  increments: unknown(STEPS_OF_10),
  announceAboveFixed: unverified(200, AS_TODAY),
  announceAbovePerMinute: unverified(200, AS_TODAY),
  graceSeconds: unverified(5, AS_TODAY),
  consentAboveFixed: unverified(1_000, AS_TODAY),
  consentAbovePerMinute: unverified(500, AS_TODAY),
  extraCallerCharge: unknown("not looked for"),
};

export const SWITZERLAND: readonly CountryProfile[] = [NOW, PULSE_ERA];

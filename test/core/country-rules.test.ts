import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "@jest/globals";
import type { Figure } from "../../core/country-profiles/profile.ts";
import { COUNTRY_PROFILES, profileOn } from "../../core/country-profiles/profiles.ts";
import {
  ANNOUNCEMENT_SECONDS,
  arePastRules,
  brokenRules,
  type CheckedNumber,
  CONSENT_SECONDS,
  LANGUAGE_MENU_SECONDS,
  type RuleId,
} from "../../core/country-rules.ts";
import { LANGUAGES } from "../../core/messages.ts";
import { priceDuties } from "../../core/price-duties.ts";
import { speakPrompt } from "../../core/speech.ts";
import { pulsesOf, type Segment } from "../../core/tariff.ts";

const TODAY = "2026-11-25";
const PULSE_ERA = "2004-01-01";

const time = (rappenPerMinute: number, incrementSeconds = 1, firstIncrementSeconds = incrementSeconds): Segment => ({
  kind: "time",
  rappenPerMinute,
  incrementSeconds,
  firstIncrementSeconds,
});
const fixed = (priceRappen: number): Segment => ({ kind: "fixed", priceRappen });
const free = (seconds: number): Segment => ({ kind: "free", seconds });
const repeat = (priceRappen: number, everySeconds: number): Segment => ({ kind: "repeat", priceRappen, everySeconds });
const pulse = (pulseRappen: number, rappenPerMinute: number): Segment => ({
  kind: "pulse",
  pulseRappen,
  rappenPerMinute,
});
const cap = (callRappen: number): Segment => ({ kind: "cap", callRappen });

const NUMBERS: Readonly<Record<string, string>> = {
  CH: "0900900904",
  DE: "09001123456",
  FR: "0899123456",
  GB: "09012345678",
  AT: "0900123456",
  BE: "090012345",
};

function rulesOf(country: string, changes: Partial<CheckedNumber>, day = TODAY): readonly RuleId[] {
  const plain: CheckedNumber = {
    country,
    number: NUMBERS[country] ?? "",
    segments: [fixed(10)],
    codeBeforeAnswer: false,
    earlyMedia: true,
    languageMenu: false,
  };
  return brokenRules({ ...plain, ...changes }, day).map(({ rule }) => rule);
}

const priced = (...segments: readonly Segment[]): Partial<CheckedNumber> => ({ segments });
const afterAnswer = (...segments: readonly Segment[]): Partial<CheckedNumber> => ({ segments, earlyMedia: false });

const SAID = ANNOUNCEMENT_SECONDS;

/** What breaks a rule and nothing else, and its neighbour that just keeps it: «above» is strict everywhere. */
// biome-ignore format: a table is read by its columns
const RULES: readonly (readonly [country: string, rule: RuleId, what: string, breaks: Partial<CheckedNumber>, keeps: Partial<CheckedNumber>])[] = [
  ["CH", "number_not_premium", "0902", { number: "0902900904" }, { number: "0901900904" }],
  ["CH", "number_not_premium", "a digit too many", { number: "09009009040" }, { number: "0906900904" }],
  ["CH", "fixed_fee_cap", "CHF 100.01 at once", priced(fixed(10_001)), priced(fixed(10_000))],
  ["CH", "fixed_fee_cap", "CHF 100.01 now and then", priced(repeat(10_001, 600)), priced(repeat(10_000, 600))],
  ["CH", "per_minute_cap", "CHF 10.01 a minute", priced(time(1_001)), priced(time(1_000))],
  ["CH", "per_minute_cap", "CHF 10.01 a minute later on", priced({ ...time(100), seconds: 160 } as Segment, time(1_001)), priced({ ...time(100), seconds: 160 } as Segment, time(1_000))],
  ["CH", "per_minute_cap", "CHF 10.01 a minute in pulses", priced(pulse(16, 1_001)), priced(pulse(16, 1_000))],
  ["CH", "increment", "two seconds", priced(time(120, 2)), priced(time(120, 1))],
  ["CH", "increment", "a first minute", priced(time(120, 1, 60)), priced(time(120, 1, 1))],
  ["CH", "increment", "pulses of more than a second", priced(pulse(2, 119)), priced(pulse(2, 120))],
  ["CH", "free_announcement", "CHF 2.01 a minute after the answer", afterAnswer(free(SAID + 4), time(201)), afterAnswer(free(SAID + 5), time(201))],
  ["CH", "free_announcement", "CHF 2.01 a minute without free time", afterAnswer(time(201)), afterAnswer(time(200))],
  ["CH", "free_announcement", "a fee of CHF 2.01", afterAnswer(fixed(201)), afterAnswer(fixed(200))],
  ["CH", "free_announcement", "CHF 5.01 a minute, which must be agreed to", afterAnswer(free(SAID + 5 + CONSENT_SECONDS - 1), time(501)), afterAnswer(free(SAID + 5 + CONSENT_SECONDS), time(501))],
  ["CH", "free_announcement", "CHF 5.01 a minute where 5.00 is announced alone", afterAnswer(free(SAID + 5), time(501)), afterAnswer(free(SAID + 5), time(500))],
  ["CH", "free_announcement", "a fee of CHF 10.01, which must be agreed to", afterAnswer(free(SAID + 5), fixed(1_001)), afterAnswer(free(SAID + 5), fixed(1_000))],
  ["CH", "free_announcement", "a language to choose first", { ...afterAnswer(free(SAID + 5 + LANGUAGE_MENU_SECONDS - 1), time(201)), languageMenu: true }, { ...afterAnswer(free(SAID + 5 + LANGUAGE_MENU_SECONDS), time(201)), languageMenu: true }],
  ["CH", "code_before_answer", "a code in early media that isn't there", { earlyMedia: false, codeBeforeAnswer: true }, { earlyMedia: true, codeBeforeAnswer: true }],
  ["CH", "change_too_soon", "another price before the caller can have heard of it", priced({ ...time(100), seconds: 159 } as Segment, time(60)), priced({ ...time(100), seconds: 160 } as Segment, time(60))],
  ["CH", "change_too_soon", "a fee before the caller can have heard of it", priced(repeat(50, 159)), priced(repeat(50, 160))],
  ["CH", "change_too_soon", "another price, with the code keyed before the answer", { ...priced({ ...time(100), seconds: 39 } as Segment, time(60)), codeBeforeAnswer: true }, { ...priced({ ...time(100), seconds: 40 } as Segment, time(60)), codeBeforeAnswer: true }],

  ["DE", "number_not_premium", "0902", { number: "09021123456" }, { number: "09003123456" }],
  ["DE", "fixed_fee_cap", "€ 30.01 a call", priced(fixed(3_001)), priced(fixed(3_000))],
  ["DE", "time_billed_hold", "a price for time", priced(time(100)), priced(fixed(100))],
  ["DE", "time_billed_hold", "pulses", priced(pulse(10, 100)), priced(fixed(100))],
  ["DE", "time_billed_hold", "a fee that comes again", priced(repeat(100, 600)), priced(fixed(100))],
  ["DE", "free_announcement", "any price after the answer", afterAnswer(free(SAID + 2), fixed(1)), afterAnswer(free(SAID + 3), fixed(1))],

  ["FR", "number_not_premium", "09", { number: "0912345678" }, { number: "0812345678" }],
  ["FR", "per_minute_cap", "€ 0.81 a minute", priced(time(81)), priced(time(80))],
  ["FR", "fixed_fee_cap", "€ 3.01 a call", priced(fixed(301)), priced(fixed(300))],
  ["FR", "increment", "two seconds", priced(time(80, 2)), priced(time(80, 1))],
  ["FR", "increment", "a first step of 30 s", priced(time(80, 1, 30)), priced(time(80, 1, 1))],
  ["FR", "free_announcement", "any price after the answer", afterAnswer(free(SAID - 1), fixed(1)), afterAnswer(free(SAID), fixed(1))],

  ["GB", "number_not_premium", "08", { number: "0871234567" }, { number: "0911234567" }],
  ["GB", "per_minute_cap", "£ 3.61 a minute", priced(time(361)), priced(time(360))],
  ["GB", "fixed_fee_cap", "£ 6.01 a call", priced(fixed(601)), priced(fixed(600))],

  ["AT", "number_not_premium", "0930", { number: "0930123456" }, { number: "0901123456" }],
  ["AT", "per_minute_cap", "€ 3.65 a minute", priced(time(365), cap(5_000)), priced(time(364), cap(5_000))],
  ["AT", "fixed_fee_cap", "€ 10.01 an event", priced(fixed(1_001)), priced(fixed(1_000))],
  ["AT", "increment", "31 s", priced(time(100, 31)), priced(time(100, 30))],
  ["AT", "increment", "a minute, then two seconds", priced(time(100, 2, 60)), priced(time(100, 1, 60))],
  ["AT", "increment", "61 s, then by the second", priced(time(100, 1, 61)), priced(time(100, 1, 60))],
  // 2.21 a minute must end after 30 min, in which 66.30 come together; up to 2.20 it may go on for an hour.
  ["AT", "forced_disconnection", "€ 2.21 a minute for an hour", priced(time(221)), priced(time(220))],
  ["AT", "forced_disconnection", "€ 2.21 a minute up to a cap reached after 30 min", priced(time(221), cap(6_631)), priced(time(221), cap(6_630))],
  ["AT", "free_announcement", "any price after the answer", afterAnswer(free(SAID - 1), fixed(1)), afterAnswer(free(SAID), fixed(1))],

  ["BE", "number_not_premium", "070", { number: "070123456" }, { number: "090312345" }],
  // 1.00 a minute brings 10.00 in ten minutes.
  ["BE", "forced_disconnection", "€ 1.00 a minute up to a cap reached after 10 min", priced(time(100), cap(1_001)), priced(time(100), cap(1_000))],
  ["BE", "free_announcement", "€ 1.01 a call", afterAnswer(fixed(101)), afterAnswer(fixed(100))],
  ["BE", "free_announcement", "€ 1.01 a minute", afterAnswer(time(101), cap(500)), afterAnswer(time(100), cap(500))],
];

test.each(RULES)("%s, %s: %s breaks it, the neighbour keeps it", (country, rule, _what, breaks, keeps) => {
  const always: readonly RuleId[] = country === "CH" ? [] : ["currency"];
  expect(rulesOf(country, breaks)).toEqual([...always, rule].sort(byPlace));
  expect(rulesOf(country, keeps)).toEqual(always);
});

/** Broken rules come in the order of the checks: the currency before all others. */
function byPlace(a: RuleId, b: RuleId): number {
  return Number(b === "currency") - Number(a === "currency");
}

test("rules that come together where one forbids what the other limits", () => {
  // In Germany a price for time is forbidden in itself; its limits are told all the same.
  expect(rulesOf("DE", priced(time(301)))).toEqual(["currency", "per_minute_cap", "time_billed_hold"]);
  expect(rulesOf("DE", priced(time(300)))).toEqual(["currency", "time_billed_hold"]);
  expect(rulesOf("DE", priced(time(60, 61)))).toEqual(["currency", "increment", "time_billed_hold"]);
  expect(rulesOf("DE", priced(time(60, 60)))).toEqual(["currency", "time_billed_hold"]);
  expect(rulesOf("DE", priced(fixed(100), time(60), cap(3_001)))).toEqual([
    "currency",
    "mixed_call_cap",
    "time_billed_hold",
  ]);
  expect(rulesOf("DE", priced(fixed(100), time(60), cap(3_000)))).toEqual(["currency", "time_billed_hold"]);
});

test("no Swiss call costs more than CHF 400, whatever its tariff says", () => {
  const segments = [fixed(10_000), time(1_000)];
  expect(rulesOf("CH", priced(...segments))).toEqual([]);
  expect(pulsesOf(segments).at(-1)?.billedRappen).toBeLessThanOrEqual(40_000);
  expect(profileOn("CH", TODAY)?.perCallMax.value).toBe(40_000);
});

test("in the time of pulses steps of any length were lawful, and the caps stood", () => {
  expect(rulesOf("CH", priced(time(120, 5)), PULSE_ERA)).toEqual([]);
  expect(rulesOf("CH", priced(time(213, 60)), "2020-12-31")).toEqual([]);
  expect(rulesOf("CH", priced(time(213, 60)), "2021-01-01")).toEqual(["increment"]);
  expect(rulesOf("CH", priced(time(1_001, 5)), PULSE_ERA)).toEqual(["per_minute_cap"]);
  expect(rulesOf("CH", priced(time(120, 5)), "2003-12-31")).toEqual(["rules_unknown"]);
  expect(rulesOf("LI", {})).toEqual(["rules_unknown"]);
});

test("a set of rules is past once another one of its country has begun", () => {
  expect(arePastRules("CH", "2020-12-31", TODAY)).toBe(true);
  expect(arePastRules("CH", "2021-01-01", TODAY)).toBe(false);
  expect(arePastRules("DE", "1999-01-01", TODAY)).toBe(false);
});

test("a broken rule is told with its figure and where it stands", () => {
  const number = {
    country: "CH",
    number: "0900900904",
    codeBeforeAnswer: false,
    earlyMedia: true,
    languageMenu: false,
  };
  const [broken] = brokenRules({ ...number, segments: [time(1_001)] }, TODAY);
  expect(broken?.message).toMatch(/CHF 10\.01, more than CHF 10\.00 \(OST\/FDV art\. 39: https:/);
});

test.each([
  ["CHF 2.00 a minute", "CH", [time(200)], { announce: false, consent: false }],
  ["CHF 2.01 a minute", "CH", [time(201)], { announce: true, consent: false, graceSeconds: 5 }],
  ["CHF 2.01 a minute in pulses", "CH", [pulse(10, 201)], { announce: true }],
  ["CHF 5.00 a minute", "CH", [time(500)], { announce: true, consent: false }],
  ["CHF 5.01 a minute", "CH", [time(501)], { announce: true, consent: true }],
  ["a fee of CHF 10.00", "CH", [fixed(1_000)], { announce: true, consent: false }],
  ["a fee of CHF 10.01", "CH", [fixed(1_001)], { announce: true, consent: true }],
  ["a cent", "DE", [fixed(1)], { announce: true, consent: false, graceSeconds: 3 }],
  ["€ 1.00 a call", "BE", [fixed(100)], { announce: false }],
  [
    "£ 6.00 a call, of which nothing is known",
    "GB",
    [fixed(600)],
    { announce: false, consent: false, graceSeconds: 0 },
  ],
] as const)("%s (%s) has its duties", (_what, country, segments, duties) => {
  expect(priceDuties(segments, { country, rulesOn: TODAY })).toMatchObject(duties);
});

test("the sets of a country stand newest first, and only the oldest may be without a day", () => {
  for (const country of new Set(COUNTRY_PROFILES.map((set) => set.country))) {
    const days = COUNTRY_PROFILES.filter((set) => set.country === country).map((set) => set.validFrom);
    expect(days.slice(0, -1)).not.toContain(null);
    expect(days.map(String)).toEqual(days.map(String).sort().reverse());
    expect(profileOn(country, TODAY)).toBe(COUNTRY_PROFILES.find((set) => set.country === country));
  }
});

test("every figure names its source, and one that isn't known says where it was looked for", () => {
  for (const { country, validFrom, currency, display, ...figures } of COUNTRY_PROFILES) {
    expect(`${country} ${validFrom} ${currency}`).toMatch(/^[A-Z]{2} (null|\d{4}-\d{2}-\d{2}) [A-Z]{3}$/);
    for (const figure of [...Object.values(figures), ...display] as readonly Figure<unknown>[]) {
      expect(figure.source.length).toBeGreaterThan(5);
      if (figure.value === null) expect(figure.certainty).toBe("unverified");
      if (figure.certainty === "confirmed") expect(figure.source).toMatch(/https?:|art\.|libphonenumber/);
    }
  }
});

test("what has to be free of charge is long enough for the longest announcement that was recorded", async () => {
  const manifest = path.resolve(import.meta.dirname, "../../asterisk-config/prompts/manifest.json");
  const recordings: Readonly<Record<string, Readonly<Record<string, { readonly milliseconds: number }>>>> = JSON.parse(
    await readFile(manifest, "utf8"),
  );
  const dearest = { base: 9_999, price: 999 };
  for (const language of LANGUAGES) {
    const seconds = (fragments: readonly string[]) =>
      fragments.reduce((sum, name) => sum + (recordings[language]?.[name]?.milliseconds ?? Number.NaN), 0) / 1_000;
    const announcement = [
      ...speakPrompt(language, "ivr.welcome", {}),
      ...speakPrompt(language, "ivr.price.basePlusMinute", dearest),
      ...speakPrompt(language, "ivr.price.startsIn", { seconds: 5 }),
    ];
    expect(seconds(announcement)).toBeLessThanOrEqual(ANNOUNCEMENT_SECONDS);
    expect(seconds(speakPrompt(language, "ivr.price.accept", {}))).toBeLessThan(CONSENT_SECONDS);
  }
  const menu = LANGUAGES.map((language) => recordings[language]?.["ivr-language-menu"]?.milliseconds ?? Number.NaN);
  expect(menu.reduce((sum, milliseconds) => sum + milliseconds, 0)).toBeLessThanOrEqual(LANGUAGE_MENU_SECONDS * 1_000);
});

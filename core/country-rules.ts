import type { CountryProfile, Figure, IncrementLimit } from "./country-profiles/profile.ts";
import { profileOn } from "./country-profiles/profiles.ts";
import { priceChanges } from "./price-changes.ts";
import { dearestFee, dearestMinute, dutiesUnder } from "./price-duties.ts";
import { CALL_SECONDS_MAX, pulsesOf, type Segment } from "./tariff.ts";

/** The only currency in which calls are billed here. */
export const BILLED_CURRENCY = "CHF";
/** The longest announcement there is: welcome, base fee, price per minute, and when it starts, in any language. */
export const ANNOUNCEMENT_SECONDS = 30;
/** What a caller takes to agree by a key, after the question for it. */
export const CONSENT_SECONDS = 15;
/** Four languages to choose from. */
export const LANGUAGE_MENU_SECONDS = 12;

/**
 * Before a price can change or a fee fall in mid-call the caller must have heard so: from the answer on the code may
 * take two minutes (agi/take-call.ts), and the announcement has its own length and grace.
 */
export const CHANGE_AFTER_SECONDS = { codeBeforeAnswer: 40, codeAfterAnswer: 160 };

/** A number as its country looks at it. */
export interface CheckedNumber {
  readonly country: string;
  /** National form without spaces. */
  readonly number: string;
  /** Amounts are in minor units of the country's currency. */
  readonly segments: readonly Segment[];
  readonly codeBeforeAnswer: boolean;
  readonly earlyMedia: boolean;
  readonly languageMenu: boolean;
}

export type RuleId =
  | "rules_unknown"
  | "past_rules"
  | "currency"
  | "number_not_premium"
  | "fixed_fee_cap"
  | "per_minute_cap"
  | "per_call_cap"
  | "mixed_call_cap"
  | "increment"
  | "time_billed_hold"
  | "forced_disconnection"
  | "free_announcement"
  | "code_before_answer"
  | "change_too_soon";

/** A rule that a number breaks, with the figure and where it stands, for the operator. */
export interface BrokenRule {
  readonly rule: RuleId;
  readonly message: string;
}

/** The rules of `day` (ISO date) that a number breaks; an empty list lets it go into service. */
export function brokenRules(number: CheckedNumber, day: string): readonly BrokenRule[] {
  const profile = profileOn(number.country, day);
  if (!profile) return [{ rule: "rules_unknown", message: `no rules of ${number.country} are known for ${day}` }];
  return [
    ...identityRules(profile, number),
    ...capRules(profile, number.segments),
    ...timeRules(profile, number.segments),
    ...announcementRules(profile, number),
  ];
}

/** Whether another set of the country has replaced the one of `day` by `today`. */
export function arePastRules(country: string, day: string, today: string): boolean {
  return profileOn(country, day) !== profileOn(country, today);
}

function identityRules(profile: CountryProfile, { number }: CheckedNumber): readonly BrokenRule[] {
  const broken: BrokenRule[] = [];
  if (profile.currency !== BILLED_CURRENCY)
    broken.push({ rule: "currency", message: `calls are billed in ${BILLED_CURRENCY}, not in ${profile.currency}` });
  const { value: premium, source } = profile.numbers;
  if (premium && !premium.test(number))
    broken.push({ rule: "number_not_premium", message: `${number} is no premium-rate number (${source})` });
  return broken;
}

function capRules(profile: CountryProfile, segments: readonly Segment[]): readonly BrokenRule[] {
  const { currency } = profile;
  const mostOfCall = pulsesOf(segments).at(-1)?.billedRappen ?? 0;
  const isMixed = dearestFee(segments) > 0 && dearestMinute(segments) > 0;
  const caps: readonly (readonly [RuleId, string, number, Figure<number>])[] = [
    ["fixed_fee_cap", "a fixed fee", dearestFee(segments), profile.fixedFeeMax],
    ["per_minute_cap", "a minute", dearestMinute(segments), profile.perMinuteMax],
    ["per_call_cap", "a call", mostOfCall, profile.perCallMax],
    ["mixed_call_cap", "a call with a fixed fee and a price for time", isMixed ? mostOfCall : 0, profile.mixedCallMax],
  ];
  return caps.flatMap(([rule, what, amount, { value: max, source }]) =>
    max !== null && amount > max
      ? [{ rule, message: `${what} costs ${money(currency, amount)}, more than ${money(currency, max)} (${source})` }]
      : [],
  );
}

function timeRules(profile: CountryProfile, segments: readonly Segment[]): readonly BrokenRule[] {
  const { increments, timeBilledHold, disconnections } = profile;
  const broken: BrokenRule[] = [];
  if (increments.value && !segments.every((segment) => fitsIncrements(segment, increments.value ?? [])))
    broken.push({
      rule: "increment",
      message: `time is billed in longer steps than ${increments.value.map(stepText).join(" or ")} (${increments.source})`,
    });
  if (timeBilledHold.value === "forbidden" && segments.some(isBilledByTime))
    broken.push({
      rule: "time_billed_hold",
      message: `a caller who waits pays a flat price only (${timeBilledHold.source})`,
    });
  const perMinute = dearestMinute(segments);
  const cut = disconnections.value?.find(({ abovePerMinute }) => perMinute > abovePerMinute);
  const lastPulseMs = pulsesOf(segments).at(-1)?.startsAtMs ?? 0;
  if (cut && lastPulseMs >= cut.seconds * 1_000)
    broken.push({
      rule: "forced_disconnection",
      message: `a call must end after ${cut.seconds} s, and its price still rises then (${disconnections.source})`,
    });
  return broken;
}

/** A priced announcement must be possible for nothing: before the answer, or in free time at the tariff's start. */
function announcementRules(profile: CountryProfile, number: CheckedNumber): readonly BrokenRule[] {
  const broken: BrokenRule[] = [];
  if (number.codeBeforeAnswer && !number.earlyMedia)
    broken.push({ rule: "code_before_answer", message: "a code can be keyed before the answer with early media only" });
  const { codeBeforeAnswer, codeAfterAnswer } = CHANGE_AFTER_SECONDS;
  const changeAfter = number.codeBeforeAnswer ? codeBeforeAnswer : codeAfterAnswer;
  const change = priceChanges(number.segments, CALL_SECONDS_MAX)[0];
  if (change && change.atSeconds < changeAfter)
    broken.push({
      rule: "change_too_soon",
      message: `the price changes after ${change.atSeconds} s; before ${changeAfter} s it can't be announced (${profile.graceSeconds.source})`,
    });
  const neededSeconds = freeSecondsNeeded(profile, number);
  const freeSeconds = number.segments[0]?.kind === "free" ? number.segments[0].seconds : 0;
  if (!number.earlyMedia && freeSeconds < neededSeconds)
    broken.push({
      rule: "free_announcement",
      message: `without early media the price needs ${neededSeconds} s free of charge at the start, not ${freeSeconds} (${profile.announceAbovePerMinute.source})`,
    });
  return broken;
}

/** How much free time a number needs at the start of its tariff where all has to be said after the answer. */
export function freeSecondsNeeded(
  profile: CountryProfile,
  { segments, languageMenu }: Pick<CheckedNumber, "segments" | "languageMenu">,
): number {
  const duties = dutiesUnder(profile, segments);
  if (!duties.announce && !duties.consent) return 0;
  return (
    ANNOUNCEMENT_SECONDS +
    duties.graceSeconds +
    (duties.consent ? CONSENT_SECONDS : 0) +
    (languageMenu ? LANGUAGE_MENU_SECONDS : 0)
  );
}

function fitsIncrements(segment: Segment, limits: readonly IncrementLimit[]): boolean {
  if (segment.kind !== "time" && segment.kind !== "pulse") return true;
  const next =
    segment.kind === "time" ? segment.incrementSeconds : (60 * segment.pulseRappen) / segment.rappenPerMinute;
  const first = segment.kind === "time" ? (segment.firstIncrementSeconds ?? next) : next;
  return limits.some((limit) => first <= limit.firstMaxSeconds && next <= limit.nextMaxSeconds);
}

/** A fee that comes again as time passes is one for time. */
function isBilledByTime(segment: Segment): boolean {
  return segment.kind === "time" || segment.kind === "pulse" || segment.kind === "repeat";
}

function stepText({ firstMaxSeconds, nextMaxSeconds }: IncrementLimit): string {
  return `${firstMaxSeconds}/${nextMaxSeconds} s`;
}

function money(currency: string, amount: number): string {
  return `${currency} ${(amount / 100).toFixed(2)}`;
}

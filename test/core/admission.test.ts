import { expect, test } from "@jest/globals";
import { type CallFacts, whyRefused } from "../../core/admission.ts";
import { exceeds } from "../../core/caller-limits.ts";
import { CALLER_LOCK_OUT, NUMBER_GUARD, UNKNOWN_LOCK_OUT } from "../../core/lock-outs.ts";
import { REFUSALS, type RefusalReason } from "../../core/refusals.ts";

const CAREFUL = {
  hiddenCallers: "refuse",
  unknownCallers: "refuse",
  foreignCallers: "refuse",
  homeCodes: ["41"],
  dayMaxRappen: 1_000,
  monthMaxRappen: 5_000,
  yearMaxRappen: 20_000,
  callsPerDayMax: 5,
} as const;
const OPEN = {
  ...CAREFUL,
  hiddenCallers: "accept",
  unknownCallers: "accept",
  foreignCallers: "accept",
  dayMaxRappen: null,
  monthMaxRappen: null,
  yearMaxRappen: null,
  callsPerDayMax: null,
} as const;

const NOTHING_SPENT = { dayRappen: 0, monthRappen: 0, yearRappen: 0, callsToday: 0 };
const NO_GUESSES = { byCaller: 0, byUnknown: 0, onNumber: 0, rightOnNumber: 0 };

function facts(changes: Partial<CallFacts>): CallFacts {
  return { kind: "home", barred: false, spent: NOTHING_SPENT, wrong: NO_GUESSES, ...changes };
}

test.each<readonly [string, Partial<CallFacts>, RefusalReason | null]>([
  ["a caller at home", {}, null],
  ["a hidden caller", { kind: "hidden" }, "caller_hidden"],
  ["a caller without a number", { kind: "unknown" }, "caller_unknown"],
  ["a caller abroad", { kind: "foreign" }, "caller_abroad"],
  [
    "a barred caller, who has spent everything too",
    { barred: true, spent: { ...NOTHING_SPENT, dayRappen: 1_000 } },
    "caller_barred",
  ],
  ["one rappen below the limit of the day", { spent: { ...NOTHING_SPENT, dayRappen: 999 } }, null],
  ["at the limit of the day", { spent: { ...NOTHING_SPENT, dayRappen: 1_000 } }, "caller_over_limit"],
  ["at the limit of the month", { spent: { ...NOTHING_SPENT, monthRappen: 5_000 } }, "caller_over_limit"],
  ["at the limit of the year", { spent: { ...NOTHING_SPENT, yearRappen: 20_000 } }, "caller_over_limit"],
  ["after the last call of the day", { spent: { ...NOTHING_SPENT, callsToday: 5 } }, "caller_over_limit"],
  ["with one guess left", { wrong: { ...NO_GUESSES, byCaller: CALLER_LOCK_OUT.wrongCodesMax - 1 } }, null],
  ["with no guess left", { wrong: { ...NO_GUESSES, byCaller: CALLER_LOCK_OUT.wrongCodesMax } }, "caller_locked_out"],
  [
    "while strangers without a number have used up theirs",
    { wrong: { ...NO_GUESSES, byUnknown: UNKNOWN_LOCK_OUT.wrongCodesMax } },
    null,
  ],
  ["on a number that is being guessed at", { wrong: { ...NO_GUESSES, onNumber: NUMBER_GUARD.wrongCodesMax } }, null],
])("over a careful trunk %s: %j leads to %s", (_who, changes, reason) => {
  expect(whyRefused(facts(changes), CAREFUL)).toBe(reason);
});

test.each<readonly [string, Partial<CallFacts>, RefusalReason | null]>([
  ["hidden", { kind: "hidden" }, null],
  ["unknown", { kind: "unknown" }, null],
  ["foreign", { kind: "foreign" }, null],
  ["having spent a fortune", { spent: { dayRappen: 1e6, monthRappen: 1e6, yearRappen: 1e6, callsToday: 1e4 } }, null],
  ["barred", { kind: "foreign", barred: true }, "caller_barred"],
  [
    "without a number, when their bucket is full",
    { kind: "unknown", wrong: { ...NO_GUESSES, byUnknown: UNKNOWN_LOCK_OUT.wrongCodesMax } },
    "caller_locked_out",
  ],
  [
    "without a number, on a number that is guessed at",
    { kind: "unknown", wrong: { ...NO_GUESSES, onNumber: NUMBER_GUARD.wrongCodesMax } },
    "number_guarded",
  ],
  [
    "without a number, on a number so busy that its wrong codes are slips",
    { kind: "unknown", wrong: { ...NO_GUESSES, onNumber: NUMBER_GUARD.wrongCodesMax + 9, rightOnNumber: 10 } },
    null,
  ],
  [
    "without a number, on a busy number that is guessed at",
    { kind: "unknown", wrong: { ...NO_GUESSES, onNumber: NUMBER_GUARD.wrongCodesMax + 10, rightOnNumber: 10 } },
    "number_guarded",
  ],
  [
    "hidden, on a number that is guessed at",
    { kind: "hidden", wrong: { ...NO_GUESSES, onNumber: NUMBER_GUARD.wrongCodesMax } },
    "number_guarded",
  ],
  [
    "from abroad with a number, on a number that is guessed at",
    { kind: "foreign", wrong: { ...NO_GUESSES, onNumber: NUMBER_GUARD.wrongCodesMax } },
    null,
  ],
])("over a trunk that takes everybody a caller is %s: %j leads to %s", (_who, changes, reason) => {
  expect(whyRefused(facts(changes), OPEN)).toBe(reason);
});

test("a purchase may use a limit up to the last rappen and no further", () => {
  const spent = { ...NOTHING_SPENT, dayRappen: 400, monthRappen: 4_500, yearRappen: 4_500 };
  expect(exceeds(CAREFUL, spent, 500)).toBe(false);
  expect(exceeds(CAREFUL, spent, 501)).toBe(true);
  expect(exceeds(OPEN, spent, 1e9)).toBe(false);
});

test("no refusal says 603, which would tell the caller's network to try nobody else", () => {
  const causes = Object.values(REFUSALS).map(({ cause }) => cause);
  expect(new Set(causes)).toEqual(new Set([1, 21, 31, 34, 42]));
});

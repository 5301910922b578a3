import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  ANSWER_TOLERANCE_MS,
  compareCall,
  END_EARLY_TOLERANCE_MS,
  END_LATE_TOLERANCE_MS,
  type LegOfCall,
  type RecordOfCall,
  TALK_TOLERANCE_MS,
} from "../../core/call-drift.ts";
import { billedAfter } from "../../core/tariff.ts";
import { PULSES_OF_5_SECONDS as segments } from "../support/seed.ts";

/** Answered at 10 s, ended at 32.4 s: five pulses of 10 rappen. */
const RECORD: RecordOfCall = { answeredAtMs: 10_000, endedAtMs: 32_400, talkMs: 22_400 };
const LEG: LegOfCall = { ...RECORD, billedRappen: 50, countsAfterMs: 0 };
const NEVER_ANSWERED: RecordOfCall = { answeredAtMs: null, endedAtMs: 32_400, talkMs: 0 };

test("a leg that says what the record says is a match", () => {
  expect(compareCall({ leg: LEG, record: RECORD, segments })).toEqual({
    kind: "match",
    answerMs: 0,
    endMs: 0,
    talkMs: 0,
    billedRappen: 50,
    owedRappen: 50,
    beyond: [],
  });
});

test.each<readonly [string, Partial<LegOfCall>, Partial<RecordOfCall>, readonly string[]]>([
  ["answered within the clocks' tolerance", { answeredAtMs: 10_000 + ANSWER_TOLERANCE_MS }, {}, []],
  ["answered later than that", { answeredAtMs: 10_001 + ANSWER_TOLERANCE_MS }, {}, ["answer"]],
  ["answered earlier than that", { answeredAtMs: 9_999 - ANSWER_TOLERANCE_MS }, {}, ["answer"]],
  ["closed as late as the upkeep may", { endedAtMs: 32_400 + END_LATE_TOLERANCE_MS }, {}, []],
  ["closed later than that", { endedAtMs: 32_401 + END_LATE_TOLERANCE_MS }, {}, ["end"]],
  ["closed while the call went on", { endedAtMs: 32_399 - END_EARLY_TOLERANCE_MS }, {}, ["end"]],
  ["BYE left a little after the books were closed", { talkMs: 22_400 - TALK_TOLERANCE_MS }, {}, []],
  ["shorter than it was", { talkMs: 22_399 - TALK_TOLERANCE_MS }, {}, ["talk"]],
  ["a pulse too few", { billedRappen: 40 }, {}, ["money"]],
  ["a rappen too much", { billedRappen: 51 }, {}, ["money"]],
  ["of unknown length, but billed right", { talkMs: null }, {}, []],
  ["of unknown length, and billed too little", { talkMs: null, billedRappen: 30 }, {}, ["money"]],
  ["never answered by our books alone", { answeredAtMs: null, talkMs: null, billedRappen: 0 }, {}, ["answer", "money"]],
  ["answered by our books alone", {}, NEVER_ANSWERED, ["answer", "talk", "money"]],
  ["never answered by both", { answeredAtMs: null, talkMs: null, billedRappen: 0 }, NEVER_ANSWERED, []],
])("a leg that was %s", (_what, leg, record, beyond) => {
  const compared = compareCall({ leg: { ...LEG, ...leg }, record: { ...RECORD, ...record }, segments });
  expect(compared.beyond).toEqual(beyond);
  expect(compared.kind).toBe(beyond.length === 0 ? "match" : "drift");
});

test("a pulse that fell in the record's last microseconds is owed", () => {
  const record = { ...RECORD, talkMs: 20_000.001 };
  expect(compareCall({ leg: { ...LEG, talkMs: 20_000 }, record, segments })).toMatchObject({ kind: "match" });
  expect(compareCall({ leg: LEG, record: { ...RECORD, talkMs: 20_000 }, segments })).toMatchObject({ owedRappen: 40 });
});

test("an answered record without a leg says what somebody pays for nothing, where the tariff is known", () => {
  expect(compareCall({ leg: null, record: RECORD, segments })).toMatchObject({
    kind: "leg_missing",
    billedRappen: 0,
    owedRappen: 50,
  });
  expect(compareCall({ leg: null, record: RECORD, segments: null })).toMatchObject({ owedRappen: null });
});

test("a leg without a record is missing its proof, and nothing is guessed", () => {
  expect(compareCall({ leg: LEG, record: null, segments })).toMatchObject({
    kind: "record_missing",
    billedRappen: 50,
    owedRappen: null,
  });
});

test("a leg billed by the record's own length always matches in money, and one rappen beside it never does", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3_600_000_000 }),
      fc.constantFrom(-1, 1),
      fc.constantFrom(0, 500, 1_000),
      (talkUs, off, countsAfterMs) => {
        const talkMs = talkUs / 1_000;
        const record = { answeredAtMs: 0, endedAtMs: talkMs, talkMs };
        const billedRappen = billedAfter(segments, talkMs - countsAfterMs);
        const leg = { ...record, talkMs: Math.round(talkMs), billedRappen, countsAfterMs };
        expect(compareCall({ leg, record, segments }).kind).toBe("match");
        const wrong = { ...leg, billedRappen: billedRappen + off };
        expect(compareCall({ leg: wrong, record, segments }).beyond).toEqual(["money"]);
      },
    ),
  );
});

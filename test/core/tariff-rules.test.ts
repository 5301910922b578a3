import { expect, test } from "@jest/globals";
import { SEGMENTS_MAX, tariffFaults } from "../../core/tariff-rules.ts";

const TIME = { kind: "time", rappenPerMinute: 120, incrementSeconds: 5 };
const CAP = { kind: "cap", callRappen: 500 };

test.each([
  ["no list", {}, /list of segments/],
  ["nothing", [], /at least one/],
  [
    "more segments than anybody can be told",
    Array.from({ length: SEGMENTS_MAX + 1 }, () => ({ kind: "fixed", priceRappen: 1 })),
    /at most 10/,
  ],
  ["a segment that is none", [null], /segment 1 is no segment/],
  ["an unknown kind", [{ kind: "toString" }], /no known kind/],
  ["a figure that its kind doesn't have", [{ ...TIME, everySeconds: 5 }], /no figure everySeconds/],
  ["a missing figure", [{ kind: "time", rappenPerMinute: 120 }], /incrementSeconds must be/],
  ["a fraction", [{ kind: "fixed", priceRappen: 0.5 }], /priceRappen must be a whole number/],
  ["a figure as text", [{ kind: "fixed", priceRappen: "100" }], /whole number/],
  ["less than nothing", [{ ...TIME, rappenPerMinute: -1 }], /rappenPerMinute/],
  ["more than any figure", [{ kind: "fixed", priceRappen: 1_000_001 }], /to 1000000/],
  ["an increment of nothing", [{ ...TIME, incrementSeconds: 0 }], /incrementSeconds/],
  ["a first increment of nothing", [{ ...TIME, firstIncrementSeconds: 0 }], /firstIncrementSeconds/],
  ["a fee that repeats at once", [{ kind: "repeat", priceRappen: 100, everySeconds: 0 }], /everySeconds/],
  ["free time of no length", [{ kind: "free", seconds: 0 }, TIME], /segment 1: seconds/],
  ["something behind a segment without an end", [TIME, { kind: "fixed", priceRappen: 100 }], /segment 1 has no end/],
  ["a cap that doesn't stand last", [CAP, TIME], /cap must stand last/],
  ["two caps", [TIME, CAP, CAP], /segment 2: a cap must stand last/],
  ["a cap of nothing", [TIME, { kind: "cap", callRappen: 0 }], /callRappen/],
  ["pulses shorter than a second", [{ kind: "pulse", pulseRappen: 1, rappenPerMinute: 61 }], /shorter than a second/],
  [
    "a price change right behind a pulse",
    [{ kind: "pulse", pulseRappen: 10, rappenPerMinute: 423, seconds: 10 }, TIME],
    /less than a second after/,
  ],
  ["nothing that is ever billed", [{ kind: "free", seconds: 60 }, CAP], /nothing is ever billed/],
  ["a price that begins after the longest call", [{ kind: "free", seconds: 3_600 }, TIME], /nothing is ever billed/],
  [
    "less than a rappen in an hour and more than any call may cost",
    [{ kind: "fixed", priceRappen: 40_001 }],
    /nothing is ever billed/,
  ],
])("%s is no tariff", (_name, segments, fault) => {
  expect(tariffFaults(segments)).toEqual([expect.stringMatching(fault)]);
});

test.each([
  ["pulses of a second exactly", [{ kind: "pulse", pulseRappen: 1, rappenPerMinute: 60 }]],
  [
    "a price change at the end of a pulse",
    [{ kind: "pulse", pulseRappen: 10, rappenPerMinute: 120, seconds: 10 }, TIME],
  ],
  [
    "a price change a second behind a pulse",
    [{ kind: "pulse", pulseRappen: 10, rappenPerMinute: 100, seconds: 7 }, TIME],
  ],
  ["a segment without an end under a cap", [TIME, CAP]],
  [
    "a fee at the very end",
    [
      { ...TIME, seconds: 60 },
      { kind: "fixed", priceRappen: 100 },
    ],
  ],
  ["the dearest call there is", [{ kind: "fixed", priceRappen: 40_000 }]],
  ["ten segments", Array.from({ length: SEGMENTS_MAX }, () => ({ kind: "fixed", priceRappen: 1 }))],
  ["a minute for nothing, as a price", [{ ...TIME, rappenPerMinute: 0, seconds: 60 }, TIME]],
])("%s is one", (_name, segments) => {
  expect(tariffFaults(segments)).toEqual([]);
});

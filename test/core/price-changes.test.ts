import { expect, test } from "@jest/globals";
import { type PriceChange, priceChanges } from "../../core/price-changes.ts";
import type { Segment } from "../../core/tariff.ts";

const minute = (rappenPerMinute: number, seconds?: number): Segment => ({
  kind: "time",
  rappenPerMinute,
  incrementSeconds: 1,
  ...(seconds === undefined ? {} : { seconds }),
});
const change = (atSeconds: number, kind: PriceChange["kind"], priceRappen: number) => ({
  atSeconds,
  kind,
  priceRappen,
});

test.each<readonly [string, readonly Segment[], readonly PriceChange[]]>([
  ["one price from the start", [minute(120)], []],
  ["free time, then one price: that was announced as the price", [{ kind: "free", seconds: 30 }, minute(300)], []],
  ["a base fee and a price a minute, both from the start", [{ kind: "fixed", priceRappen: 100 }, minute(120)], []],
  ["another price after two minutes", [minute(120, 120), minute(60)], [change(120, "per_minute", 60)]],
  ["the same price goes on", [minute(120, 120), minute(120)], []],
  [
    "free time in mid-call is a change of price, and so is its end",
    [minute(120, 60), { kind: "free", seconds: 30 }, minute(120)],
    [change(60, "per_minute", 0), change(90, "per_minute", 120)],
  ],
  [
    "a fee that comes again every ten minutes: the first one is the price",
    [{ kind: "repeat", priceRappen: 250, everySeconds: 600 }],
    [change(600, "fee", 250), change(1_200, "fee", 250), change(1_800, "fee", 250)],
  ],
  [
    "a fee after a minute",
    [minute(120, 60), { kind: "fixed", priceRappen: 200 }, minute(120)],
    [change(60, "fee", 200)],
  ],
  ["nothing after the cap changes", [minute(120, 60), { kind: "cap", callRappen: 120 }], []],
  ["what lies beyond the end of the call", [minute(120, 2_400), minute(60)], []],
])("changes to announce: %s", (_what, segments, expected) => {
  expect(priceChanges(segments, 2_400)).toEqual(expected);
});

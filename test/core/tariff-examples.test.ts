import { expect, test } from "@jest/globals";
import { quote } from "../../core/quote.ts";
import { billedAfter, pulsesOf, type Segment } from "../../core/tariff.ts";
import { tariffFaults } from "../../core/tariff-rules.ts";

const RTR =
  "https://rtr.at/TKP/was_wir_tun/telekommunikation/konsumentenservice/information/informationen_fuer_konsumenten/TKKS_Taktung.de.html";
const MONEYLAND = "https://moneyland.ch/de/taktung-definition";
const BAKOM =
  "https://www.bakom.admin.ch/bakom/en/homepage/telecommunication/practical-info/0900-0901-0906-numbers/charges-billing-and-regulations.html";
const HANDELSZEITUNG = "https://www.handelszeitung.ch/unternehmen/telefonieren-ist-teurer-als-man-denkt";
const ART_39B = "https://www.droit-bilingue.ch/de-fr/7/78/784.101.1-39b-58.html";
const FRC = "https://wp.frc.ch/?p=18675";
const ALLOPASS = "https://www.allopass.com/allopass/en/premium-number/";

const time = (
  rappenPerMinute: number,
  incrementSeconds: number,
  firstIncrementSeconds = incrementSeconds,
): Segment => ({
  kind: "time",
  rappenPerMinute,
  incrementSeconds,
  firstIncrementSeconds,
});
const changing = (rappenPerMinute: number, seconds: number): Segment => ({
  kind: "time",
  rappenPerMinute,
  incrementSeconds: 1,
  seconds,
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

/** A tariff, how its source writes it, and what calls of so many seconds owe: the arithmetic stands in the row. */
interface Example {
  readonly says: string;
  readonly source: string;
  readonly segments: readonly Segment[];
  /** [seconds since answer, rappen owed] */
  readonly owes: readonly (readonly [number, number])[];
}

// biome-ignore format: a table is read by its columns
const EXAMPLES: readonly Example[] = [
  { says: "60/60 at 1.20/min: every started minute whole", source: MONEYLAND, segments: [time(120, 60)], owes: [
    [1, 1 * 120], [60, 1 * 120], [60.001, 2 * 120], [61, 2 * 120], [120, 2 * 120], [121, 3 * 120],
  ] },
  { says: "60/1 at 1.20/min: the first minute whole, then 2 rappen a second", source: MONEYLAND, segments: [time(120, 1, 60)], owes: [
    [1, 120], [30, 120], [60, 120], [61, 120 + 1 * 2], [61.5, 120 + 2 * 2], [90, 120 + 30 * 2],
  ] },
  { says: "30/6 at 1.20/min: half a minute whole (60), then steps of 6 s (12)", source: MONEYLAND, segments: [time(120, 6, 30)], owes: [
    [1, 60], [30, 60], [31, 60 + 1 * 12], [36, 60 + 1 * 12], [36.001, 60 + 2 * 12], [42, 60 + 2 * 12],
  ] },
  { says: "1/1 at 1.20/min: 2 rappen for each started second", source: MONEYLAND, segments: [time(120, 1)], owes: [
    [0, 0], [0.001, 1 * 2], [1, 1 * 2], [1.001, 2 * 2], [59, 59 * 2], [60, 60 * 2],
  ] },
  { says: "a pulse every 70 s (of 15 rappen): up to second 70 one, up to 140 two", source: RTR, segments: [repeat(15, 70)], owes: [
    [0.001, 1 * 15], [70, 1 * 15], [70.001, 2 * 15], [140, 2 * 15], [141, 3 * 15],
  ] },
  { says: "1.20/min in steps of 10 rappen: 60 s / 12 = 5 s a step", source: HANDELSZEITUNG, segments: [time(120, 5)], owes: [
    [5, 1 * 10], [5.001, 2 * 10], [490, 98 * 10], [490.001, 99 * 10], [495, 99 * 10], [495.001, 100 * 10],
  ] },
  { says: "the same as pulses of one price", source: HANDELSZEITUNG, segments: [pulse(10, 120)], owes: [
    [5, 1 * 10], [5.001, 2 * 10], [490, 98 * 10], [490.001, 99 * 10], [495, 99 * 10],
  ] },
  { says: "4.23/min in pulses of 10 rappen: 600,000 / 423 = 1,418.44 ms each, and owed once it has begun", source: FRC, segments: [pulse(10, 423)], owes: [
    [1.418, 1 * 10], [1.419, 2 * 10], [2.836, 2 * 10], [2.837, 3 * 10], [4.255, 3 * 10], [4.256, 4 * 10], [60, 43 * 10],
  ] },
  { says: "4.31/min in pulses of 10 rappen: 600,000 / 431 = 1,392.11 ms each", source: FRC, segments: [pulse(10, 431)], owes: [
    [1.392, 1 * 10], [1.393, 2 * 10], [2.784, 2 * 10], [2.785, 3 * 10],
  ] },
  { says: "4.23/min by the second: 7.05 rappen each, summed first and rounded up once", source: ART_39B, segments: [time(423, 1)], owes: [
    [1, Math.ceil(7.05)], [2, Math.ceil(14.1)], [20, 141], [70, Math.ceil(493.5)], [71, Math.ceil(500.55)], [60, 423],
  ] },
  { says: "2.13/min by the started minute: 5.00 needs three", source: BAKOM, segments: [time(213, 60)], owes: [
    [60, 213], [120, 2 * 213], [120.5, 3 * 213],
  ] },
  { says: "0.07/min by the second: less than a rappen a second, never a fraction", source: ART_39B, segments: [time(7, 1)], owes: [
    [1, Math.ceil(7 / 60)], [8, Math.ceil(56 / 60)], [9, Math.ceil(63 / 60)], [60, 7],
  ] },
  { says: "a base fee of 3.00, however long", source: BAKOM, segments: [fixed(300)], owes: [
    [0, 0], [0.001, 300], [900, 300], [3_600, 300],
  ] },
  { says: "a base fee of 1.00 and 0.50/min by the minute", source: BAKOM, segments: [fixed(100), time(50, 60)], owes: [
    [1, 100 + 50], [60, 100 + 50], [61, 100 + 2 * 50],
  ] },
  { says: "0.90/min for two minutes, then 2.40/min: a price that changes during the call", source: BAKOM, segments: [changing(90, 120), time(240, 1)], owes: [
    [60, 90], [120, 180], [121, 180 + 4], [180, 180 + 240],
  ] },
  { says: "a fee of 2.00 every 10 minutes: a fixed fee during the call", source: BAKOM, segments: [repeat(200, 600)], owes: [
    [1, 200], [600, 200], [601, 2 * 200], [1_201, 3 * 200],
  ] },
  { says: "five minutes for nothing, then once 5.00", source: BAKOM, segments: [free(300), fixed(500)], owes: [
    [300, 0], [300.001, 500], [3_000, 500],
  ] },
  { says: "30 s for nothing, then 2.00/min by the second", source: BAKOM, segments: [free(30), time(200, 1)], owes: [
    [30, 0], [31, Math.ceil(200 / 60)], [45, 15 * 200 / 60],
  ] },
  { says: "0.80/min by the second, at most 3.00 a call", source: ALLOPASS, segments: [time(80, 1), cap(300)], owes: [
    [60, 80], [224, Math.ceil(224 * 80 / 60)], [225, 300], [226, 300], [3_600, 300],
  ] },
  { says: "2.13/min by the minute, at most 5.00: the third minute is cut to 0.74", source: BAKOM, segments: [time(213, 60), cap(500)], owes: [
    [120, 426], [121, 426 + 74], [3_600, 500],
  ] },
];

test.each(
  EXAMPLES.flatMap(({ says, source, segments, owes }) =>
    owes.map(([seconds, rappen]) => ({ says, source, segments, seconds, rappen })),
  ),
)("$says: $seconds s owe $rappen rappen ($source)", ({ segments, seconds, rappen }) => {
  expect(tariffFaults(segments)).toEqual([]);
  expect(billedAfter(segments, seconds * 1_000)).toBe(rappen);
});

/**
 * The product's real price: how long it takes by the second. Seconds = amount · 60 / price per minute, begun ones whole;
 * but at 4.23 the 695th second brings CHF 49.00 already, because 695 · 7.05 = 4,899.75 is 4,900 on a bill.
 */
// biome-ignore format: a table is read by its columns
const WAITING: readonly (readonly [amountRappen: number, ...minutes: string[]])[] = [
  //        1.20     2.00     4.23     5.00    9.90 a minute
  [  100, "0:50",  "0:30",  "0:15",  "0:12", "0:07"],
  [  500, "4:10",  "2:30",  "1:11",  "1:00", "0:31"],
  [  990, "8:15",  "4:57",  "2:21",  "1:59", "1:00"],
  [1_990, "16:35", "9:57",  "4:43",  "3:59", "2:01"],
  [4_900, "40:50", "24:30", "11:35", "9:48", "4:57"],
];
const PRICES = [120, 200, 423, 500, 990];

test.each(
  WAITING.flatMap(([amountRappen, ...times]) =>
    times.map((minutes, column) => ({ amountRappen, rappenPerMinute: PRICES[column] ?? 0, minutes })),
  ),
)("$amountRappen rappen at $rappenPerMinute a minute take $minutes", ({ amountRappen, rappenPerMinute, minutes }) => {
  const [whole = 0, seconds = 0] = minutes.split(":").map(Number);
  const quoted = quote({ segments: [time(rappenPerMinute, 1)], amountRappen, codeBeforeAnswer: true });
  expect(quoted).toMatchObject({ calls: 1, expectedSeconds: whole * 60 + seconds });
});

/** Amount and tariff → the total that is billed, in how many steps, and between which milliseconds the call ends. */
test.each([
  // 990 / 10 = 99 pulses; the 99th falls at 98 · 5 s, the 100th at 99 · 5 s; 600 ms after the one, 250 ms before the other.
  [
    "CHF 9.90 at 1.20/min in steps of 5 s",
    [time(120, 5)],
    990,
    { totalRappen: 990, pulses: 99, window: { opensAtMs: 490_600, closesAtMs: 494_750 } },
  ],
  // Per second 495 of 2 rappen are needed; the last one begins after 494 s.
  [
    "CHF 9.90 at 1.20/min per second",
    [time(120, 1)],
    990,
    { totalRappen: 990, pulses: 495, window: { opensAtMs: 494_600, closesAtMs: 494_750 } },
  ],
  // ceil(500 / 213) = 3 minutes: 639, of which 139 were not asked for. The third begins after 120 s.
  [
    "CHF 5.00 at 2.13/min, 60/60",
    [time(213, 60)],
    500,
    { totalRappen: 639, overshootRappen: 139, pulses: 3, window: { opensAtMs: 120_600, closesAtMs: 179_750 } },
  ],
  // 71 · 7.05 = 500.55, so 501; a bill rounded up to 10 rappen reads 5.10.
  [
    "CHF 5.00 at 4.23/min per second",
    [time(423, 1)],
    500,
    { totalRappen: 501, billedAtMostRappen: 510, pulses: 71, expectedSeconds: 71 },
  ],
  // A price that is a multiple of 0.60 is a whole number of rappen a second: any amount in 10 rappen is met exactly.
  ["CHF 7.70 at 6.00/min per second", [time(600, 1)], 770, { totalRappen: 770, overshootRappen: 0, pulses: 77 }],
  // Pulse 50 of 10 rappen begins after floor(49 · 1,418.44) = 69,503 ms, pulse 51 after floor(50 · 1,418.44) = 70,921 ms.
  [
    "CHF 5.00 at 4.23/min in pulses of 10 rappen",
    [pulse(10, 423)],
    500,
    { totalRappen: 500, pulses: 50, window: { opensAtMs: 69_503 + 600, closesAtMs: 70_921 - 250 } },
  ],
] as const)("%s", (_name, segments, amountRappen, expected) => {
  expect(quote({ segments, amountRappen, codeBeforeAnswer: false })).toMatchObject(expected);
});

test("a cap cuts the step that would pass it, and is the end of the staircase", () => {
  expect(pulsesOf([time(213, 60), cap(500)])).toEqual([
    { sequence: 1, startsAtMs: 0, amountRappen: 213, billedRappen: 213 },
    { sequence: 2, startsAtMs: 60_000, amountRappen: 213, billedRappen: 426 },
    { sequence: 3, startsAtMs: 120_000, amountRappen: 74, billedRappen: 500 },
  ]);
});

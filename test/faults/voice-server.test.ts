import { afterAll, expect, test } from "@jest/globals";
import { ALL_FAULTS, callThrough, expectBooksRight } from "./callers.ts";
import { delay } from "./delay.ts";
import { openFaultExchange } from "./fault-exchange.ts";

const faults = await openFaultExchange({ firstPort: 10_000 });
const { exchange, voices, wires } = faults;
afterAll(async () => {
  await faults[Symbol.asyncDispose]();
});

const FAULT_TIMEOUT_MS = 240_000;

test(
  "a voice server is killed in mid-call, then the other one",
  async () => {
    const calling = callThrough(exchange);
    for (const voice of voices) {
      await delay(7_000);
      await voice.kill();
      await delay(1_000);
      await voice.start();
    }
    await expectBooksRight(exchange, await calling);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "both voice servers are killed at once, and come back",
  async () => {
    const calling = callThrough(exchange);
    await delay(13_000);
    await Promise.all(voices.map((voice) => voice.kill()));
    await Promise.all(voices.map((voice) => voice.start()));
    await expectBooksRight(exchange, await calling);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "both voice servers freeze: Asterisk itself lets the callers go, in time, and the books are closed by its record",
  async () => {
    const calling = callThrough(exchange);
    await delay(13_000);
    for (const voice of voices) voice.freeze();
    const callers = await calling;
    for (const voice of voices) voice.thaw();
    await expectBooksRight(exchange, callers);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "the connections to both voice servers are half open: nothing is billed beyond what Asterisk records",
  async () => {
    const calling = callThrough(exchange);
    await delay(13_000);
    for (const wire of wires) wire.cut();
    const callers = await calling;
    for (const wire of wires) wire.mend();
    await expectBooksRight(exchange, callers);
    expect(callers.length).toBeGreaterThan(0);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "one voice server freezes for a moment: its calls go on with it",
  async () => {
    const calling = callThrough(exchange);
    await delay(13_000);
    voices[0].freeze();
    await delay(2_000);
    voices[0].thaw();
    await expectBooksRight(exchange, await calling);
  },
  FAULT_TIMEOUT_MS,
);

// Longer than the books wait for a silent server whose call has no record yet: too long for every run of the tests.
const LONG_ABSENCES: [how: string, leave: () => void, comeBack: () => void][] = [
  ["freezes", () => voices[0].freeze(), () => voices[0].thaw()],
  ["is cut off", () => wires[0].cut(), () => wires[0].mend()],
];
const LONG_ABSENCE_MS = 110_000;
for (const [how, leave, comeBack] of ALL_FAULTS ? LONG_ABSENCES : [])
  test(
    `one voice server ${how} for long in mid-call, and comes back while its callers are still on the line`,
    async () => {
      const calling = callThrough(exchange, undefined, { moreRappen: 260 });
      await delay(13_000);
      leave();
      await delay(LONG_ABSENCE_MS);
      comeBack();
      await expectBooksRight(exchange, await calling);
    },
    FAULT_TIMEOUT_MS + LONG_ABSENCE_MS,
  );

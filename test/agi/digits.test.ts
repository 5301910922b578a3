import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { LineEvent } from "../../line/simulated-call.ts";
import {
  NUMBERS,
  type NumberName,
  openSimulatedExchange,
  type SimulatedExchange,
  type Voice,
} from "../line/simulated-exchange.ts";

/** Keys that fall between two commands are lost, on the real line too: faster than any finger, and slower than a busy server. */
const KEY_MS = 80;
/** Where it does not matter what is lost. */
const STORM_KEY_MS = 25;
const STORM_KEYS_MIN = 40;

let exchange: SimulatedExchange;
let voice: Voice;
let calls = 0;

beforeAll(async () => {
  exchange = await openSimulatedExchange();
  voice = await exchange.startVoice();
});
afterAll(async () => {
  await exchange[Symbol.asyncDispose]();
});

/**
 * A call whose caller keys, whenever a recording of that name begins, the next of the given strings, and hangs up once
 * the code is claimed.
 */
async function callKeying(name: NumberName, keys: Readonly<Record<string, readonly string[]>>) {
  const left = new Map(Object.entries(keys).map(([fragment, strings]) => [fragment, [...strings]]));
  const callerId = `04411${String(++calls).padStart(5, "0")}`;
  const uniqueid = `digits.${calls}`;
  const heard: string[] = [];
  const press = async (text: string) => {
    for (const key of text) {
      await pause(text.length >= STORM_KEYS_MIN ? STORM_KEY_MS : KEY_MS);
      call.press(key);
    }
  };
  const onEvent = (event: LineEvent) => {
    if (event.kind !== "prompt") return;
    heard.push(event.fragment);
    const next = left.get(event.fragment)?.shift();
    if (next !== undefined) void press(next);
    if (event.fragment.startsWith("ivr-order-summary") || event.fragment.startsWith("ivr-hold")) call.hangUp();
  };
  const { number } = NUMBERS[name];
  const call = exchange.call({ number, agiServers: [voice.address], callerId, uniqueid, onEvent });
  await call.finished;
  const leg = await exchange.db
    .selectFrom("call_legs")
    .select(["transaction_id", "wrong_codes", "end_reason"])
    .where("uniqueid", "=", uniqueid)
    .executeTakeFirstOrThrow();
  const transactionId = leg.transaction_id?.toUpperCase() ?? null;
  return { heard, transactionId, wrongCodes: leg.wrong_codes, endReason: leg.end_reason };
}

test.concurrent("the key that cuts the question short is the first digit", async () => {
  const { id, code } = await exchange.openPayment("pulses", 300);
  const { transactionId, heard } = await callKeying("pulses", { "ivr-code-ask": [code] });
  expect(transactionId).toBe(id);
  expect(heard.slice(0, 1)).toEqual(["ivr-code-ask"]);
});

test.concurrent.each([
  ["a star starts over", (code: string) => `12*${code}`],
  ["stars start over as often as one likes, within reason", (code: string) => `1*12*123**${code}`],
  ["keys beyond the fourth are nothing", (code: string) => `${code}9876`],
  ["a hash after the fourth is nothing", (code: string) => `${code}#`],
])("%s", async (_rule, keysOf) => {
  const { id, code } = await exchange.openPayment("pulses", 300);
  const { transactionId, wrongCodes } = await callKeying("pulses", { "ivr-code-ask": [keysOf(code)] });
  expect([transactionId, wrongCodes]).toEqual([id, 0]);
});

test.concurrent("a hash that comes early ends the try, which is incomplete and no guess; the next one counts", async () => {
  const { id, code } = await exchange.openPayment("pulses", 300);
  const { transactionId, wrongCodes, heard } = await callKeying("pulses", {
    "ivr-code-ask": ["12#"],
    "ivr-code-incomplete": [code],
  });
  expect([transactionId, wrongCodes]).toEqual([id, 0]);
  expect(heard.slice(0, 2)).toEqual(["ivr-code-ask", "ivr-code-incomplete"]);
});

test.concurrent("too few digits, none at all and a wrong code are told apart, and three tries are all", async () => {
  const { transactionId, wrongCodes, heard, endReason } = await callKeying("pulses", {
    "ivr-code-ask": ["12"],
    "ivr-code-incomplete": ["0000"],
  });
  expect([transactionId, wrongCodes, endReason]).toEqual([null, 1, "code_not_given"]);
  expect(heard).toEqual([
    "ivr-code-ask",
    "ivr-code-incomplete",
    "ivr-code-invalid",
    "ivr-code-last-try",
    "ivr-code-too-many",
    "ivr-goodbye",
  ]);
}, 60_000);

test.concurrent("a storm of keys is three guesses and no more", async () => {
  const storm = "0000".repeat(80);
  const { wrongCodes, endReason } = await callKeying("pulses", {
    "ivr-code-ask": [storm],
    "ivr-code-invalid": [storm, storm],
    "ivr-code-last-try": [storm],
  });
  expect([wrongCodes, endReason]).toEqual([3, "code_not_given"]);
});

test.concurrent("a star that is stuck ends the call as silence does", async () => {
  const stuck = "*".repeat(90);
  const { wrongCodes, endReason, heard } = await callKeying("pulses", {
    "ivr-code-ask": [stuck],
    "ivr-code-incomplete": [stuck, stuck],
    "ivr-code-last-try": [stuck],
  });
  expect([wrongCodes, endReason]).toEqual([0, "code_not_given"]);
  expect(heard.filter((fragment) => fragment === "ivr-code-incomplete")).toHaveLength(2);
}, 60_000);

test.concurrent.each([
  ["the code", (code: string) => code],
  ["the code and a hash", (code: string) => `${code}#`],
  ["half a code, a star, and the code", (code: string) => `12*${code}`],
  ["half a code, a hash, and the code", (code: string) => `12#${code}`],
])(
  "who knows what comes keys %s in the seconds of grace after accepting the price",
  async (_keys, keysOf) => {
    const { id, code } = await exchange.openPayment("consent", 300);
    const keys = { "ivr-price-accept": [`#${keysOf(code)}`] };
    const { transactionId, wrongCodes, heard } = await callKeying("consent", keys);
    expect([transactionId, wrongCodes]).toEqual([id, 0]);
    expect(heard).not.toContain("ivr-code-ask");
  },
  60_000,
);

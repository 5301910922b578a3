import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, test } from "@jest/globals";
import { billedAfter } from "../../core/tariff.ts";
import { findTransaction } from "../../db/transactions.ts";
import type { CallEnd, LineEvent, SimulatedCall } from "../../line/simulated-call.ts";
import { closedLegs } from "../telephony/exchange.ts";
import { NUMBERS, type NumberName, openSimulatedExchange } from "./simulated-exchange.ts";

// All calls run at once: each takes as long as its payment does. What they share is set up before the first test starts.
const exchange = await openSimulatedExchange();
const agiServers = [(await exchange.startVoice()).address, (await exchange.startVoice()).address];
afterAll(async () => {
  await exchange[Symbol.asyncDispose]();
});

const KEY_EVERY_MS = 120;
const CODE_QUESTIONS = ["ivr-code-ask", "ivr-code-invalid", "ivr-code-incomplete"];

/** Dials with a finger ready: keys `code` into each question for it, and # where the price is to be accepted. */
function callWith(name: NumberName, code: string, options: Partial<Parameters<typeof exchange.call>[0]> = {}) {
  const call = exchange.call({
    number: NUMBERS[name].number,
    agiServers,
    ...options,
    onEvent(event) {
      options.onEvent?.(event);
      if (event.kind !== "prompt") return;
      if (CODE_QUESTIONS.includes(event.fragment)) void keyIn(call, code);
      if (event.fragment === "ivr-price-accept") void keyIn(call, "#");
    },
  });
  return call;
}

async function keyIn(call: SimulatedCall, keys: string): Promise<void> {
  for (const key of keys) {
    await delay(KEY_EVERY_MS);
    call.press(key);
  }
}

/** The call of a payment that is paid: billed by the one billing function of the time that the line measured. */
async function expectPaid(name: NumberName, id: string, end: CallEnd): Promise<void> {
  expect(end).toMatchObject({ endedBy: "server", cause: 16 });
  const paid = await findTransaction(exchange.db, id);
  expect(paid).toMatchObject({ status: "paid", exception: "none", billedRappen: paid?.totalRappen });
  const legs = await closedLegs(exchange.db, id, 1);
  const last = legs.at(-1);
  expect(last).toMatchObject({ end_reason: "paid", billed: billedAfter(NUMBERS[name].segments, end.talkMs ?? 0) });
}

const promptsOf = ({ events }: { readonly events: readonly LineEvent[] }) =>
  events.flatMap((event) => (event.kind === "prompt" ? [event.fragment] : []));
const kinds = (events: readonly LineEvent[]) => [...new Set(events.map(({ kind }) => kind))];

test.concurrent("a call pays by the simulated line, by the pulse", async () => {
  const { id, code } = await exchange.openPayment("pulses", 30);
  const call = callWith("pulses", code);
  await expectPaid("pulses", id, await call.finished);
  expect(kinds(call.events)).toEqual([
    "ringing",
    "progress",
    "answered",
    "prompt",
    "keyed",
    "silence",
    "music",
    "ended",
  ]);
  expect(call.state).toBe("ended");
});

test.concurrent("a donation is called one, and the amount that was chosen", async () => {
  const donation = { minimumRappen: 20, maximumRappen: 100, suggestionsRappen: [] };
  const { id, code } = await exchange.openPayment("pulses", 30, donation);
  const call = callWith("pulses", code);
  await expectPaid("pulses", id, await call.finished);
  expect(promptsOf(call).join(" ")).toContain("ivr-order-summary-donation-b say-centimes-30");
});

test.concurrent("the code can be keyed before the answer, and then costs nothing", async () => {
  const { id, code } = await exchange.openPayment("early", 24);
  const call = callWith("early", code);
  await expectPaid("early", id, await call.finished);
  const order = call.events.map(({ kind }) => kind);
  expect(order.lastIndexOf("keyed")).toBeLessThan(order.indexOf("answered"));
});

test.concurrent("consent by # before the answer, then the code, then paid by the second", async () => {
  const { id, code } = await exchange.openPayment("consent", 120);
  const call = callWith("consent", code);
  await expectPaid("consent", id, await call.finished);
  const keyed = call.events.flatMap((event) => (event.kind === "keyed" ? [event.key] : []));
  expect(keyed.join("")).toBe(`#${code}`);
});

test.concurrent("a call that can't bring all says which one it is and, in time, that another is needed; the next one pays the rest", async () => {
  // 60 rappen a call at most, and a rest of 4 would be no call: the first stops at 50 rappen, the last brings 14.
  const { id, code } = await exchange.openPayment("capped", 64);
  const first = callWith("capped", code);
  const end = await first.finished;
  expect(end).toMatchObject({ endedBy: "server", cause: 16 });
  const said = promptsOf(first);
  expect(said.join(" ")).toContain("ivr-multicall-number-a say-1 ivr-multicall-number-b say-2");
  expect(said.at(-1)).toBe("ivr-multicall-next");
  expect(said.some((fragment) => fragment.startsWith("ivr-hold-closing"))).toBe(false);
  const [leg] = await closedLegs(exchange.db, id, 1);
  expect(leg).toMatchObject({ end_reason: "next_call_needed", billed: 50 });
  expect(billedAfter(NUMBERS.capped.segments, end.talkMs ?? 0)).toBe(50);
  const between = { status: "open", exception: "underpaid", billedRappen: 50, totalRappen: 64 };
  expect(await findTransaction(exchange.db, id)).toMatchObject(between);

  const second = callWith("capped", await exchange.newCode(id));
  await expectPaid("capped", id, await second.finished);
  expect((await closedLegs(exchange.db, id, 2)).map(({ billed }) => billed)).toEqual([50, 14]);
  expect(promptsOf(second).join(" ")).toContain("ivr-resume-found-a say-centimes-50");
  expect(promptsOf(second)).not.toContain("ivr-multicall-number-a");
});

test.concurrent("a price that changes in mid-call is announced, and five seconds pass before it does", async () => {
  const { id, code } = await exchange.openPayment("cheaper", 85);
  const saidAt = new Map<string, number>();
  let answeredAt = 0;
  const call = callWith("cheaper", code, {
    onEvent: (event) => {
      if (event.kind === "answered") answeredAt = performance.now();
      if (event.kind === "prompt") saidAt.set(event.fragment, performance.now() - answeredAt);
    },
  });
  await expectPaid("cheaper", id, await call.finished);
  const said = promptsOf(call).join(" ");
  expect(said).toContain("ivr-price-changes-a say-5 ivr-price-changes-b say-centimes-60 ivr-price-changes-c");
  expect(saidAt.get("ivr-price-changes-c")).toBeLessThan(35_000);
});

test.concurrent("wrong codes three times end the call from our side", async () => {
  const { id } = await exchange.openPayment("pulses", 100);
  const call = callWith("pulses", "0000", { callerId: "0441110001" });
  expect(await call.finished).toMatchObject({ endedBy: "server", cause: 16 });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "open", billedRappen: 0 });
  const leg = await exchange.db
    .selectFrom("call_legs")
    .select(["end_reason", "wrong_codes", "caller"])
    .where("uniqueid", "=", call.uniqueid)
    .executeTakeFirst();
  expect(leg).toEqual({ end_reason: "code_not_given", wrong_codes: 3, caller: "0441110001" });
});

test.concurrent("a caller who hangs up half way pays for what was talked, and a second call pays the rest", async () => {
  const { id, code } = await exchange.openPayment("pulses", 50);
  const first = callWith("pulses", code);
  await delay(12_000);
  first.hangUp();
  expect(first.state).toBe("ended");
  const end = await first.finished;
  expect(end.endedBy).toBe("caller");
  const [leg] = await closedLegs(exchange.db, id, 1);
  const billed = billedAfter(NUMBERS.pulses.segments, end.talkMs ?? 0);
  expect(leg).toMatchObject({ end_reason: "caller_hung_up", billed, duration_ms: Math.round(end.talkMs ?? 0) });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "open", exception: "underpaid" });

  const second = callWith("pulses", await exchange.newCode(id));
  await expectPaid("pulses", id, await second.finished);
  expect((await closedLegs(exchange.db, id, 2)).map((each) => each.billed)).toEqual([billed, 50 - billed]);
});

test.concurrent("a server that dies in mid-call is followed by the other one, and the caller hears no difference", async () => {
  const dying = await exchange.startVoice();
  const { id, code } = await exchange.openPayment("pulses", 50);
  const call = callWith("pulses", code, { agiServers: [dying.address, agiServers[1] ?? ""] });
  await delay(14_000);
  expect(call.state).toBe("up");
  await dying[Symbol.asyncDispose]();
  await expectPaid("pulses", id, await call.finished);
  const legs = await closedLegs(exchange.db, id, 1);
  expect(legs).toHaveLength(1);
  expect(legs[0]).toMatchObject({ billed: 50, epoch: 2 });
});

test.concurrent("a number that isn't in service, or isn't ours, is refused before the answer", async () => {
  for (const number of ["0900900999", "0441112233"]) {
    const call = exchange.call({ number, agiServers });
    expect(await call.finished).toEqual({ answeredAtMs: null, talkMs: null, endedBy: "server", cause: 1 });
    expect(kinds(call.events)).toEqual(["ringing", "ended"]);
  }
});

test.concurrent("a caller who hangs up before the answer owes nothing", async () => {
  const call = callWith("consent", "");
  await delay(2_000);
  call.hangUp();
  expect(await call.finished).toEqual({ answeredAtMs: null, talkMs: null, endedBy: "caller", cause: 16 });
});

test.concurrent("without any server the caller is told so before the answer, for nothing", async () => {
  const limits = { freshMs: 600, pauseMs: 100 };
  const call = exchange.call({ number: "0900900904", agiServers: ["127.0.0.1:1", "127.0.0.1:2"], limits });
  expect(await call.finished).toEqual({ answeredAtMs: null, talkMs: null, endedBy: "server", cause: 34 });
});

test("in all of this, the voice servers had nothing to complain about", () => {
  expect(exchange.complaints).toEqual([]);
});

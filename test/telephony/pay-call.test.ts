import { afterAll, expect, test } from "@jest/globals";
import { quote } from "../../core/quote.ts";
import { billedAfter, nextPulseAtMs, pulseReaching } from "../../core/tariff.ts";
import { TRUNK_BILLING } from "../../core/trunk.ts";
import { findTransaction } from "../../db/transactions.ts";
import { eventually } from "../support/eventually.ts";
import { closedLegs, NUMBERS, type NumberName, openExchange } from "./exchange.ts";
import { type CallOutcome, placeCall, type Scenario } from "./sip-call.ts";

// Opened before the tests are: those that run side by side don't wait for hooks.
const exchange = await openExchange({ firstPort: 20_000 });
afterAll(async () => {
  await exchange[Symbol.asyncDispose]();
});

const CALL_TIMEOUT_MS = 90_000;

function call(
  name: NumberName,
  scenario: Scenario,
  details: {
    readonly digits?: string;
    readonly hangUpAfterMs?: number;
    readonly pauseBeforeDigitsMs?: number;
    readonly callerId?: string;
  } = {},
): Promise<CallOutcome> {
  return placeCall({
    scenario,
    number: NUMBERS[name].number,
    sipPort: exchange.sipPort,
    timeoutMs: CALL_TIMEOUT_MS,
    ...details,
  });
}

/** What a leg was billed equals the one billing function of the time that Asterisk's own record shows. */
async function expectBilledByCdr(name: NumberName, uniqueid: string, billed: number): Promise<number> {
  const cdr = await eventually(async () => (await exchange.cdrs()).find((line) => line.uniqueid === uniqueid));
  expect(billed).toBe(billedAfter(NUMBERS[name].segments, cdr.talkMs));
  return cdr.talkMs;
}

/** A call that paid: billed by the book, once, and ended inside the safe window. */
async function expectPaid(name: NumberName, id: string): Promise<void> {
  const { segments } = NUMBERS[name];
  const paid = await findTransaction(exchange.db, id);
  expect(paid).toMatchObject({ status: "paid", exception: "none", billedRappen: paid?.totalRappen });
  const [leg] = await closedLegs(exchange.db, id, 1);
  if (!leg || !paid) throw new Error("no leg");
  expect(leg).toMatchObject({ end_reason: "paid", billed: paid.totalRappen });
  const talkMs = await expectBilledByCdr(name, leg.uniqueid, leg.billed);
  const last = pulseReaching(segments, paid.totalRappen);
  if (!last) throw new Error("no pulse");
  expect(talkMs).toBeGreaterThanOrEqual(last.startsAtMs + TRUNK_BILLING.guardAfterPulseMs - 50);
  expect(talkMs).toBeLessThan(nextPulseAtMs(segments, last));
  const pulses = await exchange.db.selectFrom("pulses").select("amount").where("call_leg_id", "=", leg.id).execute();
  expect(pulses.reduce((sum, pulse) => sum + pulse.amount, 0)).toBe(leg.billed);
}

test.concurrent("24 paid calls over five tariffs at once: what is booked is what Asterisk's record owes, and each ends in its safe window", async () => {
  const plans: readonly (readonly [NumberName, Scenario, number])[] = [
    ...[30, 40, 50, 60, 70, 80].map((amount) => ["pulses", "caller-keys-code-and-waits", amount] as const),
    ...[10, 24, 33, 41, 52, 60].map((amount) => ["early", "caller-keys-early", amount] as const),
    ...[50, 100, 213].map((amount) => ["minutes", "caller-keys-code-and-waits", amount] as const),
    ...[100, 200, 300].map((amount) => ["perCall", "caller-keys-code-and-waits", amount] as const),
    ...[120, 150, 155, 160, 180, 200].map((amount) => ["consent", "caller-accepts-price-then-keys", amount] as const),
  ];
  await Promise.all(
    plans.map(async ([name, scenario, amountRappen]) => {
      const { id, code } = await exchange.openPayment(name, { amountRappen });
      const outcome = await call(name, scenario, { digits: code });
      expect([outcome.exitCode, outcome.endedBy]).toEqual([0, "asterisk"]);
      await expectPaid(name, id);
    }),
  );
  expect(exchange.complaints).toEqual([]);
}, 180_000);

test.concurrent.each<readonly [string, Scenario]>([
  ["RFC 4733 events", "caller-keys-code-and-waits"],
  ["SIP INFO", "caller-keys-by-info"],
  ["tones in the speech band", "caller-keys-in-band"],
])(
  "digits arrive as %s",
  async (_way, scenario) => {
    const { id, code } = await exchange.openPayment("pulses", { amountRappen: 30 });
    expect(await call("pulses", scenario, { digits: code })).toMatchObject({ exitCode: 0, endedBy: "asterisk" });
    await expectPaid("pulses", id);
  },
  100_000,
);

test.concurrent("a caller who keys while the question still plays is understood from the first digit on", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 30 });
  await call("pulses", "caller-keys-code-and-waits", { digits: code, pauseBeforeDigitsMs: 100 });
  await expectPaid("pulses", id);
}, 100_000);

test.concurrent("star starts over: a caller who errs keys the code again in the same breath", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 40 });
  await call("pulses", "caller-keys-code-and-waits", { digits: `12*${code}` });
  await expectPaid("pulses", id);
}, 100_000);

test.concurrent("wrong codes three times end the call; it is billed to nobody's purchase, and the books know what it cost", async () => {
  const { id } = await exchange.openPayment("pulses", { amountRappen: 100 });
  const outcome = await call("pulses", "caller-wrong-code-three-times", { digits: "0000", callerId: "0441110001" });
  expect(outcome.endedBy).toBe("asterisk");
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "open", billedRappen: 0 });
  const leg = await legOfCaller("0441110001");
  expect(leg).toMatchObject({ end_reason: "code_not_given", wrong_codes: 3, transaction_id: null });
  await expectBilledByCdr("pulses", leg.uniqueid, leg.billed);
}, 120_000);

test.concurrent("a caller who keys nothing is asked three times and released", async () => {
  const outcome = await call("pulses", "caller-silent", { callerId: "0441110002" });
  expect(outcome.endedBy).toBe("asterisk");
  const leg = await legOfCaller("0441110002");
  expect(leg).toMatchObject({ end_reason: "code_not_given", wrong_codes: 0 });
  await expectBilledByCdr("pulses", leg.uniqueid, leg.billed);
}, 150_000);

test.concurrent("an interrupted payment is taken up by a second call, and the shopper pays only once", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 80 });
  const first = await call("pulses", "caller-hangs-up-half-way", {
    digits: code,
    hangUpAfterMs: 15_090 /* a pulse has just fallen, and only the end of the call books it */,
  });
  expect(first.endedBy).toBe("caller");
  const [leg] = await closedLegs(exchange.db, id, 1);
  expect(leg).toMatchObject({ end_reason: "caller_hung_up", billed: 40 });
  await expectBilledByCdr("pulses", leg?.uniqueid ?? "", leg?.billed ?? 0);
  expect(await findTransaction(exchange.db, id)).toMatchObject({
    status: "open",
    exception: "underpaid",
    billedRappen: 40,
    totalRappen: 80,
  });

  await call("pulses", "caller-keys-code-and-waits", { digits: await exchange.newCode(id) });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid", exception: "none", billedRappen: 80 });
  const legs = await closedLegs(exchange.db, id, 2);
  expect(legs.map((each) => each.billed)).toEqual([40, 40]);
  await expectBilledByCdr("pulses", legs[1]?.uniqueid ?? "", legs[1]?.billed ?? 0);
}, 150_000);

test.concurrent("a code that has run out pays nothing, and the caller is told to ask for a new one", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 30 });
  await exchange.db
    .updateTable("codes")
    .set({ issued_at: new Date(Date.now() - 400_000), expires_at: new Date(Date.now() - 1_000) })
    .where("transaction_id", "=", id)
    .execute();
  await call("pulses", "caller-keys-code-and-waits", { digits: code, callerId: "0441110003" });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "open", billedRappen: 0 });
  expect(await legOfCaller("0441110003")).toMatchObject({ end_reason: "code_expired" });
}, 100_000);

test.concurrent("a code lives on its own number only", async () => {
  const { id, code } = await exchange.openPayment("perCall", { amountRappen: 300 });
  await call("pulses", "caller-wrong-code-three-times", { digits: code, callerId: "0441110004" });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "open", billedRappen: 0 });
  expect(await legOfCaller("0441110004")).toMatchObject({ end_reason: "code_not_given" });
}, 120_000);

test.concurrent("of two callers with one code at once, one pays and the other is told and released", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 60 });
  const outcomes = await Promise.all(
    ["0441110005", "0441110006"].map((callerId) =>
      call("pulses", "caller-keys-code-and-waits", { digits: code, callerId }),
    ),
  );
  expect(outcomes.map((outcome) => outcome.endedBy)).toEqual(["asterisk", "asterisk"]);
  await expectPaid("pulses", id);
  const reasons = [(await legOfCaller("0441110005")).end_reason, (await legOfCaller("0441110006")).end_reason];
  expect(new Set(reasons)).toEqual(new Set(["code_in_use", "paid"]));
}, 100_000);

test.concurrent("a number that isn't in service is refused before answer, for nothing", async () => {
  for (const number of ["0900123456", "0900900999"]) {
    const outcome = await placeCall({
      scenario: "caller-is-refused",
      number,
      expectedStatus: 404,
      sipPort: exchange.sipPort,
      timeoutMs: 20_000,
    });
    expect(outcome).toMatchObject({ exitCode: 0, finalStatus: 404, answeredAfterMs: null });
  }
}, 60_000);

test.concurrent("a price above CHF 5 a minute isn't taken without the caller's consent: the call is never answered", async () => {
  const { code } = await exchange.openPayment("consent", { amountRappen: 120 });
  const outcome = await placeCall({
    scenario: "caller-keys-early",
    number: NUMBERS.consent.number,
    digits: code,
    sipPort: exchange.sipPort,
    timeoutMs: 90_000,
  });
  expect(outcome.answeredAfterMs).toBeNull();
}, 120_000);

test.concurrent("calls reach the number in every form that carriers send it", async () => {
  await Promise.all(
    ["+41900900906", "0041900900906", "41900900906"].map(async (number) => {
      const { id, code } = await exchange.openPayment("perCall", { amountRappen: 300 });
      await placeCall({
        scenario: "caller-keys-code-and-waits",
        number,
        digits: code,
        sipPort: exchange.sipPort,
        timeoutMs: CALL_TIMEOUT_MS,
      });
      await expectPaid("perCall", id);
    }),
  );
}, 120_000);

test.concurrent("the quote says how long the call takes, to the second", async () => {
  const quoted = quote({ segments: NUMBERS.pulses.segments, amountRappen: 70, codeBeforeAnswer: false });
  const { code } = await exchange.openPayment("pulses", { amountRappen: 70 });
  const outcome = await call("pulses", "caller-keys-code-and-waits", { digits: code });
  if ("refusal" in quoted) throw new Error(quoted.refusal);
  expect(outcome.talkSeconds).toBeGreaterThanOrEqual(quoted.window.opensAtMs / 1_000 - 0.05);
  expect(outcome.talkSeconds).toBeLessThan(quoted.window.closesAtMs / 1_000 + 0.25);
}, 100_000);

async function legOfCaller(caller: string) {
  return eventually(() =>
    exchange.db
      .selectFrom("call_legs")
      .select(["uniqueid", "billed", "end_reason", "wrong_codes", "transaction_id"])
      .where("caller", "=", caller)
      .where("ended_at", "is not", null)
      .executeTakeFirst(),
  );
}

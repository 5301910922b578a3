import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { GUARD_AFTER_PULSE_MS } from "../../core/quote.ts";
import { billedAfter, pulsesDue } from "../../core/tariff.ts";
import { findTransaction } from "../../db/transactions.ts";
import { closedLegs, type Exchange, NUMBERS, type NumberName, openExchange } from "./exchange.ts";
import { placeCall } from "./sip-call.ts";

let exchange: Exchange;

beforeAll(async () => {
  exchange = await openExchange({ firstPort: 25_060 });
}, 120_000);
afterAll(async () => {
  await exchange[Symbol.asyncDispose]();
});

test("one call pays", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 30 });
  const outcome = await placeCall({ scenario: "caller-keys-code-and-waits", number: NUMBERS.pulses.number, digits: code, sipPort: exchange.sipPort, timeoutMs: 40_000 });
  console.log(outcome, exchange.complaints);
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid", billedRappen: 30 });
  console.log(await closedLegs(exchange.db, id, 1), await exchange.cdrs());
});

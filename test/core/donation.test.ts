import { expect, test } from "@jest/globals";
import { chooseAmount, mayChooseAmount } from "../../core/donation.ts";
import { parseFrancs } from "../../core/money.ts";
import type { Transaction } from "../../core/transaction.ts";
import { startCall } from "../../core/transitions.ts";
import { PULSES_OF_5_SECONDS } from "../support/seed.ts";
import { transactionWith } from "./any-transaction.ts";

const NOW = new Date("2026-11-02T12:05:00Z");
const DONATION = { minimumRappen: 100, maximumRappen: 4_000, suggestionsRappen: [500, 1_000] };
const LINE = { segments: PULSES_OF_5_SECONDS, codeBeforeAnswer: false };

function choose(amountRappen: number, changes: Partial<Transaction> = {}) {
  const transaction = transactionWith({ donation: DONATION, amountRappen: 500, ...changes });
  return chooseAmount({ ...LINE, tariffId: 7, amountRappen })(transaction, NOW);
}

test("the giver's amount is quoted anew, at the price of now", () => {
  expect(choose(1_234)).toMatchObject({
    next: { amountRappen: 1_234, totalRappen: 1_240, tariffId: 7, amountChosenAt: NOW, status: "open" },
    event: "transaction.amount_chosen",
    data: { amountRappen: 1_234, totalRappen: 1_240 },
  });
});

test("what was proposed has to be chosen, too; chosen twice it changes nothing", () => {
  expect(choose(500)).toMatchObject({ event: "transaction.amount_chosen" });
  expect(choose(500, { amountChosenAt: NOW, tariffId: 7 })).toBeNull();
  expect(choose(500, { amountChosenAt: NOW, tariffId: 6 })).toMatchObject({ event: "transaction.amount_chosen" });
});

test.each([99, 4_001, 0, -500, 500.5, Number.NaN])("an amount of %d is outside the limits", (amountRappen) => {
  expect(choose(amountRappen)).toEqual({ refusal: "donation_limits" });
});

test("limits are amounts themselves", () => {
  expect(choose(100)).toMatchObject({ next: { amountRappen: 100 } });
  expect(choose(4_000)).toMatchObject({ next: { amountRappen: 4_000 } });
});

test.each([
  ["a call is under way", { status: "calling" }, "call_in_progress"],
  ["it is paid", { status: "paid", paidAt: NOW, billedRappen: 500 }, "transaction_already_paid"],
  ["it is cancelled", { status: "cancelled", cancelledAt: NOW }, "transaction_cancelled"],
  ["its time has run out", { expiresAt: NOW }, "transaction_expired"],
  ["something is billed", { billedRappen: 10, amountChosenAt: NOW }, "amount_fixed"],
  ["the amount is the merchant's", { donation: null }, "amount_fixed"],
] as const)("nothing is chosen any more when %s", (_when, changes, refusal) => {
  expect(choose(1_000, changes)).toEqual({ refusal });
  expect(mayChooseAmount(transactionWith({ donation: DONATION, ...changes }), NOW)).toBe(false);
});

test("what the number can't bill is refused", () => {
  const dear = [{ kind: "fixed" as const, priceRappen: 300 }];
  const change = chooseAmount({ segments: dear, codeBeforeAnswer: false, tariffId: 1, amountRappen: 3_000 });
  expect(change(transactionWith({ donation: DONATION }), NOW)).toEqual({ refusal: "amount_unreachable" });
});

test("no call starts before the amount is chosen", () => {
  const call = startCall({ ...LINE, leg: 1, billedRappen: 0 });
  const donation = transactionWith({ donation: DONATION, amountRappen: 500 });
  expect(call(donation, NOW)).toEqual({ refusal: "amount_not_chosen" });
  expect(call({ ...donation, amountChosenAt: NOW }, NOW)).toMatchObject({ next: { status: "calling" } });
});

test.each([
  ["20", 2_000],
  ["12.50", 1_250],
  ["12,5", 1_250],
  [" CHF 7.– ", 700],
  ["fr. 1’000.-", 100_000],
  ["1'234.05", 123_405],
  ["0.05", 5],
])("«%s» is read as %d rappen", (text, rappen) => {
  expect(parseFrancs(text)).toBe(rappen);
});

test.each(["", "abc", "-5", "1.234", "1.2.3", "1e3", "0x10", "12345678", "٢٠", "5 EUR", ".50", "5."])(
  "«%s» isn't read as an amount",
  (text) => {
    expect(parseFrancs(text)).toBeNull();
  },
);

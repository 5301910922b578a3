import { expect, test } from "@jest/globals";
import { ledgerOf } from "../../demo/ledger.ts";
import type { Exchange } from "../../demo/recording-fetch.ts";
import { BODY_CHARACTERS_MAX, EXCHANGES_MAX, SALES_MAX, saleBook } from "../../demo/sale-book.ts";
import type { Transaction } from "../../sdk/typescript/phone2pay.ts";

const opened = (id: string): Exchange => ({
  at: new Date(),
  method: "POST",
  path: "/v1/transactions",
  request: "{}",
  status: 201,
  durationMs: 1,
  answer: JSON.stringify({ id }),
});
const checked = (id: string, status: number, answer = "{}"): Exchange => ({
  ...opened(id),
  method: "GET",
  path: `/v1/transactions/${id}`,
  request: null,
  status,
  answer,
});
const idsOf = (book: ReturnType<typeof saleBook>) => book.sales().map(({ id }) => id);

test("one sale more than are kept pushes the first one out", () => {
  const book = saleBook();
  for (let number = 0; number <= SALES_MAX; number++) book.noteExchange(opened(`T-${number}`));
  expect(book.sales()).toHaveLength(SALES_MAX);
  expect(book.findSale("t-0")).toBeNull();
  expect(idsOf(book)[0]).toBe(`T-${SALES_MAX}`);
  expect(idsOf(book).at(-1)).toBe("T-1");
});

test("a sale keeps so many exchanges, the one that opened it always, and the beginning of long bodies", () => {
  const book = saleBook();
  book.noteExchange({ ...opened("T-1"), request: "x".repeat(3 * BODY_CHARACTERS_MAX) });
  for (let number = 0; number < 2 * EXCHANGES_MAX; number++) book.noteExchange(checked("T-1", 200));
  const { exchanges = [] } = book.findSale("T-1") ?? {};
  expect(exchanges).toHaveLength(EXCHANGES_MAX);
  expect(exchanges[0]).toMatchObject({ method: "POST", status: 201 });
  expect(exchanges[0]?.request).toHaveLength(BODY_CHARACTERS_MAX + 1);
});

test("an id that someone invents opens no sale; a refusal is kept with the sale that it is about", () => {
  const book = saleBook();
  book.noteExchange(checked("INVENTED", 404, '{"code":"transaction_unknown"}'));
  expect(book.sales()).toEqual([]);
  book.noteExchange(opened("T-1"));
  book.noteExchange({ ...checked("T-1", 409), method: "POST", path: "/v1/transactions/t-1/redeem" });
  expect(book.findSale("T-1")?.exchanges.map(({ status }) => status)).toEqual([201, 409]);
});

test("what a pass is worth belongs to the sale of the pass, and no answer at all to none but a known one", () => {
  const book = saleBook();
  book.noteExchange(opened("PASS"));
  const answer = JSON.stringify({ valid: true, transaction: { id: "PASS" } });
  book.noteExchange({ ...opened("PASS"), path: "/v1/access/check", status: 200, answer });
  book.noteExchange({ ...checked("PASS", 0), status: null, answer: "" });
  book.noteExchange({ ...opened("PASS"), status: null, answer: "" });
  expect(book.findSale("PASS")?.exchanges.map(({ status }) => status)).toEqual([201, 200, null]);
  expect(book.sales()).toHaveLength(1);
});

test("webhooks stand in the order of what they tell, and those of no sale stand apart", () => {
  const book = saleBook();
  const event = (sequence: number, type: string, id: unknown) => ({ type, timestamp: "", sequence, data: { id } });
  book.noteWebhook("evt_9", event(9, "transaction.paid", "t-1"));
  book.noteWebhook("evt_3", event(3, "transaction.created", "T-1"));
  book.noteWebhook("evt_9", event(9, "transaction.paid", "T-1"));
  book.noteWebhook("evt_5", event(5, "endpoint.test", "E-1"));
  book.noteRefusedWebhook("evt_6".repeat(100), "webhook_forged");
  expect(book.findSale("T-1")?.webhooks.map(({ id, count }) => [id, count])).toEqual([
    ["evt_3", 1],
    ["evt_9", 2],
  ]);
  expect(book.strays().map(({ type, refusal }) => [type, refusal])).toEqual([
    [null, "webhook_forged"],
    ["endpoint.test", null],
  ]);
  expect(book.strays()[0]?.id).toHaveLength(80);
  for (let number = 0; number < 100; number++) book.noteRefusedWebhook("", "webhook_malformed");
  expect(book.strays()).toHaveLength(20);
});

test("the calls of a ledger sum up to what was billed, and what goes beyond the amount is told", () => {
  const started = (creditRappen: number) => ({
    id: "1",
    type: "transaction.call_started",
    createdAt: "2026-01-01T10:00:00Z",
    data: { creditRappen },
  });
  const transaction = { amount: 1_000, total: 1_010, billed: 1_020 } as Transaction;
  const ledger = ledgerOf(transaction, [started(0), { ...started(0), type: "transaction.paid" }, started(640)]);
  expect(ledger.calls.map(({ billedRappen }) => billedRappen)).toEqual([640, 380]);
  expect(ledger).toMatchObject({ billedRappen: 1_020, overshootRappen: 20 });
  expect(ledgerOf({ ...transaction, billed: 0 }, []).calls).toEqual([]);
});

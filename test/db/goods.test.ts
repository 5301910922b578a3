import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import type { Order } from "../../core/transaction.ts";
import { chooseDonation } from "../../db/donations.ts";
import { findPass, findRenewal } from "../../db/passes.ts";
import { findTransaction, readJournal } from "../../db/transactions.ts";
import { seedMerchant, seedTransaction } from "../support/seed.ts";
import { WebApp } from "../web/web-app.ts";

let web: WebApp;
beforeAll(async () => {
  web = await WebApp.start();
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

const DONATION = { minimumRappen: 50, maximumRappen: 500, suggestionsRappen: [100, 200] };

/** What the database says to a change that no code of ours would make. */
const change = (id: string, assignment: string) =>
  sql.raw(`update transactions set ${assignment} where id = '${id}'`).execute(web.db);

async function paidPass(changes: Partial<Order> = {}) {
  const id = await web.inState("confirmed", { accessDays: 31, ...changes });
  const pass = await findTransaction(web.db, id);
  if (!pass?.paidAt) throw new Error("the pass isn't paid");
  return { id, until: new Date(pass.paidAt.getTime() + 31 * 86_400_000) };
}

const renew = (pass: { readonly id: string; readonly until: Date }, changes: Partial<Order> = {}) =>
  seedTransaction(web.db, web.seeded, { accessDays: 31, renews: pass.id, accessAfter: pass.until, ...changes });

test.each([
  ["a minimum alone", "donation_maximum = null"],
  ["limits the wrong way round", "donation_minimum = 600"],
  ["no minimum at all", "donation_minimum = 0"],
  ["a maximum beyond every amount", "donation_maximum = 40001"],
  ["an amount outside", "amount = 501, total = 510"],
  ["a suggestion outside", "donation_suggestions = '{100,501}'"],
  ["a suggestion of nothing", "donation_suggestions = '{100,null}'"],
  ["seven suggestions", "donation_suggestions = '{60,70,80,90,100,110,120}'"],
  ["a call before the amount is chosen", "status = 'calling'"],
  ["a rappen billed before the amount is chosen", "billed = 10"],
  ["a basket", `items = '[{"description":"x"}]'`],
])("the database refuses a donation with %s", async (_what, assignment) => {
  const { id } = await seedTransaction(web.db, web.seeded, { donation: DONATION });
  await expect(change(id, assignment)).rejects.toThrow(/check constraint/);
});

test("the database changes the amount of an open donation only, before anything is billed", async () => {
  const sale = await web.open();
  await expect(change(sale, "amount = 90")).rejects.toThrow("the amount is fixed");
  await expect(change(sale, "amount_chosen_at = now()")).rejects.toThrow(/only_donations_are_chosen/);
  await expect(change(sale, "donation_suggestions = '{100}'")).rejects.toThrow(/only_donations_suggest/);
  const gift = await web.open({ donation: DONATION });
  await change(gift, "amount = 90");
  await chooseDonation(web.db, { transactionId: gift, amountRappen: 100 });
  await (await web.call(gift)).pulses(1, 3);
  await expect(change(gift, "amount = 90")).rejects.toThrow("the amount is fixed");
});

test("a chosen amount is in the journal, and the code shown beside another total is dead", async () => {
  const id = await web.open({ donation: DONATION });
  await web.get(`/pay/${id}`);
  expect(await chooseDonation(web.db, { transactionId: id, amountRappen: 200 })).toMatchObject({ refusal: null });
  await web.get(`/pay/${id}`);
  const live = () =>
    web.db
      .selectFrom("codes")
      .select("code")
      .where("transaction_id", "=", id)
      .where("retired_at", "is", null)
      .execute();
  const [first] = await live();
  expect(first).toBeDefined();
  await chooseDonation(web.db, { transactionId: id, amountRappen: 200 });
  expect(await live()).toEqual([first]);
  await chooseDonation(web.db, { transactionId: id, amountRappen: 300 });
  expect(await live()).toEqual([]);
  const journal = await readJournal(web.db, id);
  expect(journal.map(({ event }) => event)).toEqual([
    "transaction.created",
    "transaction.amount_chosen",
    "transaction.amount_chosen",
  ]);
  expect(journal.at(-1)?.data).toEqual({ amountRappen: 300, totalRappen: 300 });
});

test("every pass has a code of its own, and nothing else has one", async () => {
  const one = await seedTransaction(web.db, web.seeded, { accessDays: 1 });
  const two = await seedTransaction(web.db, web.seeded, { accessDays: 31 });
  expect(one.accessCode).toMatch(/^[0-9]{12}$/);
  await expect(change(two.id, `access_code = '${one.accessCode}'`)).rejects.toThrow(/access_code_is_unique/);
  await expect(change(two.id, "access_code = '1234'")).rejects.toThrow(/pass_has_an_access_code/);
  await expect(change(two.id, "access_code = null")).rejects.toThrow(/pass_has_an_access_code/);
  await expect(change(await web.open(), "access_code = '000000000000'")).rejects.toThrow(/pass_has_an_access_code/);
});

test("a code finds nothing until its pass is paid", async () => {
  const open = await seedTransaction(web.db, web.seeded, { accessDays: 31 });
  expect(await findPass(web.db, { accessCode: open.accessCode ?? "" })).toBeNull();
  const call = await web.call(open.id);
  await call.pulses(1, 9);
  expect(await findPass(web.db, { accessCode: open.accessCode ?? "" })).toBeNull();
  await call.pulses(10, 10);
  expect(await findPass(web.db, { accessCode: open.accessCode ?? "" })).toMatchObject({ asked: { id: open.id } });
});

test("a pass has one renewal, whoever asks and however many at once", async () => {
  const pass = await paidPass();
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => renew(pass)));
  expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const lost of tries) if (lost.status === "rejected") expect(String(lost.reason)).toContain("renewal_exists");
  const standing = await findRenewal(web.db, pass.id);
  await change(standing?.id ?? "", "status = 'cancelled', cancelled_at = now()");
  expect((await renew(pass)).renews).toBe(pass.id);
});

test("a second renewal isn't kept even by code that doesn't ask", async () => {
  const pass = await paidPass();
  const first = await renew(pass);
  await change(first.id, "status = 'expired', expired_at = now()");
  const row = web.db.selectFrom("transactions").selectAll().where("id", "=", first.id);
  const { id: _id, access_code: _code, ...same } = await row.executeTakeFirstOrThrow();
  const other = { ...same, id: "3f2504e0-4f89-41d3-9a0c-0305e82c3301", access_code: "000000000001" };
  const second = { ...other, items: "[]", metadata: "{}" };
  await expect(web.db.insertInto("transactions").values(second).execute()).rejects.toThrow(/pass_is_renewed_once/);
});

test("a renewal begins where a paid pass of its own merchant and mode ends, and ends in two months at most", async () => {
  const pass = await paidPass();
  const wrong = /begins where a paid pass of its merchant ends/;
  const moved = { ...pass, until: new Date(pass.until.getTime() + 1_000) };
  await expect(renew(moved)).rejects.toThrow(wrong);
  await expect(renew(pass, { test: true })).rejects.toThrow(wrong);
  await expect(renew(pass, { accessDays: 0 })).rejects.toThrow(/constraint/);
  const stranger = await seedMerchant(web.db, { number: "0900900905" });
  const theirs = { accessDays: 31, renews: pass.id, accessAfter: pass.until };
  await expect(seedTransaction(web.db, stranger, theirs)).rejects.toThrow(wrong);
  const unpaid = await seedTransaction(web.db, web.seeded, { accessDays: 31 });
  await expect(renew({ id: unpaid.id, until: pass.until })).rejects.toThrow(wrong);
  const renewal = await renew(pass);
  await expect(change(renewal.id, "access_after = access_after + interval '1 day'")).rejects.toThrow();
  await expect(change(renewal.id, "created_at = created_at - interval '1 hour'")).rejects.toThrow(/two_months/);
});

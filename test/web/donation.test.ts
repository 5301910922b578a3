import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { findTransaction } from "../../db/transactions.ts";
import { seedNumber, THREE_FRANCS_A_CALL } from "../support/seed.ts";
import { WebApp } from "./web-app.ts";

let web: WebApp;
beforeAll(async () => {
  web = await WebApp.start();
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

const DONATION = { minimumRappen: 50, maximumRappen: 500, suggestionsRappen: [100, 200] };
const gift = () => web.open({ donation: DONATION });

test("before the amount is chosen there is no code, nor a call to make, and the page says so", async () => {
  const id = await gift();
  const { body } = await web.get(`/pay/${id}`);
  expect(body).toContain("Choisissez un montant");
  expect(body).toContain("Le numéro et le code s&#39;affichent une fois le montant choisi.");
  expect(body).toContain("Entre CHF\u00a00.50 et CHF\u00a05.00");
  expect(body).not.toMatch(/data-code[ >]|href="tel:/);
  const codes = web.db.selectFrom("codes").selectAll().where("transaction_id", "=", id);
  expect(await codes.execute()).toEqual([]);
  expect(await web.post(`/pay/${id}/code`)).toMatchObject({ statusCode: 303 });
  expect(await codes.execute()).toEqual([]);
});

test("the amount proposed stands first in line: as the filled button, or in the field", async () => {
  const suggested = (await web.get(`/pay/${await gift()}`)).body;
  expect(suggested).toContain('<button class="button" name="amount" value="1.00">CHF\u00a01.00</button>');
  expect(suggested).toContain('<button class="button quiet" name="amount" value="2.00">');
  expect(suggested).toMatch(/<input id="amount" name="amount" value=""/);
  const own = await web.open({ donation: { ...DONATION, suggestionsRappen: [] }, amountRappen: 130 });
  expect((await web.get(`/pay/${own}`)).body).toMatch(/<input id="amount" name="amount" value="1.30"/);
});

test("a chosen amount leads to the number and a code, and can be changed until a call starts", async () => {
  const id = await gift();
  const location = `/pay/${id}`;
  expect(await web.post(`/pay/${id}/amount`, "amount=2.00")).toMatchObject({ statusCode: 303, headers: { location } });
  const page = (await web.get(`/pay/${id}`)).body;
  expect(page).toMatch(/data-code aria-hidden="true">[0-9]{4}</);
  expect(page).toContain("CHF\u00a02.00</strong>");
  expect(page).toContain("Modifier le montant");
  expect((await web.get(`/pay/${id}/amount`)).body).toContain("Choisissez un montant");
  await web.post(`/pay/${id}/amount`, "amount=CHF+3,50");
  expect(await findTransaction(web.db, id)).toMatchObject({ amountRappen: 350, totalRappen: 350, status: "open" });
  await web.call(id);
  for (const answer of [await web.get(`/pay/${id}/amount`), await web.post(`/pay/${id}/amount`, "amount=1")])
    expect(answer).toMatchObject({ statusCode: 303, headers: { location } });
  expect(await findTransaction(web.db, id)).toMatchObject({ amountRappen: 350 });
  expect((await web.get(`/pay/${id}`)).body).not.toContain("Modifier le montant");
});

test.each([
  ["amount=0.40", "Le montant minimal est de CHF\u00a00.50."],
  ["amount=5.01", "Le montant maximal est de CHF\u00a05.00."],
  ["amount=viel", "Saisissez un montant, par exemple 1.00."],
  ["amount=", "Saisissez un montant, par exemple 1.00."],
  ["", "Saisissez un montant, par exemple 1.00."],
  ["amount=1&amount=2", "Saisissez un montant, par exemple 1.00."],
])("«%s» is refused in words, and nothing is chosen", async (form, words) => {
  const id = await gift();
  const answer = await web.post(`/pay/${id}/amount`, form);
  expect(answer.statusCode).toBe(422);
  expect(answer.body).toContain(words);
  expect(answer.body).toContain('aria-invalid="true"');
  expect(await findTransaction(web.db, id)).toMatchObject({ amountChosenAt: null, amountRappen: 100 });
});

test("what was typed is printed back as text, never as markup", async () => {
  const answer = await web.post(`/pay/${await gift()}/amount`, `amount=${encodeURIComponent('"><b>5')}`);
  expect(answer.body).toContain('value="&quot;&gt;&lt;b&gt;5"');
});

test("an amount that the number can't bill any more is refused in words", async () => {
  const number = "0900900906";
  const { tariffId } = await seedNumber(web.db, {
    merchantId: web.seeded.merchantId,
    number,
    segments: THREE_FRANCS_A_CALL,
  });
  const donation = { minimumRappen: 100, maximumRappen: 4_000, suggestionsRappen: [] };
  const id = await web.open({ donation, number, tariffId });
  const answer = await web.post(`/pay/${id}/amount`, "amount=30");
  expect(answer.statusCode).toBe(422);
  expect(answer.body).toContain("Ce montant ne peut pas être facturé par ce numéro.");
});

test("the form is taken from our own pages only", async () => {
  const id = await gift();
  const foreign = await web.post(`/pay/${id}/amount`, "amount=2.00", { "sec-fetch-site": "cross-site" });
  expect(foreign.statusCode).toBe(403);
  expect(await findTransaction(web.db, id)).toMatchObject({ amountChosenAt: null });
});

test("an ordinary payment has no amount to choose", async () => {
  const id = await web.open();
  const location = `/pay/${id}`;
  for (const answer of [await web.get(`/pay/${id}/amount`), await web.post(`/pay/${id}/amount`, "amount=2.00")])
    expect(answer).toMatchObject({ statusCode: 303, headers: { location } });
  expect(await findTransaction(web.db, id)).toMatchObject({ amountRappen: 100 });
  expect((await web.get("/pay/3F2504E0-4F89-41D3-9A0C-0305E82C3301/amount")).statusCode).toBe(404);
});

test("a paid donation is thanked for, and its receipt says what it isn't", async () => {
  const id = await gift();
  await web.post(`/pay/${id}/amount`, "amount=1.00");
  const call = await web.call(id);
  await call.pulses(1, 10);
  expect((await web.get(`/pay/${id}?lang=en`)).body).toContain("Thank you for your donation.");
  const receipt = (await web.get(`/pay/${id}/receipt?lang=en`)).body;
  expect(receipt).toContain("Thank you for your donation.");
  expect(receipt).toContain("This receipt is not a tax certificate. To obtain one, please contact Disques du Léman.");
});

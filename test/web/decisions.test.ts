import { afterAll, beforeAll, expect, test } from "@jest/globals";
import Fastify from "fastify";
import { sql } from "kysely";
import { openDatabase } from "../../db/database.ts";
import type { NoticeWatch } from "../../db/notices.ts";
import { findTransaction } from "../../db/transactions.ts";
import { webPages } from "../../web/pages.ts";
import { withTransaction } from "../../web/return-url.ts";
import { seedTransaction } from "../support/seed.ts";
import { PROVIDER, WebApp } from "./web-app.ts";

let web: WebApp;
beforeAll(async () => {
  web = await WebApp.start();
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

test("confirming leads to the merchant with the id only, and again when clicked twice", async () => {
  const id = await web.inState("paid", { returnUrl: "https://shop.example/back?order=7&q=a%20b#done" });
  const location = `https://shop.example/back?order=7&q=a%20b&transaction=${id}#done`;
  for (const _click of [1, 2]) {
    expect(await web.post(`/pay/${id}/confirm`)).toMatchObject({ statusCode: 303, headers: { location } });
  }
  expect(await findTransaction(web.db, id)).toMatchObject({ status: "confirmed" });
  const redeemed = await web.inState("redeemed");
  expect(await web.post(`/pay/${redeemed}/confirm`)).toMatchObject({ statusCode: 303 });
});

test.each(["open", "calling", "interrupted", "expired", "cancelled"] as const)(
  "a payment that is %s can't be confirmed",
  async (state) => {
    const answer = await web.post(`/pay/${await web.inState(state)}/confirm`);
    expect(answer.statusCode).toBe(409);
    expect(answer.body).toContain("La commande ne peut être confirmée qu&#39;une fois le paiement complet.");
  },
);

test("cancelling asks first, says what was billed, and ends at the merchant's", async () => {
  const id = await web.inState("interrupted", { cancelUrl: "https://shop.example/cancelled" });
  const question = await web.get(`/pay/${id}/cancel`);
  expect(question.body).toContain("Déjà facturé: CHF\u00a00.40. Ce montant n&#39;est pas remboursé automatiquement.");
  const location = `https://shop.example/cancelled?transaction=${id}`;
  expect(await web.post(`/pay/${id}/cancel`)).toMatchObject({ statusCode: 303, headers: { location } });
  const page = (await web.get(`/pay/${id}`)).body;
  expect(page).toContain('data-status="cancelled"');
  expect(page).toContain("Ce montant n&#39;est pas remboursé");
});

test.each(["calling", "paid", "confirmed"] as const)("a payment that is %s can't be cancelled", async (state) => {
  const id = await web.inState(state);
  const location = `/pay/${id}`;
  expect(await web.get(`/pay/${id}/cancel`)).toMatchObject({ statusCode: 303, headers: { location } });
  expect(await web.post(`/pay/${id}/cancel`)).toMatchObject({ statusCode: 303, headers: { location } });
  expect((await web.get(location)).body).toContain(`data-status="${state}"`);
});

test("the receipt lists articles and calls; unpaid, there is none", async () => {
  const items = [
    { description: "Titre 1", quantity: 2, amountRappen: 60 },
    { description: "Titre 2", quantity: 1, amountRappen: 40 },
  ];
  const id = await web.inState("confirmed", { items });
  const html = (await web.get(`/pay/${id}/receipt?lang=de`)).body;
  expect(html).toContain("Titre 2");
  expect(html).toContain("47\u00a0s, CHF\u00a01.00");
  expect(html).toContain("Bestellung bestätigt: ");
  expect(await web.get(`/pay/${await web.open()}/receipt`)).toMatchObject({ statusCode: 303 });
});

test("a payment is found again by its id in any form", async () => {
  const id = await web.inState("expired");
  const form = `id=${encodeURIComponent(`  ${id.toLowerCase().replaceAll("-", "")} `)}`;
  expect(await web.post("/resume?lang=en", form)).toMatchObject({
    statusCode: 303,
    headers: { location: `/pay/${id}?lang=en` },
  });
  expect(await findTransaction(web.db, id)).toMatchObject({ status: "open" });
  const paid = await web.inState("paid");
  expect(await web.post("/resume", `id=${paid}`)).toMatchObject({ statusCode: 303 });
});

test("a mistyped id is told how, and is not lost", async () => {
  const short = await web.post("/resume", "id=85341CE4-2744-423A-8320-F9531E57D66");
  expect(short.statusCode).toBe(422);
  expect(short.body).toContain("L&#39;identifiant compte 32 caractères; vous en avez saisi 31.");
  expect(short.body).toContain('value="85341CE4-2744-423A-8320-F9531E57D66"');
  const unknown = await web.post("/resume", "id=85341CE4-2744-423A-8320-F9531E57D666");
  expect(unknown.statusCode).toBe(404);
  expect(unknown.body).toContain("Transaction inconnue.");
  expect((await web.post("/resume", "")).statusCode).toBe(422);
});

test("an unknown payment is a 404 in the reader's language, with the way to resume one", async () => {
  const answer = await web.get("/pay/85341CE4-2744-423A-8320-F9531E57D666", { "accept-language": "de" });
  expect(answer.statusCode).toBe(404);
  expect(answer.body).toContain("Unbekannte Transaktion.");
  expect(answer.body).toContain('href="/resume"');
  expect(answer.body).toMatch(/Fehlerreferenz: [0-9a-f]{12}/);
});

test("while the database is away nobody is asked to call, and what a running call costs is told", async () => {
  await using away = openDatabase("postgres://nobody:secret@127.0.0.1:1/nowhere");
  const deaf: NoticeWatch = {
    watch: () => () => {},
    onGap: () => () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  const app = Fastify();
  const baseUrl = "http://localhost";
  await app.register(webPages, { db: away.db, baseUrl, provider: PROVIDER, watch: deaf });
  const answer = await app.inject("/pay/85341CE4-2744-423A-8320-F9531E57D666?lang=en");
  await app.close();
  expect(answer).toMatchObject({ statusCode: 503, headers: { "retry-after": "60" } });
  expect(answer.body).toContain("Please do not call for now.");
  expect(answer.body).toContain("If you are on the phone");
  expect(answer.body).not.toMatch(/ECONNREFUSED|secret/);
});

test("what fails on our side is told without its inside", async () => {
  await using broken = await WebApp.start();
  const id = await broken.open();
  await sql`drop table codes cascade`.execute(broken.db);
  const answer = await broken.get(`/pay/${id}?lang=en`);
  expect(answer.statusCode).toBe(500);
  expect(answer.body).toContain("Something went wrong on our side");
  expect(answer.body).toContain("If you are on the phone");
  expect(answer.body).not.toMatch(/relation|42P01/);
});

test("the id joins whatever query an address has", () => {
  expect(withTransaction("https://a.example", "X")).toBe("https://a.example/?transaction=X");
  expect(withTransaction("https://a.example/?", "X")).toBe("https://a.example/?transaction=X");
  expect(withTransaction("https://a.example/é?b=%C3%A9+c", "X")).toBe(
    "https://a.example/%C3%A9?b=%C3%A9+c&transaction=X",
  );
});

test("a payment whose order was opened anew can't be resumed, and the page says why and whom to ask", async () => {
  const id = await web.inState("expired", { reference: "order-9" });
  await seedTransaction(web.db, web.seeded, { reference: "order-9" });
  for (const answer of [await web.post(`/pay/${id}/resume`), await web.post("/resume", `id=${id}`)]) {
    expect(answer.statusCode).toBe(409);
    expect(answer.body).toContain("Un autre paiement est déjà ouvert pour cette commande.");
    expect(answer.body).toContain("aide@disques-du-leman.example");
  }
});

test.each(["code", "confirm", "resume"])(
  "what a refused form leaves in the address bar leads back to the page: %s",
  async (form) => {
    const id = await web.inState("open");
    expect(await web.get(`/pay/${id}/${form}`)).toMatchObject({ statusCode: 303, headers: { location: `/pay/${id}` } });
  },
);

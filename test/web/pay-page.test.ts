import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { LANGUAGES, message } from "../../core/messages.ts";
import { expire } from "../../core/transitions.ts";
import { findCode } from "../../db/codes.ts";
import { addMerchant } from "../../db/merchants.ts";
import { seedMerchant, TEN_RAPPEN_A_SECOND, THREE_FRANCS_A_CALL } from "../support/seed.ts";
import { STATES, WebApp } from "./web-app.ts";

let web: WebApp;
beforeAll(async () => {
  web = await WebApp.start();
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

const apiStatus = (state: (typeof STATES)[number]) => (state === "interrupted" ? "open" : state);

test.each(STATES)("a payment that is %s shows its hooks in every language", async (state) => {
  const id = await web.inState(state);
  for (const language of LANGUAGES) {
    const answer = await web.get(`/pay/${id}?lang=${language}`);
    const html = answer.body;
    expect(answer.statusCode).toBe(200);
    expect(html).toContain(`<html lang="${language}-CH">`);
    expect(html).toMatch(new RegExp(`<h1 [^>]*data-status="${apiStatus(state)}"`));
    expect(html).toMatch(/data-exception="(none|underpaid)"/);
    expect(html).toMatch(/<data [^>]*data-billed value="[0-9]+">/);
    expect(html).toContain("data-number>0900 900 904<");
    expect(html).toMatch(/CHF\u00a01\.20<wbr>\/[mM]in/);
    const dials = state === "open" || state === "interrupted";
    expect(/data-code aria-hidden="true">[0-9]{4}</.test(html)).toBe(dials);
    expect(html.includes('href="tel:+41900900904"')).toBe(dials);
    expect(html.includes("http-equiv")).toBe(dials || state === "calling");
    expect(html.includes("data-progress")).toBe(state !== "expired" && state !== "cancelled");
    expect(html).toContain("Exemple Télécom SA");
  }
});

test("price and number stand side by side in one size, and the button carries the statutory words with the total", async () => {
  const html = (await web.get(`/pay/${await web.open()}?lang=fr`)).body;
  expect(html).toMatch(
    /<p class="number"><span data-number>0900 900 904<\/span><\/p>\s*<p class="number">CHF\u00a01\.20<wbr>\/min<\/p>/,
  );
  expect(html).toMatch(/<a class="button" href="tel:\+41900900904">Commande payante: CHF\u00a01\.00 /);
});

test("an interrupted payment orders only what remains, and says what was billed", async () => {
  const html = (await web.get(`/pay/${await web.inState("interrupted")}?lang=de`)).body;
  expect(html).toContain("Zahlungspflichtig bestellen: CHF\u00a00.60");
  expect(html).toMatch(/data-billed value="40">CHF\u00a00\.40</);
  expect(html).toMatch(/data-remaining>CHF\u00a00\.60</);
});

test("a call shows its sum, its share and the time left, read off the staircase", async () => {
  const html = (await web.get(`/pay/${await web.inState("calling")}`)).body;
  // 4 of 10 pulses: the last fell at 15 s, the tenth at 45 s; release 600 ms after it.
  expect(html).toMatch(/data-remaining="31" data-remaining-next="26"[^>]*>0:31</);
  expect(html).toContain('max="100" value="40"');
  expect(html).toContain("CHF\u00a00.40 sur CHF\u00a01.00, TVA comprise");
});

test("the first look issues a code, and a reload keeps it", async () => {
  const id = await web.open();
  expect(await findCode(web.db, id)).toBeNull();
  const codeOf = (html: string) => /data-code [^>]*>([0-9]{4})</.exec(html)?.[1];
  const first = codeOf((await web.get(`/pay/${id}`)).body);
  expect(first).toMatch(/^[0-9]{4}$/);
  expect(codeOf((await web.get(`/pay/${id.toLowerCase().replaceAll("-", "")}`)).body)).toBe(first);
  const renewed = await web.post(`/pay/${id}/code?lang=it`);
  expect(renewed).toMatchObject({ statusCode: 303, headers: { location: `/pay/${id}?lang=it` } });
  expect(codeOf((await web.get(`/pay/${id}`)).body)).not.toBe(first);
});

test("a code that has run out isn't shown, nor is the order button; its renewal is", async () => {
  const id = await web.open();
  await web.letCodeExpire(id);
  const html = (await web.get(`/pay/${id}`)).body;
  expect(html).toContain("data-code-lock data-expired");
  expect(html).not.toContain("data-code aria-hidden");
  expect(html).not.toContain("tel:");
  expect(html).toContain(message("fr", "pay.code.expired"));
});

test("time that has run out shows at once, before any job has noted it", async () => {
  const id = await web.open();
  await web.letExpire(id);
  expect((await web.get(`/pay/${id}`)).body).toContain('data-status="expired"');
  await web.change(id, expire);
  const resumed = await web.post(`/pay/${id}/resume`);
  expect(resumed).toMatchObject({ statusCode: 303, headers: { location: `/pay/${id}` } });
  expect((await web.get(`/pay/${id}`)).body).toContain('data-status="open"');
});

test("a number out of service gives no code", async () => {
  const seeded = await seedMerchant(web.db, { number: "0900900910" });
  const id = await web.open({}, seeded);
  await web.db.updateTable("smart_numbers").set({ in_service: false }).where("number", "=", "0900900910").execute();
  const html = (await web.get(`/pay/${id}`)).body;
  expect(html).toMatch(/<h1.*Aucun numéro n&#39;est disponible pour ce montant</s);
  expect(html).toContain("Adressez-vous à Disques du Léman (aide@disques-du-leman.example).");
  expect(html).not.toContain("Appelez ce numéro");
  expect(await findCode(web.db, id)).toBeNull();
});

test("when all codes of a number are in use, nobody is asked to call; the page says so and offers to try again", async () => {
  const seeded = await seedMerchant(web.db, { number: "0900900911" });
  const other = await web.open({}, seeded);
  const taken = Array.from({ length: 500 }, (_, i) => {
    const digits = String(i).padStart(3, "0");
    const check = digits.split("").reduce((sum, digit) => sum + Number(digit), 0) % 10; // keeps any two at distance 2
    return { number: "0900900911", code: `${digits}${check}`, transaction_id: other };
  });
  const now = Date.now();
  const moments = { expires_at: new Date(now + 60_000), retired_at: new Date(now), claimed_by: null };
  await web.db
    .insertInto("codes")
    .values(taken.map((code) => ({ ...code, ...moments })))
    .execute();
  const html = (await web.get(`/pay/${await web.open({}, seeded)}`)).body;
  expect(html).toMatch(/<h1.*Tous les codes sont occupés<.*Réessayez dans quelques minutes\./s);
  expect(html).not.toContain(message("fr", "pay.step1"));
  expect(html).toContain(message("fr", "pay.code.renew"));
  expect(html).not.toContain("tel:");
});

test("what the call costs when it is cut short is said as the tariff has it", async () => {
  const fixed = await seedMerchant(web.db, { number: "0900900906", segments: THREE_FRANCS_A_CALL });
  const perSecond = await seedMerchant(web.db, {
    number: "0900900907",
    segments: TEN_RAPPEN_A_SECOND,
    codeBeforeAnswer: true,
  });
  const steps = (await web.get(`/pay/${await web.open()}`)).body;
  expect(steps).toContain("toute tranche entamée (5 secondes)");
  const second = (await web.get(`/pay/${await web.open({}, perSecond)}`)).body;
  expect(second).toContain("seul le temps écoulé");
  expect(second).toContain("appuyez sur la touche dièse");
  expect(second).toContain("Le code vous est demandé avant");
  expect(steps).not.toContain("touche dièse");
  const id = await web.open({ amountRappen: 300 }, fixed);
  expect((await web.get(`/pay/${id}`)).body).toContain("une taxe fixe déjà facturée reste due");
});

test("a total above the amount is explained", async () => {
  const html = (await web.get(`/pay/${await web.open({ amountRappen: 95 })}`)).body;
  expect(html).toContain("pour CHF\u00a00.95, le total est de CHF\u00a01.00");
  expect((await web.get(`/pay/${await web.open()}`)).body).not.toContain("par tranches");
});

test("late and dear payments say whom to ask", async () => {
  expect((await web.get(`/pay/${await web.overpaid()}`)).body).toContain("Le montant facturé dépasse le total.");
  const id = await web.inState("expired");
  await web.post(`/pay/${id}/resume`);
  await (await web.call(id)).pulses(1, 10);
  const html = (await web.get(`/pay/${id}`)).body;
  expect(html).toContain('data-exception="paid_late"');
  expect(html).toContain("Votre paiement s&#39;est terminé après le délai.");
});

test("the merchant's language, then the browser's, then French", async () => {
  const german = await web.open({ language: "de" });
  const any = await web.open({ language: null });
  expect((await web.get(`/pay/${german}`, { "accept-language": "it" })).body).toContain('lang="de-CH"');
  expect((await web.get(`/pay/${any}`, { "accept-language": "it-CH,de;q=0.5" })).body).toContain('lang="it-CH"');
  expect((await web.get(`/pay/${any}`)).body).toContain('lang="fr-CH"');
  expect((await web.get(`/pay/${any}?lang=en`)).body).toContain(`action="/pay/${any}/code?lang=en"`);
});

test("a test transaction says so", async () => {
  const html = (await web.get(`/pay/${await web.open({ test: true })}`)).body;
  expect(html).toContain("Mode test: cet achat n&#39;est pas réel");
});

test("what a merchant wrote is printed, never run", async () => {
  const evil = `<script>alert(1)</script>"'{{ 7*7 }}`;
  const merchantId = await addMerchant(web.db, {
    merchantNumber: "900001",
    name: evil,
    address: evil,
    contact: "javascript:alert(1)",
  });
  const seeded = { ...web.seeded, merchantId };
  const items = [{ description: evil, quantity: 2, amountRappen: 100 }];
  const id = await web.open({ description: evil, items }, seeded);
  for (const path of ["", "/cancel"]) {
    const html = (await web.get(`/pay/${id}${path}`)).body;
    expect(html).not.toContain("<script>alert");
    expect(html).not.toMatch(/href="javascript:/);
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  }
  const call = await web.call(id);
  await call.pulses(1, 10);
  const receipt = (await web.get(`/pay/${id}/receipt`)).body;
  expect(receipt).not.toContain("<script>alert");
  expect(receipt).not.toMatch(/href="javascript:/);
});

import { PassThrough } from "node:stream";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import Fastify from "fastify";
import { formatAccessCode } from "../../core/access-code.ts";
import { DAY_MS } from "../../core/time.ts";
import type { Order } from "../../core/transaction.ts";
import { findTransaction } from "../../db/transactions.ts";
import { webPages } from "../../web/pages.ts";
import { WRONG_ACCESS_CODES, WRONG_ACCESS_CODES_OF_NETWORK } from "../../web/rate-limits.ts";
import { shiftBack } from "../support/time-travel.ts";
import { PROVIDER, WebApp } from "./web-app.ts";

let web: WebApp;
beforeAll(async () => {
  web = await WebApp.start();
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

async function paidPass(changes: Partial<Order> = {}) {
  const id = await web.inState("confirmed", { accessDays: 31, ...changes });
  const pass = await findTransaction(web.db, id);
  return { id, code: pass?.accessCode ?? "" };
}

let addresses = 0;
/** Each from a place of its own, unless told: tries are counted by address. */
async function enter(access: string, from = `198.51.100.${++addresses % 250}`, url = "/access") {
  return web.app.inject({
    method: "POST",
    url,
    remoteAddress: from,
    body: new URLSearchParams({ access }).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
  });
}

test("id and code lead to the merchant with the id, as often as one likes, and nothing is billed or changed", async () => {
  const pass = await paidPass({ returnUrl: "https://shop.example/in?a=1" });
  const before = await findTransaction(web.db, pass.id);
  for (const access of [pass.id, pass.code, formatAccessCode(pass.code), ` ${pass.id.toLowerCase()} `]) {
    const answer = await enter(access);
    expect(answer).toMatchObject({
      statusCode: 303,
      headers: { location: `https://shop.example/in?a=1&transaction=${pass.id}`, "referrer-policy": "no-referrer" },
    });
  }
  expect(await findTransaction(web.db, pass.id)).toEqual(before);
});

test("the code stands on the paid page and the receipt in groups of four, and nowhere before", async () => {
  const open = await web.open({ accessDays: 31 });
  const unpaid = await findTransaction(web.db, open);
  const code = formatAccessCode(unpaid?.accessCode ?? "");
  const call = await web.call(open);
  await call.pulses(1, 9);
  expect((await web.get(`/pay/${open}`)).body).not.toContain(code);
  await call.pulses(10, 10);
  await call.hangUp(47);
  for (const address of [`/pay/${open}`, `/pay/${open}/receipt`]) {
    const { body } = await web.get(`${address}?lang=en`);
    expect(body).toContain(code);
    expect(body).toContain("Valid until ");
    expect(body).toContain("Keep the code and the ID: they open your access.");
    expect(body).toContain("No further call is needed until then.");
  }
});

test("what opens nothing is told in words", async () => {
  const sale = await web.inState("confirmed");
  expect(await enter(sale)).toMatchObject({
    statusCode: 409,
    body: expect.stringContaining("ne comprend pas d&#39;accès"),
  });
  const unpaid = await web.inState("interrupted", { accessDays: 31 });
  const resume = await enter(unpaid);
  expect(resume.statusCode).toBe(409);
  expect(resume.body).toContain("Ce paiement n&#39;est pas complet. Vous pouvez le reprendre.");
  expect(resume.body).toContain(`<input type="hidden" name="id" value="${unpaid}">`);
  const cancelled = await enter(await web.inState("cancelled", { accessDays: 31 }));
  expect(cancelled.body).toContain("Cet accès a été annulé.");
  expect(cancelled.body).toContain("aide@disques-du-leman.example");
  for (const nothing of ["3F2504E0-4F89-41D3-9A0C-0305E82C3301", "0000 0000 0000", "1234", "", "x".repeat(200)]) {
    const answer = await enter(nothing);
    expect(answer.statusCode).toBe(404);
    expect(answer.body).toContain("Aucun accès ne correspond à cette saisie.");
  }
});

test("an unpaid pass's code is told from no other wrong one", async () => {
  const unpaid = await findTransaction(web.db, await web.open({ accessDays: 31 }));
  expect((await enter(unpaid?.accessCode ?? "")).statusCode).toBe(404);
});

test("the page speaks four languages, and what was entered comes back as text", async () => {
  for (const [language, words] of [
    ["fr", "Accéder à votre achat"],
    ["de", "Zugang zu Ihrem Einkauf"],
    ["it", "Accedere al suo acquisto"],
    ["en", "Access your purchase"],
  ])
    expect((await web.get(`/access?lang=${language}`)).body).toContain(words);
  expect((await enter('"><b>')).body).toContain('value="&quot;&gt;&lt;b&gt;"');
});

test("whoever enters another site's form enters nothing", async () => {
  const { id } = await paidPass();
  const answer = await web.post("/access", `access=${id}`, { "sec-fetch-site": "cross-site" });
  expect(answer.statusCode).toBe(403);
});

test("who guesses has a few tries in a minute, however many they make, and keeps nobody else waiting", async () => {
  const { id, code } = await paidPass();
  const guesser = "203.0.113.7";
  const statuses: number[] = [];
  for (let tries = 0; tries < WRONG_ACCESS_CODES.max + 10; tries++)
    statuses.push((await enter(String(tries).padStart(12, "9"), guesser)).statusCode);
  expect(statuses.filter((status) => status === 404)).toHaveLength(WRONG_ACCESS_CODES.max);
  // Even the right one isn't looked up for them now.
  const blocked = await enter(code, guesser);
  expect(blocked.statusCode).toBe(429);
  expect(blocked.body).toContain("essais. Veuillez patienter");
  for (let tries = 0; tries < 100; tries++) expect((await enter(code, guesser)).statusCode).toBe(429);
  expect(Number(blocked.headers["retry-after"])).toBeLessThanOrEqual(60);
  expect((await enter(code, "203.0.113.8")).statusCode).toBe(303);
  // Who stands behind the guesser's own address gets in by the id, which nobody can guess.
  expect((await enter(id, guesser)).statusCode).toBe(303);
});

test("tries at the same moment are let through no more than tries one after the other", async () => {
  const together = Array.from({ length: 200 }, (_, tries) => enter(String(tries).padStart(12, "9"), "203.0.114.7"));
  const statuses = (await Promise.all(together)).map(({ statusCode }) => statusCode);
  expect(statuses.filter((status) => status === 404)).toHaveLength(WRONG_ACCESS_CODES.max);
  expect(statuses.filter((status) => status === 429)).toHaveLength(200 - WRONG_ACCESS_CODES.max);
});

test("a neighbourhood of IPv6 addresses is one guesser", async () => {
  const { code } = await paidPass();
  for (let tries = 0; tries < WRONG_ACCESS_CODES.max; tries++)
    await enter("000000000000", `2001:db8:1:2::${tries + 1}`);
  expect((await enter(code, "2001:db8:1:2:ffff::1")).statusCode).toBe(429);
  expect((await enter(code, "2001:db8:1:3::1")).statusCode).toBe(303);
});

test.each([
  ["of IPv6, with its 65,536 neighbourhoods", (n: number) => `2001:db8:2:${n + 1}::1`, "2001:db8:3::1"],
  ["of IPv4, with its 256 addresses", (n: number) => `192.0.2.${n + 1}`, "192.0.3.1"],
])("a whole network %s, is a few guessers", async (_which, address, elsewhere) => {
  const { id, code } = await paidPass();
  const { max } = WRONG_ACCESS_CODES_OF_NETWORK;
  for (let tries = 0; tries < max; tries++) expect((await enter("000000000000", address(tries))).statusCode).toBe(404);
  expect((await enter(code, address(max))).statusCode).toBe(429);
  expect((await enter(id, address(max))).statusCode).toBe(303);
  expect((await enter(code, elsewhere)).statusCode).toBe(303);
});

test("guessed from everywhere at once, the page takes ids only, which nobody can guess", async () => {
  const atOnceMax = 50;
  await using other = await WebApp.start({ accessCodeGuesses: { atOnceMax, perMinute: 1 } });
  const id = await other.inState("confirmed", { accessDays: 31 });
  const pass = await findTransaction(other.db, id);
  const from = async (access: string, remoteAddress: string) =>
    other.app.inject({
      method: "POST",
      url: "/access?lang=en",
      remoteAddress,
      body: `access=${access}`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
  for (let tries = 0; tries < atOnceMax; tries++) await from("000000000000", `10.0.${tries % 200}.1`);
  const refused = await from(pass?.accessCode ?? "", "10.1.0.1");
  expect(refused.statusCode).toBe(429);
  expect(refused.body).toContain("For the moment, only the transaction ID is accepted.");
  expect((await from(id, "10.1.0.1")).statusCode).toBe(303);
});

test("neither code nor id is in an address, a log line or a page's address of origin", async () => {
  const pass = await paidPass();
  const lines: string[] = [];
  const stream = new PassThrough();
  stream.on("data", (line: Buffer) => lines.push(line.toString()));
  const app = Fastify({ logger: { level: "trace", stream } });
  const deaf = { watch: () => () => {}, onGap: () => () => {}, [Symbol.asyncDispose]: async () => {} };
  await app.register(webPages, { db: web.db, baseUrl: "http://localhost", provider: PROVIDER, watch: deaf });
  for (const access of [pass.code, "999999999999"]) {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = await app.inject({ method: "POST", url: "/access", body: `access=${access}`, headers });
    expect(answer.headers["referrer-policy"]).toBe("no-referrer");
  }
  await app.close();
  expect(lines.join("")).toContain("/access");
  expect(lines.join("")).not.toMatch(new RegExp(`${pass.code}|999999999999`));
});

test("near its end a pass offers its renewal before it leads on, and after its end, too", async () => {
  const pass = await paidPass({ returnUrl: "https://shop.example/in" });
  await shiftBack(web.db, 25 * DAY_MS);
  const soon = await enter(pass.code);
  expect(soon.statusCode).toBe(200);
  expect(soon.body).toContain("Votre accès prend fin bientôt");
  expect(soon.body).toContain("Encore 6 jours");
  expect(soon.body).toContain(`href="https://shop.example/in?transaction=${pass.id}"`);
  expect(soon.body).toContain("Le renouvellement demande un nouvel appel payant: CHF\u00a01.00.");
  expect(soon.body).not.toContain(pass.code);
  expect((await web.get(`/pay/${pass.id}/receipt`)).body).toContain("Renouveler l&#39;accès");
  await shiftBack(web.db, 7 * DAY_MS);
  const over = await enter(pass.code);
  expect(over.statusCode).toBe(409);
  expect(over.body).toContain("Cet accès a expiré.");
  expect(over.body).toContain("Renouveler l&#39;accès");
});

test("renewing opens the order over again, once, however often one asks", async () => {
  const order = { returnUrl: "https://shop.example/in", cancelUrl: "https://shop.example/no", reference: "abo-1" };
  const pass = await paidPass({ ...order, metadata: { plan: "month" }, description: "Le mensuel" });
  await shiftBack(web.db, 25 * DAY_MS);
  const answers = await Promise.all(Array.from({ length: 6 }, () => enter(pass.code, undefined, "/access/renew")));
  const addressesOfPages = new Set(answers.map(({ headers }) => String(headers.location)));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(6).fill(303));
  expect(addressesOfPages.size).toBe(1);
  const [address = ""] = addressesOfPages;
  const renewal = await findTransaction(web.db, address.replace("/pay/", ""));
  expect(renewal).toMatchObject({
    ...order,
    reference: null,
    renews: pass.id,
    amountRappen: 100,
    description: "Le mensuel",
    accessDays: 31,
    number: web.seeded.number,
    metadata: { plan: "month" },
    test: false,
    status: "open",
  });
  const page = (await web.get(`${address}?lang=en`)).body;
  expect(page).toContain("Access for 31 days");
  expect(page).toContain("New end date: ");
  await web.letExpire(renewal?.id ?? "");
  expect((await enter(pass.code, undefined, "/access/renew")).headers.location).toBe(address);
  expect(await findTransaction(web.db, renewal?.id ?? "")).toMatchObject({ status: "open" });
  const call = await web.call(renewal?.id ?? "");
  await call.pulses(1, 10);
  const led = await enter(pass.code, undefined, "/access/renew");
  expect(led.headers.location).toBe(`https://shop.example/in?transaction=${pass.id}`);
});

test("a renewal that can't be taken up any more makes room for a new one", async () => {
  const pass = await paidPass();
  await shiftBack(web.db, 25 * DAY_MS);
  const first = (await enter(pass.id, undefined, "/access/renew")).headers.location;
  await shiftBack(web.db, 8 * DAY_MS);
  const second = (await enter(pass.id, undefined, "/access/renew")).headers.location;
  expect(second).toMatch(/^\/pay\//);
  expect(second).not.toBe(first);
});

test("no renewal is opened for a pass that is far from its end, or isn't one", async () => {
  const pass = await paidPass({ returnUrl: "https://shop.example/in" });
  expect((await enter(pass.code, undefined, "/access/renew")).headers.location).toBe(
    `https://shop.example/in?transaction=${pass.id}`,
  );
  expect((await enter(await web.inState("confirmed"), undefined, "/access/renew")).statusCode).toBe(409);
  expect((await enter("0", undefined, "/access/renew")).statusCode).toBe(404);
  expect(await web.get("/access/renew?lang=de")).toMatchObject({ headers: { location: "/access?lang=de" } });
});

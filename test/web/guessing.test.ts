import { randomInt, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { FastifyInstance } from "fastify";
import { composeHttp } from "../../bin/serve-http.ts";
import type { Config } from "../../core/config.ts";
import { type NoticeWatch, watchTransactions } from "../../db/notices.ts";
import { findTransaction } from "../../db/transactions.ts";
import { UNKNOWN_IDS } from "../../web/rate-limits.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { PROVIDER, WebApp } from "./web-app.ts";

const GUESSES_AT_ONCE = 25;
const WAVES = 12;

let web: WebApp;
let watch: NoticeWatch;
beforeAll(async () => {
  web = await WebApp.start();
  watch = await watchTransactions(web.url);
});
afterAll(async () => {
  await watch[Symbol.asyncDispose]();
  await web[Symbol.asyncDispose]();
});

/** All of HTTP as an operator runs it. */
async function compose(trustProxy: Config["http"]["trustProxy"] = false) {
  const http = { host: "127.0.0.1", port: 0, baseUrl: "http://127.0.0.1", trustProxy };
  const app = await composeHttp({ config: { http, provider: PROVIDER, webhooks: WEBHOOKS }, db: web.db, watch });
  return Object.assign(app, { [Symbol.asyncDispose]: () => app.close() });
}

const code = () => String(randomInt(10 ** 12)).padStart(12, "0");
const form = (field: string, value: string) => ({
  method: "POST" as const,
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: `${field}=${value}`,
});

/** One try of each way in, from an address that is hardly ever the same. */
function guess(app: FastifyInstance, key: string) {
  const remoteAddress = `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;
  const [path, access] = [`/pay/${randomUUID()}`, { access: code() }];
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return Promise.all([
    app.inject({ url: path, remoteAddress }),
    app.inject({ url: `${path}/progress`, remoteAddress }),
    app.inject({ url: "/resume", remoteAddress, ...form("id", randomUUID()) }),
    app.inject({ url: "/access", remoteAddress, ...form("access", code()) }),
    app.inject({ url: "/access", remoteAddress, ...form("access", randomUUID()) }),
    app.inject({ url: "/v1/access/check", method: "POST", remoteAddress, headers, body: JSON.stringify(access) }),
  ]);
}

test("who guesses ids and codes from everywhere finds nothing, and whoever has an id is answered all the while", async () => {
  await using app = await compose();
  const id = await web.inState("confirmed", { accessDays: 31 });
  const pass = await findTransaction(web.db, id);
  const open = await web.open();
  const remoteAddress = "198.51.100.7";
  const answers = [];
  for (let wave = 0; wave < WAVES; wave++) {
    const guesses = Array.from({ length: GUESSES_AT_ONCE }, () => guess(app, web.seeded.liveKey));
    const honest = await Promise.all([
      app.inject({ url: `/pay/${open}`, remoteAddress }),
      app.inject({ url: "/resume", remoteAddress, ...form("id", open) }),
      app.inject({ url: "/access", remoteAddress, ...form("access", id) }),
    ]);
    expect(honest.map(({ statusCode }) => statusCode)).toEqual([200, 303, 303]);
    answers.push(...(await Promise.all(guesses)).flat());
  }
  expect(answers).toHaveLength(6 * GUESSES_AT_ONCE * WAVES);
  expect(answers.filter(({ statusCode }) => statusCode !== 404 && statusCode !== 429)).toEqual([]);
  // Nor is anybody kept out who has nothing but a code.
  const byCode = await app.inject({ url: "/access", remoteAddress, ...form("access", pass?.accessCode ?? "") });
  expect(byCode.statusCode).toBe(303);
});

test("behind our proxy the address that it saw is counted, not those that the client wrote before it", async () => {
  await using app = await compose(true);
  const ask = (forwardedFor: string) =>
    app.inject({ url: "/pay/x", remoteAddress: "127.0.0.1", headers: { "x-forwarded-for": forwardedFor } });
  const statuses = [];
  for (let tries = 0; tries <= UNKNOWN_IDS.max; tries++)
    statuses.push((await ask(`192.0.2.${tries + 1}, 203.0.113.9`)).statusCode);
  expect(statuses).toEqual([...Array(UNKNOWN_IDS.max).fill(404), 429]);
  // And nobody was made to wait in whose name somebody else has asked.
  expect((await ask("192.0.2.1")).statusCode).toBe(404);
});

test("of several proxies each is known by its address", async () => {
  await using app = await compose(["127.0.0.1", "10.0.0.0/8"]);
  const ask = (forwardedFor: string, remoteAddress = "127.0.0.1") =>
    app.inject({ url: "/pay/x", remoteAddress, headers: { "x-forwarded-for": forwardedFor } });
  for (let tries = 0; tries < UNKNOWN_IDS.max; tries++) await ask("203.0.113.9, 10.1.2.3");
  expect((await ask("203.0.113.9, 10.9.9.9")).statusCode).toBe(429);
  expect((await ask("203.0.113.10, 10.1.2.3")).statusCode).toBe(404);
  // Who comes past them is counted by its own address, whatever it says.
  for (let tries = 0; tries < UNKNOWN_IDS.max; tries++) await ask(`203.0.113.${tries}`, "198.51.100.1");
  expect((await ask("203.0.113.99", "198.51.100.1")).statusCode).toBe(429);
});

test("without a proxy X-Forwarded-For is nothing", async () => {
  await using app = await compose();
  for (let tries = 0; tries < UNKNOWN_IDS.max; tries++)
    await app.inject({
      url: "/pay/x",
      remoteAddress: "192.0.2.1",
      headers: { "x-forwarded-for": `203.0.113.${tries}` },
    });
  const asked = await app.inject({
    url: "/pay/x",
    remoteAddress: "192.0.2.1",
    headers: { "x-forwarded-for": "10.0.0.1" },
  });
  expect(asked.statusCode).toBe(429);
});

test("a limit counts so many addresses at a time: a crowd makes room in its memory by what was seen longest ago", async () => {
  await using app = await compose();
  const left = async (remoteAddress: string) => {
    const { headers } = await app.inject({ url: "/access/renew", remoteAddress });
    return headers["x-ratelimit-remaining"];
  };
  expect([await left("192.0.2.1"), await left("192.0.2.1")]).toEqual(["5999", "5998"]);
  for (let n = 0; n < 5_000; n++) await left(`10.0.${n >> 8}.${n & 255}`);
  expect(await left("192.0.2.1")).toBe("5999");
});

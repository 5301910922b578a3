import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { FastifyInstance } from "fastify";
import { openLog } from "../bin/log.ts";
import { composeHttp } from "../bin/serve-http.ts";
import { pulsesOf } from "../core/tariff.ts";
import type { OpenDatabase } from "../db/database.ts";
import { type NoticeWatch, watchTransactions } from "../db/notices.ts";
import { bookPulses } from "../db/pulses.ts";
import { findTransaction } from "../db/transactions.ts";
import { cloneDatabase } from "./support/database.ts";
import { type Seeded, seedAnsweredLeg, seedClaim, seedMerchant } from "./support/seed.ts";
import { WEBHOOKS } from "./support/webhooks.ts";
import { PROVIDER } from "./web/web-app.ts";

const BASE_URL = "http://localhost";
const CALLER = "0441234567";

let database: OpenDatabase;
let watch: NoticeWatch;
let seeded: Seeded;
let http: FastifyInstance;
const lines: string[] = [];

beforeAll(async () => {
  database = await cloneDatabase();
  seeded = await seedMerchant(database.db);
  watch = await watchTransactions(database.url);
  http = await composeHttp({
    config: {
      http: { host: "127.0.0.1", port: 0, baseUrl: BASE_URL, trustProxy: false },
      provider: PROVIDER,
      webhooks: WEBHOOKS,
    },
    db: database.db,
    watch,
    log: openLog("debug", "http", { write: (line) => void lines.push(line) }),
  });
  // A mistake that Fastify itself tells of, with the address.
  http.get("/pay/:id/twice", (_request, reply) => void reply.send("once").send("twice"));
  await http.ready();
});
afterAll(async () => {
  await http.close();
  await watch[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function ask(method: "GET" | "POST", url: string, payload?: object) {
  const headers = { authorization: `Bearer ${seeded.liveKey}`, "sec-fetch-site": "same-origin" };
  return http.inject({ method, url, headers, ...(payload ? { payload } : {}) });
}

test("a payment leaves neither id, code, key nor caller in the log, whatever goes wrong on its way", async () => {
  const { db } = database;
  const order = {
    amount: 100,
    currency: "CHF",
    description: "Album",
    returnUrl: "https://shop.example/",
    accessDays: 31,
  };
  const { id } = (await ask("POST", "/v1/transactions", order)).json<{ id: string }>();
  const page = await ask("GET", `/pay/${id}`);
  const code = /data-code aria-hidden="true">(\d{4})</.exec(page.body)?.[1] ?? "";
  expect(code).toMatch(/^\d{4}$/);
  const leg = await seedAnsweredLeg(db, seeded, { caller: CALLER });
  await seedClaim(db, seeded, { leg, transactionId: id });
  await bookPulses(db, [{ leg: leg.id, epoch: leg.epoch, pulses: pulsesOf(seeded.segments).slice(0, 10) }]);
  for (const url of [`/pay/${id}`, `/pay/${id}/receipt`, `/pay/${id}/receipt.pdf`, `/v1/transactions/${id}`])
    expect((await ask("GET", url)).statusCode).toBe(200);
  expect((await ask("POST", `/pay/${id}/confirm`)).statusCode).toBe(303);
  expect((await ask("POST", `/v1/transactions/${id}/redeem`)).statusCode).toBe(200);
  const accessCode = (await findTransaction(db, id))?.accessCode ?? "";

  await ask("GET", `/pay/${id}/twice`);
  for (const url of [`/pay/${id}/nowhere`, `/pay/${id}%`, `/v1/${id}`, `/access/${accessCode}`]) await ask("GET", url);
  await db.schema.alterTable("merchants").renameTo("mislaid").execute();
  for (const url of [`/pay/${id}`, `/pay/${id}/receipt.pdf`, `/pay/${id.toLowerCase().replaceAll("-", "")}`])
    expect((await ask("GET", url)).statusCode).toBe(500);
  await db.schema.alterTable("transactions").renameTo("mislaid_too").execute();
  expect((await ask("POST", `/v1/transactions/${id}/redeem`)).statusCode).toBe(500);

  const text = lines.join("").replace(/"(pid|time)":\d+|:\d+:\d+/g, "");
  for (const told of ["a page failed", "api.failed", "Reply was already sent"]) expect(text).toContain(told);
  const plain = text.toUpperCase().replaceAll("-", "");
  for (const secret of [id.replaceAll("-", ""), accessCode, CALLER, seeded.liveKey.toUpperCase().replaceAll("-", "")])
    expect(plain).not.toContain(secret);
  expect(text).not.toMatch(new RegExp(`\\b${code}\\b`));
});

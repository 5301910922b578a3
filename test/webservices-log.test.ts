import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { FastifyInstance } from "fastify";
import { openLog } from "../bin/log.ts";
import { composeHttp } from "../bin/serve-http.ts";
import { watchTransactions } from "../db/notices.ts";
import { addLogin, PASSWORD, SERVICE } from "./api/webservices-app.ts";
import { cloneDatabase } from "./support/database.ts";
import { seedMerchant } from "./support/seed.ts";
import { WEBHOOKS } from "./support/webhooks.ts";

const resources = new AsyncDisposableStack();
const lines: string[] = [];
let app: FastifyInstance;
let secrets: Readonly<Record<string, string>>;

beforeAll(async () => {
  const database = resources.use(await cloneDatabase());
  const watch = resources.use(await watchTransactions(database.url));
  const seeded = await seedMerchant(database.db);
  secrets = { ...(await addLogin(database.db, seeded.merchantId)), apiKey: seeded.liveKey };
  app = await composeHttp({
    config: {
      http: { host: "127.0.0.1", port: 0, baseUrl: "http://127.0.0.1", trustProxy: false },
      provider: { name: "Exemple", address: "Pully" },
      webhooks: WEBHOOKS,
    },
    db: database.db,
    watch,
    log: openLog("debug", "http", { write: (line: string) => void lines.push(line) }),
  });
  resources.defer(() => app.close());
  // Every sign-in and every key fails from here on for a reason of ours: the most that is ever logged.
  await database.db.schema.alterTable("merchants").renameTo("elsewhere").execute();
});
afterAll(() => resources.disposeAsync());

test("passwords and keys are never logged, not even when a call in whose address they stand fails", async () => {
  for (const only of [["merchantNumber", "login", "password"], ["apiKey"]]) {
    const parameters = new URLSearchParams(only.map((name) => [name, secrets[name] ?? ""]));
    parameters.set("id", "00000000-0000-4000-8000-000000000000");
    const url = `${SERVICE}/CheckTransaction`;
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const got = await app.inject({ method: "GET", url: `${url}?${parameters.toString()}` });
    const posted = await app.inject({ method: "POST", url, headers: form, payload: parameters.toString() });
    const xml = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><CheckTransaction xmlns="urn:phone2pay:webservices">${only
      .map((name) => `<${name}><![CDATA[${secrets[name]}]]></${name}>`)
      .join("")}</CheckTransaction></e:Body></e:Envelope>`;
    const called = await app.inject({
      method: "POST",
      url: SERVICE,
      headers: { "content-type": "text/xml" },
      payload: xml,
    });
    expect([got.statusCode, posted.statusCode, called.statusCode]).toEqual([500, 500, 500]);
  }
  expect(lines.filter((line) => line.includes("api.failed"))).toHaveLength(6);
  for (const line of lines) {
    expect(line).not.toContain("Sésame");
    expect(line).not.toContain(encodeURIComponent(PASSWORD));
    expect(line).not.toContain(secrets.apiKey);
    expect(line).not.toContain("password=");
  }
});

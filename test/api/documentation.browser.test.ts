import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { FastifyInstance } from "fastify";
import type { Browser } from "playwright-core";
import type { OpenDatabase } from "../../db/database.ts";
import { inBrowser, launchChromium } from "../support/chromium.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedMerchant } from "../support/seed.ts";
import { composeApi } from "./api-app.ts";

let database: OpenDatabase;
let seeded: Seeded;
let app: FastifyInstance;
let baseUrl: string;
let browser: Browser;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

inBrowser("in a browser", () => {
  beforeAll(async () => {
    database = await cloneDatabase();
    seeded = await seedMerchant(database.db);
    const port = await freePort();
    baseUrl = `http://127.0.0.1:${port}`;
    app = await composeApi(database.db, { baseUrl });
    await app.listen({ port, host: "127.0.0.1" });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
    await database[Symbol.asyncDispose]();
  });

  test("the reference is read and tried out without asking anyone else", async () => {
    const page = await browser.newPage();
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== "data:" && protocol !== "blob:" && origin !== baseUrl) elsewhere.push(request.url());
    });
    page.on("console", (message) => {
      if (/content security policy/i.test(message.text())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`${baseUrl}/docs`);
    await page.getByRole("heading", { name: "Start in five minutes" }).waitFor();
    await page.getByPlaceholder("Token").first().fill(seeded.testKey);
    await page.getByRole("button", { name: "Open Group - Numbers and quotes" }).click();
    await page.getByRole("link", { name: "Your Smart Numbers in service" }).click();
    await page.getByRole("button", { name: /Test Request.*numbers/ }).click();
    const answered = page.waitForResponse(`${baseUrl}/v1/numbers`);
    await page.getByRole("button", { name: /Send/ }).first().click();
    expect((await answered).status()).toBe(200);
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

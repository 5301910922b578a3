import { randomUUID } from "node:crypto";
import path from "node:path";
import { chromium } from "playwright-core";
import { loadSecrets } from "../bin/demo-secrets.ts";
import { seedDemo } from "../bin/demo-seed.ts";
import { startPostgres } from "../bin/postgres.ts";
import { composeHttp } from "../bin/serve-http.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { watchTransactions } from "../db/notices.ts";
import { machine } from "../test/load/report.ts";
import { freshDatabase } from "./fresh-database.ts";

const LOADS = 20;
const PORT = 54_400;
const PHONE = { width: 390, height: 844 };
const directory = path.resolve(import.meta.dirname, "../.cache/bench");
/** Run in the page: when something could be seen first, in ms since the address was asked for. */
const FIRST_PAINT = `new Promise((resolve) => new PerformanceObserver((list) => {
  const [paint] = list.getEntriesByName("first-contentful-paint");
  if (paint) resolve(paint.startTime);
}).observe({ type: "paint", buffered: true }))`;

/**
 * `npm run bench:paint`: how soon a shopper sees something of the pay page: Chromium on loopback, each load by a browser
 * that has never been here, of a payment that waits for its call.
 */
async function main(): Promise<void> {
  await using postgres = await startPostgres({ directory, port: PORT });
  const url = await freshDatabase(postgres.url("postgres"), "bench_paint");
  await using database = openDatabase(url);
  await migrate(database.db);
  const { testKey } = await seedDemo(database.db, await loadSecrets(directory));
  await using watch = await watchTransactions(url);
  const http = await composeHttp({
    config: {
      http: { host: "127.0.0.1", port: 0, baseUrl: "http://127.0.0.1", trustProxy: false },
      provider: { name: "Exemple Télécom SA", address: "avenue de l’Exemple 1, 1009 Pully" },
      webhooks: { key: randomUUID(), privateAddresses: false },
    },
    db: database.db,
    watch,
  });
  try {
    const origin = await http.listen({ host: "127.0.0.1", port: 0 });
    const payments = await openPayments(origin, String(testKey));
    const paints = await firstPaints(payments);
    const [fastest, median, slowest] = [paints[0], paints[paints.length >> 1], paints.at(-1)];
    console.log(machine());
    console.log(
      `first contentful paint of the pay page, ${LOADS} first visits: median ${median?.toFixed(0)} ms ` +
        `(${fastest?.toFixed(0)} to ${slowest?.toFixed(0)})`,
    );
  } finally {
    await http.close();
  }
}

/** One for each load, and one more to warm up. */
async function openPayments(origin: string, key: string): Promise<readonly string[]> {
  const payments: string[] = [];
  for (let load = 0; load <= LOADS; load++) {
    const answer = await fetch(`${origin}/v1/transactions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({
        amount: 990,
        currency: "CHF",
        description: "Album « Nuit claire »",
        returnUrl: "https://shop.example/paid",
      }),
    });
    if (answer.status !== 201) throw new Error(`no transaction: ${answer.status}`);
    const { id } = (await answer.json()) as { readonly id: string };
    payments.push(`${origin}/pay/${id}`);
  }
  return payments;
}

/** In ms, sorted; the first load, in which browser and server wake up, isn't counted. */
async function firstPaints(addresses: readonly string[]): Promise<readonly number[]> {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const paints: number[] = [];
  try {
    for (const address of addresses) {
      const context = await browser.newContext({ viewport: PHONE, locale: "fr-CH" });
      const page = await context.newPage();
      await page.goto(address);
      paints.push((await page.evaluate(FIRST_PAINT)) as number);
      await context.close();
    }
  } finally {
    await browser.close();
  }
  return paints.slice(1).sort((a, b) => a - b);
}

await main();

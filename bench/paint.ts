import { randomUUID } from "node:crypto";
import { chromium } from "playwright-core";
import { loadSecrets } from "../bin/demo-secrets.ts";
import { seedDemo } from "../bin/demo-seed.ts";
import { composeHttp } from "../bin/serve-http.ts";
import { watchTransactions } from "../db/notices.ts";
import { machine } from "../test/load/report.ts";
import { BENCH_DIRECTORY, openFreshDatabase } from "./fresh-database.ts";

const LOADS = 20;
const PHONE = { width: 390, height: 844 };
/** Says nothing, and has nothing to fetch: what Chromium itself takes on this machine. */
const BARE_PAGE = "<!doctype html><title>bare</title><p>bare</p>";
/** Run in a page: in ms since its address was asked for, when the answer began, when all was there that is needed, and when something could be seen. */
const MOMENTS = `new Promise((resolve) => new PerformanceObserver((list) => {
  const [paint] = list.getEntriesByName("first-contentful-paint");
  const [navigation] = performance.getEntriesByType("navigation");
  const styles = performance.getEntriesByType("resource").find(({ name }) => name.includes(".css"));
  const complete = (styles ?? navigation).responseEnd;
  if (paint) resolve({ answer: navigation.responseStart, complete, paint: paint.startTime });
}).observe({ type: "paint", buffered: true }))`;
interface Moments {
  readonly answer: number;
  readonly complete: number;
  readonly paint: number;
}

/**
 * `npm run bench:paint`: how soon a shopper sees something of the pay page: Chromium on loopback, a browser that runs already
 * but has nothing of ours in its cache, each time another payment that gets its code by this visit.
 */
async function main(): Promise<void> {
  await using database = await openFreshDatabase("bench_paint");
  const { testKey } = await seedDemo(database.db, await loadSecrets(BENCH_DIRECTORY));
  await using watch = await watchTransactions(database.url);
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
    http.get("/bare", (_request, reply) => reply.type("text/html").send(BARE_PAGE));
    const origin = await http.listen({ host: "127.0.0.1", port: 0 });
    const payments = await openPayments(origin, String(testKey));
    const visits = await visitAll(origin, payments);
    console.log(machine());
    console.log(`first contentful paint, ${LOADS} first visits`);
    console.log(`the pay page  ${describe(visits.map(({ pay }) => pay))}`);
    console.log(`a bare page   ${describe(visits.map(({ bare }) => bare))}`);
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

/** The first visit, in which browser and server wake up, isn't counted. */
async function visitAll(origin: string, addresses: readonly string[]) {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const visits: { readonly pay: Moments; readonly bare: Moments }[] = [];
  try {
    for (const address of addresses) {
      const context = await browser.newContext({ viewport: PHONE, locale: "fr-CH" });
      const page = await context.newPage();
      await page.goto(`${origin}/bare`);
      const bare = (await page.evaluate(MOMENTS)) as Moments;
      await page.goto(address);
      const pay = (await page.evaluate(MOMENTS)) as Moments;
      visits.push({ pay, bare });
      await context.close();
    }
  } finally {
    await browser.close();
  }
  return visits.slice(1);
}

function describe(moments: readonly Moments[]): string {
  const sorted = (of: keyof Moments) => moments.map((moment) => moment[of]).sort((a, b) => a - b);
  const middle = (of: keyof Moments) => sorted(of)[moments.length >> 1]?.toFixed(0);
  const paints = sorted("paint");
  const range = `${paints[0]?.toFixed(0)} to ${paints.at(-1)?.toFixed(0)}`;
  return `median ${middle("paint")} ms (${range}), the answer began at ${middle("answer")}, page and styles were there at ${middle("complete")}`;
}

await main();

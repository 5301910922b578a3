import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { WebApp } from "./web-app.ts";

let web: WebApp;
let address: string;
beforeAll(async () => {
  web = await WebApp.start();
  address = await web.app.listen({ port: 0, host: "127.0.0.1" });
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

interface Told {
  readonly status: string;
  readonly billedRappen: number;
  readonly percent: number;
  readonly remainingSeconds: number | null;
}

/** Reads events until one satisfies `wanted`; the whole stream as it came is in `text`. */
async function follow(id: string) {
  const stop = new AbortController();
  const answer = await fetch(`${address}/pay/${id}/progress`, { signal: stop.signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const events: Told[] = [];
  let rest = "";
  return {
    answer,
    events,
    async until(wanted: (told: Told) => boolean): Promise<Told> {
      for (;;) {
        const found = events.find(wanted);
        if (found) return found;
        const chunk = await reader?.read();
        if (!chunk || chunk.done) throw new Error("the stream has ended");
        const blocks = (rest + chunk.value).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) if (block.startsWith("data: ")) events.push(JSON.parse(block.slice(6)));
      }
    },
    async end(): Promise<boolean> {
      for (;;) if ((await reader?.read())?.done !== false) return true;
    },
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}

test("a watcher is told the state now, then each pulse, then that it is paid", async () => {
  const id = await web.open();
  await using page = await follow(id);
  expect(page.answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(page.answer.headers.get("cache-control")).toBe("no-store");
  expect(await page.until(() => true)).toMatchObject({ status: "open", billedRappen: 0, remainingSeconds: null });
  const call = await web.call(id);
  await page.until((told) => told.status === "calling");
  await call.pulses(1, 3);
  expect(await page.until((told) => told.billedRappen === 30)).toMatchObject({ percent: 30, remainingSeconds: 36 });
  await call.pulses(4, 9);
  await page.until((told) => told.billedRappen === 90);
  await call.pulses(10, 10);
  expect(await page.until((told) => told.status === "paid")).toMatchObject({ billedRappen: 100, percent: 100 });
});

test("a second call's time is read off its own staircase, from the credit", async () => {
  const id = await web.inState("interrupted");
  const call = await web.call(id);
  await call.pulses(1, 2);
  await using page = await follow(id);
  // CHF 0.60 remain, six pulses: the second fell at 5 s, the sixth at 25 s.
  expect(await page.until(() => true)).toMatchObject({ billedRappen: 60, remainingSeconds: 21 });
});

test("a payment has so many watchers, and a place that is given back can be taken again", async () => {
  const id = await web.open();
  await using held = new AsyncDisposableStack();
  const pages = [];
  for (let i = 0; i < 10; i++) pages.push(held.use(await follow(id)));
  for (const page of pages) await page.until(() => true);
  const refused = await fetch(`${address}/pay/${id}/progress`);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("10");
  await refused.text();
  await pages[0]?.[Symbol.asyncDispose]();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await using again = await follow(id);
  expect(again.answer.status).toBe(200);
});

test("an unknown payment can't be watched", async () => {
  const answer = await fetch(`${address}/pay/85341CE4-2744-423A-8320-F9531E57D666/progress`);
  expect(answer.status).toBe(404);
});

test("streams end with the server", async () => {
  const other = await WebApp.start();
  const at = await other.app.listen({ port: 0, host: "127.0.0.1" });
  const answer = await fetch(`${at}/pay/${await other.open()}/progress`);
  const reader = answer.body?.getReader();
  await reader?.read();
  await other[Symbol.asyncDispose]();
  let done = false;
  while (!done) done = (await reader?.read())?.done ?? true;
  expect(done).toBe(true);
});

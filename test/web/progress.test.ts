import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { confirm } from "../../core/transitions.ts";
import { notify } from "../../db/notices.ts";
import { eventually } from "../support/eventually.ts";
import { followProgress } from "./follow-progress.ts";
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

const follow = (id: string, query = "", headers: Record<string, string> = {}) =>
  followProgress(`${address}/pay/${id}/progress${query}`, headers);

test("a watcher is told the state now, then each pulse, then that it is paid", async () => {
  const id = await web.open();
  await using page = await follow(id);
  expect(page.answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(page.answer.headers.get("cache-control")).toBe("no-store");
  expect(page.answer.headers.get("x-accel-buffering")).toBe("no");
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

test("pages of one payment are told at the same time, each in its language", async () => {
  const id = await web.open();
  const call = await web.call(id);
  await using held = new AsyncDisposableStack();
  const pages = await Promise.all(
    ["?lang=de", "?lang=fr", "", "?lang=de"].map(async (query) => held.use(await follow(id, query))),
  );
  for (const page of pages) await page.until(() => true);
  await call.pulses(1, 2);
  const told = await Promise.all(pages.map((page) => page.until(({ billedRappen }) => billedRappen === 20)));
  expect(told.map(({ progressText }) => progressText)).toEqual([
    "CHF\u00a00.20 von CHF\u00a01.00, inkl. MWST",
    "CHF\u00a00.20 sur CHF\u00a01.00, TVA comprise",
    "CHF\u00a00.20 sur CHF\u00a01.00, TVA comprise",
    "CHF\u00a00.20 von CHF\u00a01.00, inkl. MWST",
  ]);
});

test("who comes back after a break is told the state now, whatever was missed", async () => {
  const id = await web.open();
  const call = await web.call(id);
  await call.pulses(1, 1);
  const page = await follow(id);
  await page.until(({ billedRappen }) => billedRappen === 10);
  await page[Symbol.asyncDispose]();
  await call.pulses(2, 6);
  await using again = await follow(id, "", { "last-event-id": "1" });
  expect(await again.until(() => true)).toMatchObject({ status: "calling", billedRappen: 60 });
});

test("an eleventh page of a payment takes the oldest one's place, which comes back later by itself", async () => {
  const id = await web.open();
  await using held = new AsyncDisposableStack();
  const pages = [];
  for (let i = 0; i < 11; i++) {
    const page = held.use(await follow(id));
    await page.until(() => true);
    pages.push(page);
  }
  expect(await pages[0]?.end()).toContain("retry: 60000");
  const call = await web.call(id);
  await call.pulses(1, 1);
  for (const page of pages.slice(1)) await page.until(({ billedRappen }) => billedRappen === 10);
});

test("the stream ends when the payment is over, with what became of it", async () => {
  const id = await web.inState("paid");
  await using page = await follow(id);
  await page.until(({ status }) => status === "paid");
  await web.change(id, confirm("shopper"));
  expect(await page.end()).toContain("retry: 60000");
  expect(page.events.at(-1)).toMatchObject({ status: "confirmed" });
  for (const state of ["confirmed", "redeemed", "cancelled"] as const) {
    await using late = await follow(await web.inState(state));
    await late.end();
    expect(late.events).toMatchObject([{ status: state }]);
  }
});

test("a page that reads nothing is let go before much piles up for it, and others are told on", async () => {
  const id = await web.open();
  await web.call(id);
  await using page = await follow(id);
  await page.until(({ status }) => status === "calling");
  const deaf = connect(Number(new URL(address).port), "127.0.0.1");
  await once(deaf, "connect");
  deaf.write(`GET /pay/${id}/progress HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(deaf, "readable");
  const connections = () =>
    new Promise<number>((resolve, reject) => {
      web.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  const before = await connections();
  let billedRappen = 0;
  await eventually(async () => {
    // Fewer than make a reader of good will look like one that takes nothing.
    const sums = Array.from({ length: 100 }, () => ({ id, billedRappen: ++billedRappen }));
    await notify(web.db, sums);
    await page.until((told) => told.billedRappen === billedRappen);
    return (await connections()) === before - 1;
  }, 45_000);
  deaf.destroy();
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

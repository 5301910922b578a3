import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { LineNews } from "../../bin/line-news.ts";
import { type SimulatedLine, startSimulatedLine } from "../../bin/simulated-line.ts";
import { findTransaction } from "../../db/transactions.ts";
import { openSimulatedExchange, SECRET, type SimulatedExchange } from "./simulated-exchange.ts";

const PAGE = "http://127.0.0.1:8081";

let exchange: SimulatedExchange;
let line: SimulatedLine;
beforeAll(async () => {
  exchange = await openSimulatedExchange();
  const agiServers = [(await exchange.startVoice()).address];
  line = await startSimulatedLine({ host: "127.0.0.1", port: 0, agiServers, secret: SECRET, allowedOrigin: PAGE });
});
afterAll(async () => {
  await line.close();
  await exchange[Symbol.asyncDispose]();
});

function send(path: string, fields: Readonly<Record<string, string>> = {}, origin = PAGE): Promise<Response> {
  return fetch(`${line.url}${path}`, { method: "POST", body: new URLSearchParams(fields), headers: { origin } });
}

async function startCall(number: string): Promise<string> {
  const response = await send("/calls", { number });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

/** The news of a call as they come, until the stream ends. */
async function* newsOf(address: string): AsyncGenerator<LineNews> {
  const response = await fetch(`${line.url}${address}`, { headers: { origin: PAGE } });
  expect(response.headers.get("access-control-allow-origin")).toBe(PAGE);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  let text = "";
  for await (const chunk of response.body ?? []) {
    const messages = (text + Buffer.from(chunk).toString()).split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) {
      if (message.startsWith("data: ")) yield JSON.parse(message.slice("data: ".length)) as LineNews;
    }
  }
}

test("a page calls, sees what would be heard, keys the code, and pays", async () => {
  const { id, code } = await exchange.openPayment("pulses", 30);
  const call = await startCall("0900900904");
  const states: string[] = [];
  const prompts: string[] = [];
  let lastKind = "";
  for await (const news of newsOf(`/calls/${call}`)) {
    if (news.state) states.push(news.state);
    if (news.prompt !== undefined) prompts.push(news.prompt);
    lastKind = news.kind;
    if (news.kind === "prompt" && news.fragment === "ivr-code-ask") {
      for (const key of code) expect((await send(`/calls/${call}/keys`, { key })).status).toBe(204);
    }
  }
  expect(states).toEqual(["ringing", "beforeAnswer", "inCall", "ended"]);
  expect(lastKind).toBe("ended");
  expect(prompts).toContain("Composez le code à quatre chiffres affiché à l'écran.");
  expect(prompts.at(-1)).toBe("");
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid" });
  // A page that comes late is told all of it.
  const again: string[] = [];
  for await (const { kind } of newsOf(`/calls/${call}/events`)) again.push(kind);
  expect([again[0], again.at(-1)]).toEqual(["ringing", "ended"]);
});

test.each([
  ["DELETE", ""],
  ["POST", "/hang-up"],
])("the caller hangs up by %s", async (method, suffix) => {
  const call = await startCall("0900900904");
  expect((await fetch(`${line.url}/calls/${call}${suffix}`, { method })).status).toBe(204);
  const news: LineNews[] = [];
  for await (const each of newsOf(`/calls/${call}`)) news.push(each);
  expect(news.at(-1)).toMatchObject({ kind: "ended", state: "ended", endedBy: "caller" });
});

test("a number that nobody has is shown as refused", async () => {
  const call = await startCall("0441112233");
  const states: unknown[] = [];
  for await (const news of newsOf(`/calls/${call}`)) states.push(news.state);
  expect(states).toEqual(["ringing", "refused"]);
});

test("only the page's own origin is served, and only what a telephone can send", async () => {
  expect((await send("/calls", { number: "0900900904" }, "http://evil.example")).status).toBe(403);
  expect((await fetch(`${line.url}/calls`, { method: "OPTIONS", headers: { origin: PAGE } })).status).toBe(204);
  expect((await send("/calls", { number: "0900; drop" })).status).toBe(400);
  expect((await send("/calls", { number: "1".repeat(2_000) })).status).toBe(413);
  const call = await startCall("0900900904");
  expect((await send(`/calls/${call}/keys`, { key: "A" })).status).toBe(400);
  expect((await send("/calls/nothing/keys", { key: "1" })).status).toBe(404);
  expect((await send(`/calls/${call}/hang-up`)).status).toBe(204);
});

test("twenty calls at once take all lines", async () => {
  const calls = await Promise.all(Array.from({ length: 20 }, () => startCall("0900900904")));
  expect((await send("/calls", { number: "0900900904" })).status).toBe(429);
  await Promise.all(calls.map((call) => send(`/calls/${call}/hang-up`)));
  await send(`/calls/${await startCall("0900900904")}/hang-up`);
});

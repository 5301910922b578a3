import { createServer as createTlsServer, get } from "node:https";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Command, Kit, Outcome } from "./kit.ts";
import { selfSigned } from "./self-signed.ts";
import { listen, serve } from "./strangers.ts";

const TIMEOUT_MS = 10_000;
const SHORT_TIMEOUT_MS = 500;
const UNKNOWN = "00000000-0000-4000-8000-000000000000";

/** What every kit makes of servers that aren't ours, and of what can't be sent. */
export function describeStrangers(open: () => Promise<Kit>): void {
  let kit: Kit;
  beforeAll(async () => {
    kit = await open();
  });
  afterAll(async () => {
    await kit[Symbol.asyncDispose]();
  });

  const ask = (commands: readonly (Pick<Command, "baseUrl" | "call"> & Partial<Command>)[]) =>
    kit.run(
      commands.map((command) => ({
        apiKey: "p2p_test_a",
        timeoutMs: TIMEOUT_MS,
        arguments: { id: UNKNOWN },
        ...command,
      })),
    );

  test("silence, a dead port and a redirect are no answers, and the key goes nowhere else", async () => {
    const visits: string[] = [];
    await using elsewhere = await serve((request, response) => {
      visits.push(request.url ?? "");
      response.end("{}");
    });
    await using server = await serve((request, response) => {
      if (request.url?.startsWith("/silent")) return;
      const status = Number(request.url?.slice(1, 4));
      response.writeHead(status, { location: `${elsewhere.url}/caught` }).end();
    });
    const dead = await serve(() => {});
    await dead[Symbol.asyncDispose]();
    const redeem = { call: "redeemTransaction" } as const;
    const outcomes = await ask([
      { ...redeem, baseUrl: `${server.url}/silent`, timeoutMs: SHORT_TIMEOUT_MS },
      { ...redeem, baseUrl: dead.url },
      { ...redeem, baseUrl: `${server.url}/302` },
      { ...redeem, baseUrl: `${server.url}/307` },
      { call: "checkTransaction", baseUrl: `${server.url}/301` },
    ]);
    expect(outcomes.map(short)).toEqual([
      "0 no_answer",
      "0 no_answer",
      "302 not_phone2pay",
      "307 not_phone2pay",
      "301 not_phone2pay",
    ]);
    expect(visits).toEqual([]);
  });

  test("a server with a certificate of its own making is no server of ours, and gets no key", async () => {
    const heard: unknown[] = [];
    await using server = await listen(
      createTlsServer(await selfSigned(), ({ headers }, response) => {
        heard.push(headers.authorization);
        response.end("{}");
      }),
      "https",
    );
    const [outcome] = await ask([{ call: "redeemTransaction", baseUrl: server.url }]);
    expect([short(outcome!), heard]).toEqual(["0 no_answer", []]);
    // Who looks at no certificate is answered: nothing but the certificate was wrong.
    await new Promise((resolve) => get(server.url, { rejectUnauthorized: false, agent: false }, resolve));
    expect(heard).toEqual([undefined]);
  });

  test("what is no answer of ours is told as a refusal, whatever it is", async () => {
    await using server = await serve((request, response) => {
      const name = request.url?.split("/")[1] ?? "";
      const [status = 0, body = ""] = STRANGE_ANSWERS[name] ?? [];
      if (name !== "cut-off") return void response.writeHead(status, { "content-type": "application/json" }).end(body);
      response.writeHead(status, { "content-type": "application/json", "content-length": body.length + 90 });
      response.write(body, () => request.socket.destroy());
    });
    const strange = Object.keys(STRANGE_ANSWERS).map((name) => ({
      call: "checkTransaction" as const,
      baseUrl: `${server.url}/${name}`,
    }));
    const outcomes = await ask(strange);
    const cutOff = outcomes.at(-1)!;
    const others = Object.entries(STRANGE_ANSWERS).slice(0, -1);
    expect(others.map(([name], index) => [name, short(outcomes[index]!)])).toEqual(
      others.map(([name, [status]]) => [name, `${status} not_phone2pay`]),
    );
    // WinHTTP may give what had come, which is no document.
    expect(kit.wire === "rest" ? ["0 no_answer"] : ["0 no_answer", "200 not_phone2pay"]).toContain(short(cutOff));
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ refusal: { code: expect.any(String), detail: expect.any(String) } });
  });

  test("what can't be sent is refused before it is", async () => {
    const asked: string[] = [];
    await using server = await serve((request, response) => {
      asked.push(request.url ?? "");
      response.end("{}");
    });
    const wish = { baseUrl: server.url, call: "redeemTransaction" } as const;
    const outcomes = await ask([
      { ...wish, idempotencyKey: "order 1" },
      { ...wish, idempotencyKey: "order-1\r\nX-Evil: 1" },
      { ...wish, idempotencyKey: "order-é" },
      { ...wish, idempotencyKey: "1".repeat(256) },
    ]);
    expect(outcomes.map(short)).toEqual(Array(4).fill("0 idempotency_key_invalid"));
    expect(asked).toEqual([]);
  });
}

/** By name: status and body, said to be JSON. */
const STRANGE_ANSWERS: Readonly<Record<string, readonly [number, string | Buffer]>> = {
  nothing: [200, ""],
  html: [200, "<h1>Log in to the hotel's network</h1>"],
  "no-json": [200, '{"id": '],
  list: [200, "[]"],
  "no-utf-8": [200, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  deep: [200, "[".repeat(200_000)],
  "odd-types": [409, '{"code": {"a": 1}, "detail": [], "errors": "x", "requestId": {"b": 2}}'],
  proxy: [504, "<html>Gateway timeout</html>"],
  "cut-off": [200, '{"id": '],
};

/** `409 transaction_not_paid`. */
function short(outcome: Outcome): string {
  return "answer" in outcome ? "answered" : `${outcome.refusal.status} ${outcome.refusal.code}`;
}

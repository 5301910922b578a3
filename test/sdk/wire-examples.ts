import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import type { Command, Kit } from "./kit.ts";

const directory = path.resolve(import.meta.dirname, "../../sdk/wire-examples");

/** One exchange, in both of the wires that kits speak, and what a kit makes of it. */
export interface WireExample {
  readonly title: string;
  readonly apiKey: string;
  readonly call: Command["call"];
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly idempotencyKey?: string;
  readonly rest: Exchange;
  readonly plain: Exchange;
  readonly outcome: {
    readonly answer?: Readonly<Record<string, unknown>>;
    readonly refusal?: { readonly errors?: unknown; readonly [name: string]: unknown };
  };
}

interface Exchange {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly form?: Readonly<Record<string, string>>;
  };
  readonly answer: { readonly status: number; readonly contentType: string; readonly body: unknown };
}

export interface WebhookExample {
  readonly title: string;
  readonly secret: string;
  readonly nowSeconds: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBase64: string;
  /** `proved`, or the code of the refusal. */
  readonly outcome: string;
}

const WEBHOOKS = "webhooks.json";

export function readWireExamples(): readonly WireExample[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json") && name !== WEBHOOKS)
    .map((name) => read(name) as WireExample);
}

export function readWebhookExamples(): readonly WebhookExample[] {
  return (read(WEBHOOKS) as { readonly cases: readonly WebhookExample[] }).cases;
}

/** A server that answers the requests which come one after the other as the examples say, and remembers what was asked. */
export async function replay(examples: readonly WireExample[], wire: Kit["wire"]) {
  const asked: Exchange["request"][] = [];
  const server = createServer((request, response) => {
    void readRequest(request).then((read) => {
      const { status, contentType, body } = examples[asked.length]![wire].answer;
      asked.push(read);
      response.writeHead(status, { "content-type": contentType });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readRequest(request: IncomingMessage): Promise<Exchange["request"]> {
  const text = (await buffer(request)).toString("utf8");
  const { authorization, "content-type": type = "", "idempotency-key": key } = request.headers;
  const form = type === "application/x-www-form-urlencoded" && text !== "";
  const json = type === "application/json";
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(json || form ? { "content-type": type } : {}),
      ...(key === undefined ? {} : { "idempotency-key": String(key) }),
    },
    ...(json ? { body: JSON.parse(text) as unknown } : {}),
    ...(form ? { form: Object.fromEntries(new URLSearchParams(text)) } : {}),
  };
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(path.join(directory, name), "utf8"));
}

import http from "node:http";
import https from "node:https";
import { isIPv6, type LookupFunction } from "node:net";
import { type AttemptError, type AttemptOutcome, readRetryAfter } from "../core/webhook-schedule.ts";
import { addressesOf, readWebhookUrl, type WebhookReach } from "./webhook-target.ts";

/** From the first look-up to the last byte of the answer. */
export const ATTEMPT_MS_MAX = 15_000;
/** Of an answer so much is read; a receiver that goes on isn't listened to. */
const ANSWER_BYTES_MAX = 64 * 1_024;
/** So much of it is kept, for its merchant to look at. */
const ANSWER_CHARACTERS_KEPT = 1_000;
const STATUS_MIN = 100;
const USER_AGENT = "Phone2Pay-Webhooks/1";

export interface Sent extends AttemptOutcome {
  readonly at: Date;
  readonly durationMs: number;
  /** How the answer began. */
  readonly answer: string;
}

export interface AttemptOptions {
  readonly reach: WebhookReach;
  readonly stop: AbortSignal;
  readonly timeoutMs?: number;
}

/**
 * Posts a message to the address of an endpoint, once. The host is looked up once and the addresses found are checked and
 * connected to, so that no second look-up can lead elsewhere; redirects aren't followed. Whatever the receiver does is an
 * outcome. Throws the reason of `stop` when that is aborted: then nobody knows whether it arrived.
 */
export async function postOnce(
  message: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string },
  { reach, stop, timeoutMs = ATTEMPT_MS_MAX }: AttemptOptions,
): Promise<Sent> {
  const at = new Date();
  const startedMs = performance.now();
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([stop, timeout]);
  let heard: Heard = { status: null, retryAfterSeconds: null, answer: "" };
  const ended = (error: AttemptError | null): Sent => {
    const durationMs = Math.round(performance.now() - startedMs);
    return { ...heard, error, at, durationMs };
  };
  try {
    const url = readWebhookUrl(message.url, reach);
    if ("wrong" in url) return ended("address_not_allowed");
    const addresses = await abortable(addressesOf(url, reach), signal);
    if ("wrong" in addresses) return ended(addresses.wrong);
    const answer = await request(url, { ...message, addresses, signal });
    const { statusCode = 0 } = answer;
    if (statusCode < STATUS_MIN) {
      answer.destroy(); // 000 is read as a number, too
      return ended("answer_malformed");
    }
    heard = { ...heard, status: statusCode };
    heard = { ...heard, retryAfterSeconds: readRetryAfter(answer.headers["retry-after"], at) };
    for await (const text of beginningOf(answer)) heard = { ...heard, answer: text };
    return ended(null);
  } catch (error) {
    stop.throwIfAborted();
    return ended(timeout.aborted ? "timed_out" : errorNamed(error));
  }
}

type Heard = Pick<Sent, "status" | "retryAfterSeconds" | "answer">;

/** Sends it to one of these addresses, whatever the name means by now. The certificate is still that of the name. */
function request(
  url: URL,
  sending: {
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly addresses: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<http.IncomingMessage> {
  const { headers, body, addresses, signal } = sending;
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const send = url.protocol === "https:" ? https.request : http.request;
  send(url, {
    method: "POST",
    headers: {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "user-agent": USER_AGENT,
      ...headers,
    },
    agent: false, // a connection of its own, which no other endpoint's request can wait for
    lookup: pinned(addresses),
    signal,
  })
    .once("response", resolve)
    .on("error", reject)
    .end(body);
  return promise;
}

function pinned(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_host, { all }, done) => {
    const [first] = found;
    if (all || !first) done(null, found);
    else done(null, first.address, first.family);
  };
}

/** What is known of an answer so far, again with each piece of it, until it ends or is long enough. */
async function* beginningOf(answer: http.IncomingMessage): AsyncGenerator<string> {
  let kept = Buffer.alloc(0);
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (kept.length < ANSWER_CHARACTERS_KEPT) kept = Buffer.concat([kept, piece.subarray(0, ANSWER_CHARACTERS_KEPT)]);
    // PostgreSQL's text has no place for a NUL.
    yield kept.toString("utf8").replaceAll("\0", "\ufffd").slice(0, ANSWER_CHARACTERS_KEPT);
    if (bytes >= ANSWER_BYTES_MAX) return; // leaving the loop closes the connection
  }
}

/** Node's names for what can happen on the way. */
const OF_NODE: Readonly<Record<string, AttemptError>> = {
  ECONNREFUSED: "connection_refused",
  ECONNRESET: "connection_lost",
  EPIPE: "connection_lost",
  ECONNABORTED: "connection_lost",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ETIMEDOUT: "timed_out",
  EPROTO: "tls_failed",
};

function errorNamed(error: unknown): AttemptError {
  // Where several addresses were tried, the last one's error tells as much as any.
  const last = error instanceof AggregateError ? error.errors.at(-1) : error;
  const { code } = (last ?? {}) as { readonly code?: unknown };
  if (typeof code !== "string") return "failed";
  if (code.startsWith("HPE_")) return "answer_malformed";
  if (/^ERR_(SSL|TLS)_|CERT|^UNABLE_TO_/.test(code)) return "tls_failed";
  return OF_NODE[code] ?? "failed";
}

async function abortable<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

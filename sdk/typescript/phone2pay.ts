/**
 * Phone2Pay for TypeScript: one file without dependencies, for Node 18 or newer (Deno and Bun have what it needs, too).
 * Copy it into your shop's server. Never use it in a browser: the API key would be anyone's.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** Money is in rappen everywhere: CHF 9.90 is 990. */
export interface NewTransaction {
  readonly amount: number;
  readonly currency: "CHF";
  /** What is paid for; the shopper reads it. */
  readonly description: string;
  /** Where the shopper goes after paying; `?transaction=ID` is added. */
  readonly returnUrl: string;
  readonly cancelUrl?: string;
  /** Your own id for the order; only one open transaction can have it. */
  readonly reference?: string;
  /** What the amount is made of; the amounts of all lines sum up to it. */
  readonly items?: readonly { readonly description: string; readonly quantity: number; readonly amount: number }[];
  readonly language?: "fr" | "de" | "it" | "en";
  /** Days for which the payment is a pass. */
  readonly accessDays?: number;
  /** Id of a paid pass of yours that this one prolongs. */
  readonly renews?: string;
  /** The shopper chooses the amount within these limits; `amount` is what the page proposes. */
  readonly donation?: {
    readonly minimum: number;
    readonly maximum: number;
    readonly suggestions?: readonly number[];
  };
  /** One of your Smart Numbers; left out, the one that fits the amount best. */
  readonly number?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface SmartNumber {
  readonly national: string;
  readonly e164: string;
  readonly tel: string;
  /** Has to stand beside the number wherever you show it. */
  readonly priceText: string;
}

export interface Transaction {
  readonly id: string;
  /** Paid are `paid`, `confirmed` (the shopper clicked too) and `redeemed` (you have consumed it). */
  readonly status: "open" | "calling" | "paid" | "confirmed" | "redeemed" | "expired" | "cancelled";
  readonly exception: "none" | "underpaid" | "paid_late" | "overpaid";
  readonly amount: number;
  /** What the shopper's line is billed: the amount rounded up to what the tariff can bill. */
  readonly total: number;
  readonly currency: "CHF";
  readonly billed: number;
  readonly remaining: number;
  /** Send the shopper here. */
  readonly payUrl: string;
  readonly number: SmartNumber;
  /** How many calls it takes, those already made included. */
  readonly calls: number;
  readonly expectedSeconds: number;
  readonly code: { readonly value: string; readonly expiresAt: string } | null;
  readonly expiresAt: string;
  readonly resumableUntil: string;
  readonly accessUntil: string | null;
  /** Opens a paid pass on the access page: twelve digits in groups of four. */
  readonly accessCode: string | null;
  readonly renews: string | null;
  /** The paid renewal of this pass. */
  readonly renewedBy: string | null;
  readonly donation: {
    readonly minimum: number;
    readonly maximum: number;
    readonly suggestions: readonly number[];
    /** When the shopper chose `amount`; null until they have. */
    readonly chosenAt: string | null;
  } | null;
  readonly accessDays: number;
  readonly test: boolean;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly description: string;
  readonly createdAt: string;
  readonly paidAt: string | null;
  readonly confirmedAt: string | null;
  readonly redeemedAt: string | null;
  readonly redeemedBy: string | null;
  readonly cancelledAt: string | null;
}

/** One line of a transaction's history. */
export interface TransactionEvent {
  readonly id: string;
  readonly type: string;
  readonly createdAt: string;
  readonly data: Readonly<Record<string, string | number | boolean | null>>;
}

/** What a pass is worth now. */
export interface Access {
  readonly valid: boolean;
  /** Why it isn't valid; `no_access` means that nothing but a payment was bought. */
  readonly reason: "no_access" | "not_paid" | "cancelled" | "expired" | null;
  /** When access ends, paid renewals included. */
  readonly accessUntil: string | null;
  /** The one asked for. */
  readonly transaction: Transaction;
}

export interface Quote {
  readonly number: SmartNumber;
  readonly amount: number;
  readonly total: number;
  /** What the phone bill may read at most: the caller's operator may round each call up. */
  readonly billedAtMost: number;
  readonly overshoot: number;
  /** More than one only where one call can't bring the amount. */
  readonly calls: number;
  readonly pulses: number;
  readonly expectedSeconds: number;
  readonly shortestSeconds: number;
}

/**
 * A refusal of the API; with `status` 0 no answer at all (code `no_answer`) or a webhook that proves nothing. Branch on
 * `code`, never on the texts. `not_phone2pay` is an answer that some other server gave. With status 0 and a code of
 * docs/errors.md the kit itself refused to send what can't be sent.
 */
export class Phone2PayError extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** What to branch on: see /docs/errors. */
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** Quote it to support. */
  readonly requestId: string | null;
  constructor(status: number, problem: Record<string, unknown>, cause?: unknown) {
    const code = typeof problem.code === "string" ? problem.code : "not_phone2pay";
    const detail = typeof problem.detail === "string" ? problem.detail : `HTTP status ${status}`;
    super(`${code}: ${detail}`, { cause });
    this.name = "Phone2PayError";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
    this.requestId = typeof problem.requestId === "string" ? problem.requestId : null;
  }
}

export interface Phone2PayOptions {
  /** Such as https://pay.example, without /v1. */
  readonly baseUrl: string;
  /** `p2p_test_…` opens test transactions, `p2p_live_…` real ones. */
  readonly apiKey: string;
  /** How long one request may take; 10 s unless told. */
  readonly timeoutMs?: number;
  /** Sends the requests in place of the global `fetch`: to go through a proxy, to record or to test. */
  readonly fetch?: (address: string, request: RequestInit) => Promise<Response>;
}

/** With a key a request that is sent again is done once, and answered as the first one was, for 24 hours. */
export interface Once {
  /** Printable ASCII without blanks. */
  readonly idempotencyKey?: string;
}

/** A client for one merchant and mode. Each function answers the transaction as it is then, or throws a Phone2PayError. */
export function phone2pay({ baseUrl, apiKey, timeoutMs = 10_000, fetch = globalThis.fetch }: Phone2PayOptions) {
  const root = `${baseUrl.replace(/\/+$/, "")}/v1`;

  async function ask<Answer>(
    method: "GET" | "POST",
    path: string,
    { body, once = {} }: { readonly body?: unknown; readonly once?: Once } = {},
  ): Promise<Answer> {
    const headers = headersOf(apiKey, once);
    const sent = body === undefined ? {} : { body: writeJson(body) };
    let status = 0;
    let text: string;
    try {
      const response = await fetch(`${root}${path}`, {
        method,
        headers: {
          ...headers,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...sent,
        // The key goes to this address and to no other.
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      throw new Phone2PayError(0, { code: "no_answer", detail: "Phone2Pay did not answer." }, cause);
    }
    const answer = readObject(text);
    if (status < 200 || status > 299 || answer === null) throw new Phone2PayError(status, answer ?? {});
    return answer as Answer;
  }

  // Half a sign can't be sent.
  const of = (id: string) => `/transactions/${encodeURIComponent(id.replace(/\p{Surrogate}/gu, "\ufffd"))}`;
  return {
    /**
     * Opens a transaction; then send the shopper to its `payUrl`. With a key of the order's own a request that is sent
     * again (a double click, or after `no_answer`) answers the first one's transaction.
     */
    createTransaction: (order: NewTransaction, once: Once = {}) =>
      ask<Transaction>("POST", "/transactions", { body: order, once }),

    /** The truth about a payment. What the shopper's browser brings back proves nothing. */
    checkTransaction: (id: string) => ask<Transaction>("GET", of(id)),

    /**
     * Consumes a paid transaction, once: deliver when it answers. Thrown codes: `transaction_already_redeemed`,
     * `transaction_not_paid`, `transaction_cancelled`, `transaction_expired`. After `no_answer` ask again with the same key:
     * it answers, too, if your first try had come through. So note yourself what you have delivered.
     */
    redeemTransaction: (id: string, once: Once = {}) => ask<Transaction>("POST", `${of(id)}/redeem`, { once }),

    /** Everything that happened to a transaction, oldest first. */
    listEvents: async (id: string): Promise<readonly TransactionEvent[]> =>
      (await ask<{ readonly data: readonly TransactionEvent[] }>("GET", `${of(id)}/events`)).data,

    /** Cancels an unpaid transaction. */
    cancelTransaction: (id: string, once: Once = {}) => ask<Transaction>("POST", `${of(id)}/cancel`, { once }),

    /**
     * What a pass opens now, by its id or access code; ask whenever a shopper comes back. Thrown code: `access_unknown`.
     */
    checkAccess: (access: string) => ask<Access>("POST", "/access/check", { body: { access } }),

    /** What an amount would cost and last: on the number you name, or on the one that fits best. */
    quote: (wish: { readonly amount: number; readonly number?: string }) =>
      ask<Quote>("POST", "/quotes", { body: wish }),
  };
}

function headersOf(apiKey: string, { idempotencyKey }: Once): Readonly<Record<string, string>> {
  const headers = { accept: "application/json", authorization: `Bearer ${headerText(apiKey, "api_key_invalid")}` };
  if (idempotencyKey === undefined) return headers;
  return { ...headers, "idempotency-key": headerText(idempotencyKey, "idempotency_key_invalid") };
}

/** What may stand in a header: a line end that came along with a key would end it. */
function headerText(text: string, code: string): string {
  if (/^[!-~]{1,255}$/.test(text)) return text;
  throw new Phone2PayError(0, { code, detail: "A key is printable ASCII without blanks or line ends." });
}

function writeJson(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new Phone2PayError(0, { code: "request_malformed", detail: "It can't be written as JSON." }, cause);
  }
}

/** What a webhook tells. `data` is what the event is about. */
export interface WebhookEvent {
  readonly type: string;
  readonly timestamp: string;
  /** Grows: of two events the one with the higher number happened later. */
  readonly sequence: number;
  readonly data: Readonly<Record<string, unknown>>;
}

const WEBHOOK_TOLERANCE_SECONDS = 300;
const WEBHOOK_SECRET_BYTES_MIN = 16;

/**
 * Answers what a webhook tells, once it is proved to come from Phone2Pay and to be fresh. Answer 2xx only when this
 * returns: Phone2Pay sends again until then. Throws a Phone2PayError with status 0 and the code `webhook_malformed`,
 * `webhook_stale`, `webhook_forged` or `webhook_secret_invalid`.
 */
export function verifyWebhook(webhook: {
  /** The endpoint's, `whsec_…`. */
  readonly secret: string;
  /** Of the request, as Node or fetch give them. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As it came, before anything parsed it. */
  readonly body: string | Uint8Array;
  readonly nowSeconds?: number;
}): WebhookEvent {
  const { secret, headers, body, nowSeconds = Date.now() / 1_000 } = webhook;
  const header = (name: string) => String((headers instanceof Headers ? headers.get(name) : headers[name]) ?? "");
  const id = header("webhook-id");
  const timestamp = header("webhook-timestamp");
  const signatures = header("webhook-signature");
  if (id === "" || signatures === "" || !/^[0-9]{1,12}$/.test(timestamp))
    throw unproved("webhook_malformed", "The headers webhook-id, -timestamp and -signature aren't all there.");
  if (Math.abs(nowSeconds - Number(timestamp)) > WEBHOOK_TOLERANCE_SECONDS)
    throw unproved("webhook_stale", "It was signed too long ago, or a clock is wrong.");
  const hmac = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.`).update(body);
  const expected = Buffer.from(`v1,${hmac.digest("base64")}`);
  // While a secret is being replaced there are two signatures: one that fits is enough.
  const fits = signatures.split(" ").filter((signature) => same(Buffer.from(signature), expected));
  if (fits.length === 0) throw unproved("webhook_forged", "No signature fits.");
  const event = readObject(Buffer.from(body).toString("utf8"));
  if (!event) throw unproved("webhook_malformed", "The body isn't a JSON object.");
  return event as unknown as WebhookEvent;
}

function keyOf(secret: string): Buffer {
  const key = Buffer.from(/^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1] ?? "", "base64");
  // An empty secret, such as that of a setting which was forgotten, would prove what anyone can sign.
  if (key.length >= WEBHOOK_SECRET_BYTES_MIN) return key;
  throw unproved("webhook_secret_invalid", "The secret of the endpoint is wanted: whsec_ and base64.");
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function unproved(code: string, detail: string): Phone2PayError {
  return new Phone2PayError(0, { code, detail });
}

function readObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

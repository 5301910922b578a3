/**
 * Phone2Pay for TypeScript: one file without dependencies, for Node 18 or newer (or anything else with fetch). Copy it
 * into your shop's server. Never use it in a browser: the API key would be anyone's.
 */

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

/** A refusal of the API, or with `status` 0 no answer at all (code `no_answer`) or not one of ours (`not_phone2pay`). */
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
}

/** A client for one merchant and mode. Each function answers the transaction as it is then, or throws a Phone2PayError. */
export function phone2pay({ baseUrl, apiKey, timeoutMs = 10_000 }: Phone2PayOptions) {
  const root = `${baseUrl.replace(/\/+$/, "")}/v1`;

  async function ask<Answer>(method: "GET" | "POST", path: string, body?: unknown): Promise<Answer> {
    let status = 0;
    let text: string;
    try {
      const response = await fetch(`${root}${path}`, {
        method,
        headers: {
          accept: "application/json",
          authorization: `Bearer ${apiKey}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // The key goes to this address and to no other.
        redirect: "error",
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

  const of = (id: string) => `/transactions/${encodeURIComponent(id)}`;
  return {
    /** Opens a transaction; then send the shopper to its `payUrl`. */
    createTransaction: (order: NewTransaction) => ask<Transaction>("POST", "/transactions", order),

    /** The truth about a payment. What the shopper's browser brings back proves nothing. */
    checkTransaction: (id: string) => ask<Transaction>("GET", of(id)),

    /**
     * Consumes a paid transaction, once: deliver when it answers. Thrown codes: `transaction_already_redeemed`,
     * `transaction_not_paid`. After `no_answer` ask again: `transaction_already_redeemed` then may mean your first try.
     */
    redeemTransaction: (id: string) => ask<Transaction>("POST", `${of(id)}/redeem`),

    /** Cancels an unpaid transaction. */
    cancelTransaction: (id: string) => ask<Transaction>("POST", `${of(id)}/cancel`),

    /**
     * What a pass opens now, by its id or access code; ask whenever a shopper comes back. Thrown code: `access_unknown`.
     */
    checkAccess: (access: string) => ask<Access>("POST", "/access/check", { access }),

    /** What an amount would cost and last: on the number you name, or on the one that fits best. */
    quote: (wish: { readonly amount: number; readonly number?: string }) => ask<Quote>("POST", "/quotes", wish),
  };
}

function readObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

import { judgeAttempt } from "../core/webhook-schedule.ts";
import type { Db } from "../db/database.ts";
import { type ClaimedDelivery, claimDeliveries, settleDelivery } from "../db/webhook-claims.ts";
import { postOnce } from "./webhook-attempt.ts";
import { signMessage, viewEvent } from "./webhook-message.ts";
import type { WebhookReach } from "./webhook-target.ts";

/** Attempts that one sender makes at a time; those at endpoints that are failing take half of it at most. */
const ATTEMPTS_MAX = 100;
const FAILING_ATTEMPTS_MAX = ATTEMPTS_MAX / 2;
/** And at one endpoint, as long as it answers; one that fails is tried once at a time. */
const ENDPOINT_ATTEMPTS_MAX = 4;
const FAILING_ENDPOINT_ATTEMPTS_MAX = 1;
/** And of one merchant, besides one at each endpoint. */
const MERCHANT_ATTEMPTS_MAX = 20;
/** Places that only a merchant gets who has no more than a few: whoever is slow, the others' news goes out. */
const KEPT_ATTEMPTS = 20;
const FEW_OF_MERCHANT = 2;
/** How often the database is asked what is due, if nothing else gives cause to. */
const LOOK_EVERY_MS = 500;
/** Attempts under way get so long to end when the sender is stopped; the others are made again by the next one. */
const DRAIN_MS = 5_000;

export interface SenderOptions {
  readonly db: Db;
  readonly baseUrl: string;
  /** From which the secrets of all endpoints are derived. */
  readonly key: string;
  readonly reach: WebhookReach;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
  readonly timeoutMs?: number;
  readonly lookEveryMs?: number;
}

/**
 * Sends what is due until it is given back. Any number of senders may run; one that dies loses nothing, because what it
 * had in its hands is due again when its claim runs out. So an event arrives at least once.
 */
export function startWebhookSender(options: SenderOptions): AsyncDisposable {
  const stop = new AbortController();
  const cut = new AbortController();
  const bell = new Bell();
  const underWay = new AttemptsUnderWay();
  const start = (delivery: ClaimedDelivery, failing: boolean) => {
    const attempt = deliver(options, delivery, cut.signal).catch((error: unknown) => {
      if (!cut.signal.aborted) options.log("webhooks.attempt_failed", { error, delivery: delivery.id });
    });
    // Where a place becomes free, the next delivery waits no longer.
    void underWay.add(delivery.endpointId, failing, attempt).then(() => bell.ring());
  };
  const looking = (async () => {
    let away = false;
    while (!stop.signal.aborted) {
      try {
        await takeDue(options.db, underWay, start);
        away = false;
      } catch (error) {
        if (!away) options.log("webhooks.look_failed", { error });
        away = true;
      }
      await bell.waitFor(options.lookEveryMs ?? LOOK_EVERY_MS);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      bell.ring();
      await looking;
      const drained = underWay.allEnded();
      const patience = setTimeout(() => cut.abort(), DRAIN_MS);
      await drained;
      clearTimeout(patience);
    },
  };
}

async function takeDue(
  db: Db,
  underWay: AttemptsUnderWay,
  start: (delivery: ClaimedDelivery, failing: boolean) => void,
): Promise<void> {
  for (const failing of [false, true]) {
    const free = ATTEMPTS_MAX - underWay.count;
    const limit = failing ? Math.min(free, FAILING_ATTEMPTS_MAX - underWay.failing) : free;
    const perEndpoint = failing ? FAILING_ENDPOINT_ATTEMPTS_MAX : ENDPOINT_ATTEMPTS_MAX;
    const shares = {
      perEndpoint,
      perMerchant: MERCHANT_ATTEMPTS_MAX,
      kept: KEPT_ATTEMPTS,
      fewOfMerchant: FEW_OF_MERCHANT,
    };
    const due = await claimDeliveries(db, { ...shares, limit, busy: underWay.ofEndpoint }, failing);
    for (const delivery of due) start(delivery, failing);
  }
}

async function deliver(options: SenderOptions, delivery: ClaimedDelivery, stop: AbortSignal): Promise<void> {
  const { db, baseUrl, key, reach, log, timeoutMs } = options;
  const event = await viewEvent(db, baseUrl, delivery.event);
  const message = signMessage(key, delivery, event, new Date());
  const sent = await postOnce(message, { reach, stop, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  const step = { step: delivery.step, test: event.type === "endpoint.test", dice: Math.random() };
  const disabled = await settleDelivery(db, delivery, sent, judgeAttempt(step, sent));
  if (disabled) log("webhooks.endpoint_disabled", { endpoint: delivery.endpointId, reason: disabled });
}

/** Which attempts are under way, and at which endpoints. */
class AttemptsUnderWay {
  readonly ofEndpoint = new Map<string, number>();
  readonly #attempts = new Set<Promise<void>>();
  #failing = 0;

  get count(): number {
    return this.#attempts.size;
  }

  get failing(): number {
    return this.#failing;
  }

  /** Settles when the attempt has ended and is counted no more. */
  async add(endpointId: string, failing: boolean, attempt: Promise<void>): Promise<void> {
    this.#attempts.add(attempt);
    this.#count(endpointId, failing, 1);
    await attempt;
    this.#attempts.delete(attempt);
    this.#count(endpointId, failing, -1);
  }

  async allEnded(): Promise<void> {
    await Promise.all(this.#attempts);
  }

  #count(endpointId: string, failing: boolean, more: 1 | -1): void {
    const places = (this.ofEndpoint.get(endpointId) ?? 0) + more;
    if (places === 0) this.ofEndpoint.delete(endpointId);
    else this.ofEndpoint.set(endpointId, places);
    if (failing) this.#failing += more;
  }
}

/** Ends a wait early; rung while nobody waits, the next wait is none. */
class Bell {
  #rung = false;
  #wake: (() => void) | null = null;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async waitFor(ms: number): Promise<void> {
    if (!this.#rung) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
    }
    this.#wake = null;
    this.#rung = false;
  }
}

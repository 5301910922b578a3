import { sql } from "kysely";
import type { z } from "zod";
import type { deliveryInFullSchema, deliverySchema, EndpointView } from "../../api/webhook-schemas.ts";
import { startWebhookSender } from "../../api/webhook-sender.ts";
import { type WebhookReach, webhookReach } from "../../api/webhook-target.ts";
import { eventually } from "../support/eventually.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { ApiUnderTest, BASE_URL } from "./api-app.ts";

export type DeliveryView = z.infer<typeof deliverySchema>;
export type DeliveryInFull = z.infer<typeof deliveryInFullSchema>;
const LOOK_EVERY_MS = 50;
const ROOT = "/v1/webhook-endpoints";

export interface MadeEndpoint extends EndpointView, AsyncDisposable {
  readonly secret: string;
}

/** The API and a sender over one database. */
export class WebhooksUnderTest implements AsyncDisposable {
  readonly api: ApiUnderTest;
  readonly logged: string[] = [];
  readonly #timeoutMs: number;
  readonly #reach: WebhookReach;
  readonly #senders = new AsyncDisposableStack();

  /** Receivers are on this machine, so every address may be reached unless `reach` says otherwise. */
  static async start(options: { readonly reach?: Partial<WebhookReach>; readonly timeoutMs?: number } = {}) {
    const reach = { ...webhookReach({ privateAddresses: true }), ...options.reach };
    const api = await ApiUnderTest.start({ webhooks: { key: WEBHOOKS.key, reach } });
    return new WebhooksUnderTest(api, reach, options.timeoutMs ?? 1_000);
  }

  constructor(api: ApiUnderTest, reach: WebhookReach, timeoutMs: number) {
    this.api = api;
    this.#reach = reach;
    this.#timeoutMs = timeoutMs;
  }

  /** Starts one more sender. */
  send(): AsyncDisposable {
    return this.#senders.use(
      startWebhookSender({
        db: this.api.db,
        baseUrl: BASE_URL,
        key: WEBHOOKS.key,
        reach: this.#reach,
        timeoutMs: this.#timeoutMs,
        lookEveryMs: LOOK_EVERY_MS,
        log: (event) => this.logged.push(event),
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#senders.disposeAsync();
    await this.api[Symbol.asyncDispose]();
  }

  /** An endpoint of the merchant's live mode, until it is given back. */
  async endpoint(url: string, wish: Readonly<Record<string, unknown>> = {}, key?: string): Promise<MadeEndpoint> {
    const asked = key === undefined ? {} : { key };
    const made = await this.api.post(ROOT, { url, ...wish }, asked);
    if (made.statusCode !== 201) throw new Error(made.body);
    const endpoint = made.json() as EndpointView & { readonly secret: string };
    const remove = async () => void (await this.api.ask("DELETE", `${ROOT}/${endpoint.id}`, asked));
    return { ...endpoint, [Symbol.asyncDispose]: remove };
  }

  async look(endpoint: { readonly id: string }): Promise<EndpointView> {
    return (await this.api.get(`${ROOT}/${endpoint.id}`)).json();
  }

  async deliveries(endpoint: { readonly id: string }): Promise<readonly DeliveryView[]> {
    return (await this.api.get(`${ROOT}/${endpoint.id}/deliveries?limit=100`)).json().data;
  }

  async delivery(endpoint: { readonly id: string }, id: string): Promise<DeliveryInFull> {
    return (await this.api.get(`${ROOT}/${endpoint.id}/deliveries/${id}`)).json();
  }

  /** The endpoint's only delivery, as soon as an attempt at it has come to its end for the `count`-th time. */
  async attempted(endpoint: { readonly id: string }, count = 1): Promise<DeliveryInFull> {
    let found: DeliveryView | undefined;
    await eventually(async () => {
      [found] = await this.deliveries(endpoint);
      return found !== undefined && found.attemptCount >= count;
    });
    return this.delivery(endpoint, found!.id);
  }

  /** What waits for its next attempt waits no more. */
  async hurry(): Promise<void> {
    await this.api.db
      .updateTable("webhook_deliveries")
      .set({ next_attempt_at: sql<Date>`clock_timestamp()` })
      .where("status", "=", "pending")
      .execute();
  }

  /** Follows a delivery that fails, attempt by attempt without waiting, until it is settled. */
  async exhaust(endpoint: { readonly id: string }): Promise<DeliveryInFull> {
    for (let attempt = 1; ; attempt++) {
      const delivery = await this.attempted(endpoint, attempt);
      if (delivery.status !== "pending") return delivery;
      await this.hurry();
    }
  }
}

/** How long a delivery waits for its next attempt, in seconds after the last one began. */
export function waitOf({ nextAttemptAt, attempts }: DeliveryInFull): number {
  return (Date.parse(nextAttemptAt ?? "") - Date.parse(attempts.at(-1)?.at ?? "")) / 1_000;
}

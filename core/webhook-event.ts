import type { TransactionEvent } from "./transitions.ts";

/** What a merchant can subscribe to. Pulses come several times a minute, so an endpoint has them only if it names them. */
export const WEBHOOK_EVENTS = [
  "transaction.created",
  "transaction.amount_chosen",
  "transaction.call_started",
  "transaction.call_ended",
  "transaction.pulsed",
  "transaction.paid",
  "transaction.paid_late",
  "transaction.overpaid",
  "transaction.confirmed",
  "transaction.redeemed",
  "transaction.expired",
  "transaction.requoted",
  "transaction.resumed",
  "transaction.cancelled",
  "endpoint.disabled",
] as const satisfies readonly (TransactionEvent | "transaction.pulsed" | "endpoint.disabled")[];

/** What merchants are told of: `endpoint.test` goes to the endpoint that is tested, whatever it subscribed to. */
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number] | "endpoint.test";

/** Why an endpoint gets nothing any more: it answered 410, it failed for days, or its merchant turned it off. */
export type DisabledReason = "gone" | "failing" | "merchant";

/** Webhook-id by Standard Webhooks: one for each event, the same however often and to how many endpoints it is sent. */
export function webhookId(sequence: number): string {
  return `evt_${sequence}`;
}

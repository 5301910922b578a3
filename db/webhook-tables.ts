import type { Generated, JSONColumnType } from "kysely";
import type { DisabledReason, WebhookEvent } from "../core/webhook-event.ts";
import type { AttemptError } from "../core/webhook-schedule.ts";
import type { MaybeMoment, Moment } from "./column-types.ts";

export interface WebhookEndpointsTable {
  id: Generated<string>;
  merchant_id: number;
  test: boolean;
  place: number;
  url: string;
  /** Empty: all but pulses. */
  events: Generated<string[]>;
  description: string | null;
  secret_version: Generated<number>;
  previous_secret_until: MaybeMoment;
  /** When the first attempt failed after which none succeeded. */
  failing_since: MaybeMoment;
  created_at: Moment;
  disabled_at: MaybeMoment;
  disabled_reason: DisabledReason | null;
  /** Unseen from then on, and deleted when its last delivery is. */
  removed_at: MaybeMoment;
}

export interface WebhookEventsTable {
  sequence: Generated<number>;
  merchant_id: number;
  test: boolean;
  type: WebhookEvent;
  transaction_id: string | null;
  /** That of the transaction at that moment: its price stands beside the number. */
  tariff_id: number | null;
  data: JSONColumnType<object>;
  created_at: Moment;
}

export type DeliveryStatus = "pending" | "delivered" | "failed" | "dropped";

export interface WebhookDeliveriesTable {
  id: Generated<number>;
  event_sequence: number;
  endpoint_id: string;
  merchant_id: number;
  test: boolean;
  status: Generated<DeliveryStatus>;
  attempts: Generated<number>;
  /** Which wait of the schedule comes next; a redelivery begins it anew. */
  step: Generated<number>;
  /** Counts the senders that took it: one whose time has run out settles nothing. */
  claim: Generated<number>;
  /** While a sender has it: when it is free again, should that sender die. */
  next_attempt_at: MaybeMoment;
  settled_at: MaybeMoment;
}

export interface WebhookAttemptsTable {
  delivery_id: number;
  number: number;
  at: Moment;
  duration_ms: number;
  status: number | null;
  error: AttemptError | null;
  answer: Generated<string>;
}

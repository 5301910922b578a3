import type { z } from "zod";
import { PublicError } from "../core/errors.ts";
import { webhookId } from "../core/webhook-event.ts";
import {
  attemptsOf,
  type Delivery,
  findDelivery,
  listDeliveries,
  redeliver,
  writeTestEvent,
} from "../db/webhook-deliveries.ts";
import { enabledEndpoint, ownEndpoint, type WebhookScope } from "./webhook-endpoints.ts";
import { viewEvent } from "./webhook-message.ts";
import type { DeliveriesQuery, deliveriesSchema, deliveryInFullSchema, deliverySchema } from "./webhook-schemas.ts";

type DeliveryView = z.infer<typeof deliverySchema>;

/** A page of an endpoint's deliveries, newest first. */
export async function pageDeliveries(
  scope: WebhookScope,
  endpointId: string,
  { limit, status, startingAfter }: DeliveriesQuery,
): Promise<z.infer<typeof deliveriesSchema>> {
  const { id } = await ownEndpoint(scope, endpointId);
  const rows = await listDeliveries(scope.db, { endpointId: id, status, after: startingAfter, limit: limit + 1 });
  return { data: rows.slice(0, limit).map(viewDelivery), hasMore: rows.length > limit };
}

/** What was sent, and every attempt at it. */
export async function checkDelivery(
  scope: WebhookScope,
  endpointId: string,
  deliveryId: string,
): Promise<z.infer<typeof deliveryInFullSchema>> {
  const { id } = await ownEndpoint(scope, endpointId);
  const delivery = await ownDelivery(scope, id, deliveryId);
  const [event, attempts] = await Promise.all([
    viewEvent(scope.db, scope.baseUrl, delivery.event),
    attemptsOf(scope.db, delivery.id),
  ]);
  return {
    ...viewDelivery(delivery),
    event,
    attempts: attempts.map(({ at, ...attempt }) => ({ ...attempt, at: at.toISOString() })),
  };
}

/** Sends a delivery again, whatever came of it: the receiver may have lost what it said it has. */
export async function redeliverOne(scope: WebhookScope, endpointId: string, deliveryId: string): Promise<DeliveryView> {
  const { id } = await enabledEndpoint(scope, endpointId);
  const delivery = await ownDelivery(scope, id, deliveryId);
  await redeliver(scope.db, id, delivery.id);
  return viewDelivery(await ownDelivery(scope, id, deliveryId));
}

/** Has `endpoint.test` sent, on the way of every event. */
export async function sendTest(scope: WebhookScope, endpointId: string): Promise<DeliveryView> {
  const { id } = await enabledEndpoint(scope, endpointId);
  const deliveryId = await writeTestEvent(scope.db, id);
  return viewDelivery(await ownDelivery(scope, id, String(deliveryId)));
}

async function ownDelivery(scope: WebhookScope, endpointId: string, text: string): Promise<Delivery> {
  const delivery = /^[0-9]{1,15}$/.test(text) ? await findDelivery(scope.db, endpointId, Number(text)) : null;
  if (!delivery) throw new PublicError("webhook_delivery_unknown");
  return delivery;
}

function viewDelivery(delivery: Delivery): DeliveryView {
  const { event, status } = delivery;
  return {
    id: String(delivery.id),
    webhookId: webhookId(event.sequence),
    type: event.type,
    sequence: event.sequence,
    transaction: delivery.transactionId,
    status,
    attemptCount: delivery.attempts,
    createdAt: event.at.toISOString(),
    nextAttemptAt: delivery.nextAttemptAt?.toISOString() ?? null,
    settledAt: delivery.settledAt?.toISOString() ?? null,
  };
}

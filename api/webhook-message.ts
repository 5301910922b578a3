import type { Language } from "../core/messages.ts";
import { webhookId } from "../core/webhook-event.ts";
import { webhookSecret, webhookSignature } from "../core/webhook-secret.ts";
import type { Db } from "../db/database.ts";
import { findTariff } from "../db/numbers.ts";
import type { ClaimedDelivery, StoredEvent } from "../db/webhook-claims.ts";
import { numberView } from "./numbers.ts";
import { payUrlOf } from "./transaction-view.ts";
import type { EventView } from "./webhook-schemas.ts";

/** An event as merchants read it, the same at each attempt: what stands in it was written when it happened. */
export async function viewEvent(db: Db, baseUrl: string, event: StoredEvent): Promise<EventView> {
  const { type, at, sequence, data, tariffId, number } = event;
  const about = { type, timestamp: at.toISOString(), sequence };
  if (tariffId === null || number === null) return { ...about, data };
  const { segments } = await findTariff(db, tariffId);
  const language = (data.language as Language | null) ?? "en";
  return {
    ...about,
    data: { ...data, payUrl: payUrlOf(baseUrl, String(data.id)), number: numberView(number, segments, language) },
  };
}

/** What is posted now: Standard Webhooks, signed with each secret of the endpoint that is valid. */
export function signMessage(
  key: string,
  delivery: ClaimedDelivery,
  event: EventView,
  now: Date,
): { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const { endpointId, secretVersion, twoSecrets } = delivery;
  const versions = twoSecrets ? [secretVersion, secretVersion - 1] : [secretVersion];
  const secrets = versions.map((version) => webhookSecret(key, { id: endpointId, version }));
  const id = webhookId(event.sequence);
  const timestampSeconds = Math.floor(now.getTime() / 1_000);
  const body = JSON.stringify(event);
  return {
    url: delivery.url,
    headers: {
      "webhook-id": id,
      "webhook-timestamp": String(timestampSeconds),
      "webhook-signature": webhookSignature(secrets, { id, timestampSeconds, body }),
    },
    body,
  };
}

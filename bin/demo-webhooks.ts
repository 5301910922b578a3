import { webhookSecret } from "../core/webhook-secret.ts";
import type { Db } from "../db/database.ts";
import { findApiClient } from "../db/merchants.ts";
import { addEndpoint, changeEndpoint, type EndpointOwner, listEndpoints } from "../db/webhook-endpoints.ts";

/** By which the shop's endpoint is found again. */
const DESCRIPTION = "demo shop";

/**
 * Has the shop told at `url` what happens in the mode of its API key, and answers the secret. It has one endpoint, ever:
 * at another address it is the same one that moves, with what still waits for the old address, and a shop that was away
 * so long that it was disabled is told again. Null: the merchant has filled all places with endpoints of their own.
 */
export async function registerShopEndpoint(
  db: Db,
  shop: { readonly apiKey: string; readonly url: string; readonly webhookKey: string },
): Promise<string | null> {
  const client = await findApiClient(db, shop.apiKey);
  if (!client) throw new Error("the demo shop's API key is unknown");
  const owner: EndpointOwner = { merchantId: client.merchant.id, test: client.test };
  const found = (await listEndpoints(db, owner)).find(({ description }) => description === DESCRIPTION);
  const endpoint = found
    ? await changeEndpoint(db, owner, found.id, { url: shop.url, disabled: false })
    : await addEndpoint(db, owner, { url: shop.url, events: [], description: DESCRIPTION });
  return endpoint && webhookSecret(shop.webhookKey, { id: endpoint.id, version: endpoint.secretVersion });
}

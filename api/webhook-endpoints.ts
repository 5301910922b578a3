import { PublicError } from "../core/errors.ts";
import { parseTransactionId } from "../core/transaction-id.ts";
import { webhookSecret } from "../core/webhook-secret.ts";
import {
  addEndpoint,
  changeEndpoint,
  type Endpoint,
  type EndpointOwner,
  findEndpoint,
  listEndpoints,
  removeEndpoint,
  rotateSecret,
} from "../db/webhook-endpoints.ts";
import type { Scope } from "./quotes.ts";
import { refusedField } from "./refusal.ts";
import type { EndpointChanges, EndpointView, NewEndpoint } from "./webhook-schemas.ts";
import { addressesOf, readWebhookUrl, type WebhookReach } from "./webhook-target.ts";

/** Where webhooks may go, and the key from which each endpoint's secret is derived. */
export interface WebhookSettings {
  readonly key: string;
  readonly reach: WebhookReach;
}

/** What these functions are asked for: a key's merchant and mode. */
export interface WebhookScope extends Scope {
  readonly webhooks: WebhookSettings;
}

type EndpointWithSecret = EndpointView & { readonly secret: string };

/** Adds an endpoint and answers its secret, the only time but for a rotation. Throws a PublicError as refusal. */
export async function createEndpoint(scope: WebhookScope, wish: NewEndpoint): Promise<EndpointWithSecret> {
  const url = await allowedUrl(scope, wish.url);
  const { events, description } = wish;
  const added = await addEndpoint(scope.db, ownerOf(scope), {
    url,
    events: [...new Set(events)],
    description: description ?? null,
  });
  if (!added) throw new PublicError("webhook_endpoints_exhausted");
  return withSecret(scope, added);
}

export async function endpointsOf(scope: WebhookScope): Promise<{ data: EndpointView[] }> {
  const endpoints = await listEndpoints(scope.db, ownerOf(scope));
  return { data: endpoints.map((endpoint) => viewEndpoint(scope, endpoint)) };
}

export async function checkEndpoint(scope: WebhookScope, id: string): Promise<EndpointView> {
  return viewEndpoint(scope, await ownEndpoint(scope, id));
}

export async function updateEndpoint(scope: WebhookScope, id: string, wish: EndpointChanges): Promise<EndpointView> {
  const { url, events, description, disabled } = wish;
  const own = await ownEndpoint(scope, id);
  const changed = await changeEndpoint(scope.db, ownerOf(scope), own.id, {
    ...(url === undefined ? {} : { url: await allowedUrl(scope, url) }),
    ...(events === undefined ? {} : { events: [...new Set(events)] }),
    ...(description === undefined ? {} : { description }),
    disabled,
  });
  return viewEndpoint(scope, known(changed));
}

export async function deleteEndpoint(scope: WebhookScope, id: string): Promise<void> {
  if (!(await removeEndpoint(scope.db, ownerOf(scope), endpointId(id))))
    throw new PublicError("webhook_endpoint_unknown");
}

/** A new secret; the one before it signs along for some time, so that no event is refused while the shop changes over. */
export async function rotateEndpointSecret(scope: WebhookScope, id: string): Promise<EndpointWithSecret> {
  return withSecret(scope, known(await rotateSecret(scope.db, ownerOf(scope), endpointId(id))));
}

/** One of the client's endpoints; another merchant's, or the other mode's, is as unknown as one that never was. */
export async function ownEndpoint(scope: WebhookScope, text: string): Promise<Endpoint> {
  return known(await findEndpoint(scope.db, ownerOf(scope), endpointId(text)));
}

function endpointId(text: string): string {
  const id = parseTransactionId(text); // a UUID, too
  if (id === null) throw new PublicError("webhook_endpoint_unknown");
  return id;
}

/** The same, if anything can be sent to it. */
export async function enabledEndpoint(scope: WebhookScope, id: string): Promise<Endpoint> {
  const endpoint = await ownEndpoint(scope, id);
  if (endpoint.disabledAt) throw new PublicError("webhook_endpoint_disabled");
  return endpoint;
}

function known(endpoint: Endpoint | null): Endpoint {
  if (!endpoint) throw new PublicError("webhook_endpoint_unknown");
  return endpoint;
}

function ownerOf({ client }: WebhookScope): EndpointOwner {
  return { merchantId: client.merchant.id, test: client.test };
}

/** Looked at now, so that a mistake is told where it is made; each attempt looks again. */
async function allowedUrl({ webhooks }: WebhookScope, text: string): Promise<string> {
  const refuse = (message: string) => refusedField("webhook_url_invalid", "/url", message);
  const url = readWebhookUrl(text, webhooks.reach);
  if ("wrong" in url) throw refuse(url.wrong);
  const addresses = await addressesOf(url, webhooks.reach);
  if (!("wrong" in addresses)) return url.href;
  throw refuse(
    addresses.wrong === "host_unknown"
      ? "must have a host that name servers know"
      : "must not lead to a private or special address",
  );
}

function withSecret(scope: WebhookScope, endpoint: Endpoint): EndpointWithSecret {
  const secret = webhookSecret(scope.webhooks.key, { id: endpoint.id, version: endpoint.secretVersion });
  return { ...viewEndpoint(scope, endpoint), secret };
}

function viewEndpoint({ client }: WebhookScope, endpoint: Endpoint): EndpointView {
  const { previousSecretUntil } = endpoint;
  return {
    id: endpoint.id,
    url: endpoint.url,
    events: [...endpoint.events],
    description: endpoint.description,
    test: client.test,
    createdAt: endpoint.createdAt.toISOString(),
    previousSecretUntil: previousSecretUntil?.toISOString() ?? null,
    failingSince: endpoint.failingSince?.toISOString() ?? null,
    disabledAt: endpoint.disabledAt?.toISOString() ?? null,
    disabledReason: endpoint.disabledReason,
  };
}

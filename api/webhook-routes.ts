import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { answers } from "./answers.ts";
import { clientOf } from "./authentication.ts";
import { ANY_BODY_CODES, ANY_ROUTE_CODES, problemAnswers } from "./problem.ts";
import { checkDelivery, pageDeliveries, redeliverOne, sendTest } from "./webhook-deliveries.ts";
import {
  checkEndpoint,
  createEndpoint,
  deleteEndpoint,
  endpointsOf,
  rotateEndpointSecret,
  updateEndpoint,
  type WebhookScope,
} from "./webhook-endpoints.ts";
import {
  deliveriesQuery,
  deliveriesSchema,
  deliveryInFullSchema,
  deliveryParameters,
  deliverySchema,
  endpointChangesSchema,
  endpointParameters,
  endpointSchema,
  endpointsSchema,
  endpointWithSecretSchema,
  newEndpointSchema,
} from "./webhook-schemas.ts";

const tags = ["Webhooks"];
const ROOT = "/webhook-endpoints";

/** Where a merchant is told what happens, and what was sent there. */
export async function webhookRoutes(app: FastifyInstance, options: Omit<WebhookScope, "client">): Promise<void> {
  const typed = app.withTypeProvider<ZodTypeProvider>();
  const scopeOf = (request: FastifyRequest): WebhookScope => ({ ...options, client: clientOf(request) });

  typed.post(ROOT, { schema: createSchema }, async (request, reply) => {
    const made = await createEndpoint(scopeOf(request), request.body);
    return reply.code(201).header("location", `${options.baseUrl}/v1${ROOT}/${made.id}`).send(made);
  });
  typed.get(ROOT, { schema: listSchema }, async (request) => endpointsOf(scopeOf(request)));
  typed.get(`${ROOT}/:id`, { schema: checkSchema }, async (request) =>
    checkEndpoint(scopeOf(request), request.params.id),
  );
  typed.patch(`${ROOT}/:id`, { schema: changeSchema }, async (request) =>
    updateEndpoint(scopeOf(request), request.params.id, request.body),
  );
  typed.delete(`${ROOT}/:id`, { schema: deleteSchema }, async (request, reply) => {
    await deleteEndpoint(scopeOf(request), request.params.id);
    return reply.code(204).send(null);
  });
  typed.post(`${ROOT}/:id/rotate-secret`, { schema: rotateSchema }, async (request) =>
    rotateEndpointSecret(scopeOf(request), request.params.id),
  );
  typed.post(`${ROOT}/:id/test`, { schema: testSchema }, async (request, reply) =>
    reply.code(202).send(await sendTest(scopeOf(request), request.params.id)),
  );
  typed.get(`${ROOT}/:id/deliveries`, { schema: deliveriesOfSchema }, async (request) =>
    pageDeliveries(scopeOf(request), request.params.id, request.query),
  );
  typed.get(`${ROOT}/:id/deliveries/:delivery`, { schema: deliveryOfSchema }, async (request) =>
    checkDelivery(scopeOf(request), request.params.id, request.params.delivery),
  );
  typed.post(`${ROOT}/:id/deliveries/:delivery/redeliver`, { schema: redeliverSchema }, async (request, reply) =>
    reply.code(202).send(await redeliverOne(scopeOf(request), request.params.id, request.params.delivery)),
  );
}

const createSchema = {
  operationId: "createWebhookEndpoint",
  tags,
  summary: "Add a webhook endpoint",
  description: "The answer holds the secret with which its messages are signed. It isn't shown again.",
  body: newEndpointSchema,
  response: answers(201, "It is told from now on.", endpointWithSecretSchema, [
    ...ANY_BODY_CODES,
    "webhook_url_invalid",
    "webhook_endpoints_exhausted",
  ]),
} as const;

const listSchema = {
  operationId: "listWebhookEndpoints",
  tags,
  summary: "List webhook endpoints",
  response: answers(200, "All of them.", endpointsSchema, []),
} as const;

const checkSchema = {
  operationId: "checkWebhookEndpoint",
  tags,
  summary: "Check a webhook endpoint",
  params: endpointParameters,
  response: answers(200, "As it is now.", endpointSchema, ["webhook_endpoint_unknown"]),
} as const;

const changeSchema = {
  operationId: "changeWebhookEndpoint",
  tags,
  summary: "Change, disable or enable a webhook endpoint",
  description: "What is left out stays as it is. What waits for a disabled endpoint is dropped soon.",
  params: endpointParameters,
  body: endpointChangesSchema,
  response: answers(200, "As it is now.", endpointSchema, [
    ...ANY_BODY_CODES,
    "webhook_url_invalid",
    "webhook_endpoint_unknown",
  ]),
} as const;

const deleteSchema = {
  operationId: "deleteWebhookEndpoint",
  tags,
  summary: "Delete a webhook endpoint",
  params: endpointParameters,
  response: {
    ...problemAnswers([...ANY_ROUTE_CODES, "webhook_endpoint_unknown"]),
    204: z.null().describe("It is gone."),
  } as { readonly 204: z.ZodNull },
} as const;

const rotateSchema = {
  operationId: "rotateWebhookSecret",
  tags,
  summary: "Give a webhook endpoint a new secret",
  description: "For 24 hours messages are signed with the secret before it, too.",
  params: endpointParameters,
  response: answers(200, "With its new secret.", endpointWithSecretSchema, ["webhook_endpoint_unknown"]),
} as const;

const testSchema = {
  operationId: "testWebhookEndpoint",
  tags,
  summary: "Send a test event",
  description: "`endpoint.test` goes the way of every event, once. Look at its delivery to see what came of it.",
  params: endpointParameters,
  response: answers(202, "It is on its way.", deliverySchema, [
    "webhook_endpoint_unknown",
    "webhook_endpoint_disabled",
  ]),
} as const;

const deliveriesOfSchema = {
  operationId: "listWebhookDeliveries",
  tags,
  summary: "List deliveries, newest first",
  description: "For the next page, send the last id as `startingAfter`, until `hasMore` is false. Kept for 30 days.",
  params: endpointParameters,
  querystring: deliveriesQuery,
  response: answers(200, "A page of them.", deliveriesSchema, ["field_invalid", "webhook_endpoint_unknown"]),
} as const;

const deliveryOfSchema = {
  operationId: "checkWebhookDelivery",
  tags,
  summary: "Check a delivery",
  params: deliveryParameters,
  response: answers(200, "What was sent, and every attempt.", deliveryInFullSchema, [
    "webhook_endpoint_unknown",
    "webhook_delivery_unknown",
  ]),
} as const;

const redeliverSchema = {
  operationId: "redeliverWebhook",
  tags,
  summary: "Send a delivery again",
  description: "Whatever came of it, and with the same webhook-id: a receiver that has it already can tell.",
  params: deliveryParameters,
  response: answers(202, "It is on its way.", deliverySchema, [
    "webhook_endpoint_unknown",
    "webhook_delivery_unknown",
    "webhook_endpoint_disabled",
  ]),
} as const;

import { z } from "zod";
import { WEBHOOK_EVENTS } from "../core/webhook-event.ts";
import { DESCRIPTION_LENGTH_MAX, ID_LENGTH_MAX, lineOfText, momentField, pageLimitField, urlField } from "./fields.ts";

const eventsField = z.array(z.enum(WEBHOOK_EVENTS)).max(WEBHOOK_EVENTS.length);
const descriptionField = lineOfText(DESCRIPTION_LENGTH_MAX);

/** POST /v1/webhook-endpoints */
export const newEndpointSchema = z
  .strictObject({
    url: urlField.describe("An https address that the public Internet reaches."),
    events: eventsField.nullish().describe("What to tell; empty or left out, all but `transaction.pulsed`."),
    description: descriptionField.nullish(),
  })
  .meta({
    examples: [{ url: "https://shop.example/webhooks", events: ["transaction.paid", "transaction.paid_late"] }],
  });
export type NewEndpoint = z.infer<typeof newEndpointSchema>;

/** PATCH /v1/webhook-endpoints/{id} */
export const endpointChangesSchema = z
  .strictObject({
    url: urlField.optional(),
    events: eventsField.optional(),
    description: descriptionField.nullable().optional(),
    disabled: z.boolean().optional().describe("False takes up again what was turned off, by you or by failures."),
  })
  .meta({ examples: [{ events: [], disabled: false }] });
export type EndpointChanges = z.infer<typeof endpointChangesSchema>;

/** An endpoint as its merchant reads it. */
export const endpointSchema = z
  .object({
    id: z.string(),
    url: z.string(),
    events: z.array(z.string()).describe("Empty: all but `transaction.pulsed`."),
    description: z.string().nullable(),
    test: z.boolean().describe("Told of test transactions, or of real ones: the mode of the key that made it."),
    createdAt: momentField,
    previousSecretUntil: momentField
      .nullable()
      .describe("Until then both secrets sign, the new one and that before it."),
    failingSince: momentField
      .nullable()
      .describe(
        "Since then no attempt has succeeded. After five days of it, the next delivery that runs out of attempts disables the endpoint.",
      ),
    disabledAt: momentField.nullable(),
    disabledReason: z
      .enum(["gone", "failing", "merchant"])
      .nullable()
      .describe("It answered 410; it failed for five days; or you turned it off."),
  })
  .meta({ id: "WebhookEndpoint" });
export type EndpointView = z.infer<typeof endpointSchema>;

export const endpointWithSecretSchema = endpointSchema
  .extend({ secret: z.string().describe("`whsec_…`, shown this once: keep it.") })
  .meta({ id: "WebhookEndpointWithSecret" });

export const endpointsSchema = z.object({ data: z.array(endpointSchema).describe("Oldest first.") });

export const endpointParameters = z.object({ id: z.string().max(ID_LENGTH_MAX) });
export const deliveryParameters = endpointParameters.extend({ delivery: z.string().max(ID_LENGTH_MAX) });

const deliveryStatus = z.enum(["pending", "delivered", "failed", "dropped"]);

/** GET /v1/webhook-endpoints/{id}/deliveries?… */
export const deliveriesQuery = z.strictObject({
  status: deliveryStatus.optional(),
  limit: pageLimitField,
  startingAfter: z
    .string()
    .regex(/^[0-9]{1,15}$/, "the id of a delivery")
    .transform(Number)
    .optional()
    .describe("The last id of the page before."),
});
export type DeliveriesQuery = z.infer<typeof deliveriesQuery>;

/** What is posted to an endpoint. */
export const eventSchema = z
  .object({
    type: z.string(),
    timestamp: momentField.describe("When it happened."),
    sequence: z.int().describe("Grows. Of two events of one transaction the greater one tells the later state."),
    data: z
      .record(z.string(), z.unknown())
      .describe(
        "The transaction as it was then, in the fields of Transaction without `calls`, `code`, `accessCode` and `renewedBy`.",
      ),
  })
  .meta({ id: "WebhookEvent" });
export type EventView = z.infer<typeof eventSchema>;

/** One event on its way to one endpoint. */
export const deliverySchema = z
  .object({
    id: z.string(),
    webhookId: z.string().describe("The header webhook-id: the same at each attempt."),
    type: z.string(),
    sequence: z.int(),
    transaction: z.string().nullable().describe("The id of the transaction it is about."),
    status: deliveryStatus.describe(
      "`failed`: every attempt of the schedule failed; `dropped`: it waited for an endpoint that was disabled.",
    ),
    attemptCount: z.int(),
    createdAt: momentField,
    nextAttemptAt: momentField.nullable(),
    settledAt: momentField.nullable(),
  })
  .meta({ id: "WebhookDelivery" });

export const deliveriesSchema = z.object({
  data: z.array(deliverySchema).describe("Newest first."),
  hasMore: z.boolean(),
});

export const deliveryInFullSchema = deliverySchema
  .extend({
    event: eventSchema,
    attempts: z
      .array(
        z.object({
          number: z.int(),
          at: momentField,
          durationMs: z.int(),
          status: z.int().nullable().describe("What your server answered."),
          error: z.string().nullable().describe("Why there was no answer, or no whole one."),
          answer: z.string().describe("How the answer began."),
        }),
      )
      .describe("Oldest first."),
  })
  .meta({ id: "WebhookDeliveryInFull" });

import { z } from "zod";
import {
  accessDaysField,
  amountField,
  currencyField,
  DESCRIPTION_LENGTH_MAX,
  donationField,
  ID_LENGTH_MAX,
  ITEMS_MAX,
  itemField,
  languageField,
  lineOfText,
  metadataField,
  momentField,
  numberField,
  pageLimitField,
  referenceField,
  urlField,
} from "./fields.ts";
import { numberSchema } from "./numbers.ts";

const statusSchema = z.enum(["open", "calling", "paid", "confirmed", "redeemed", "expired", "cancelled"]);
const exceptionSchema = z.enum(["none", "underpaid", "paid_late", "overpaid"]);

/** POST /v1/transactions */
export const newTransactionSchema = z
  .strictObject({
    amount: amountField.describe("In rappen: CHF 9.90 is 990."),
    currency: currencyField,
    description: lineOfText(DESCRIPTION_LENGTH_MAX).describe("What is paid for; the shopper reads it."),
    items: z.array(itemField).max(ITEMS_MAX).nullish().describe("Their amounts sum up to `amount`."),
    reference: referenceField
      .nullish()
      .describe("Your own id. Only one open transaction at a time can have it, so a double click opens one."),
    returnUrl: urlField.describe("Where the shopper goes after paying, with the id in the query (`?transaction=…`)."),
    cancelUrl: urlField.nullish().describe("Where the shopper goes when they give up; without it, to returnUrl."),
    language: languageField.nullish().describe("Of the pay page; without it the browser's."),
    accessDays: accessDaysField.nullish().describe("Days for which the payment is a pass."),
    renews: z
      .string()
      .min(1)
      .max(ID_LENGTH_MAX)
      .nullish()
      .describe("Id of a paid pass of yours that this one prolongs; with `accessDays`."),
    donation: donationField
      .nullish()
      .describe(
        "The shopper chooses the amount within these limits; `amount` is what the page proposes. Without `items`.",
      ),
    number: numberField.nullish().describe("One of your Smart Numbers; without it the one that fits best."),
    metadata: metadataField.nullish().describe("Comes back as it is; the shopper never sees it."),
  })
  .meta({
    examples: [
      {
        amount: 990,
        currency: "CHF",
        description: "Album « Nuit claire »",
        reference: "order-1001",
        returnUrl: "https://shop.example/paid",
        cancelUrl: "https://shop.example/basket",
      },
    ],
  });
export type NewTransaction = z.infer<typeof newTransactionSchema>;

/** A transaction as merchants read it. */
export const transactionSchema = z
  .object({
    id: z.string(),
    status: statusSchema,
    exception: exceptionSchema,
    amount: z.int().describe("What you asked, in rappen."),
    total: z.int().describe("What the line is billed in all."),
    currency: currencyField,
    billed: z.int().describe("What the line was billed so far."),
    remaining: z.int().describe("What is missing until it is paid."),
    payUrl: z.string().describe("Send the shopper here."),
    number: numberSchema,
    calls: z.int().describe("How many calls it takes, those already made included."),
    expectedSeconds: z.int().describe("How long the (next) call lasts."),
    code: z
      .object({ value: z.string(), expiresAt: momentField })
      .nullable()
      .describe("The code that pays now; null until the shopper opens the pay page, and while or after it is used."),
    expiresAt: momentField,
    resumableUntil: momentField.describe("Until then an expired transaction can be taken up again by its id."),
    accessUntil: momentField
      .nullable()
      .describe("When this pass ends, once it is paid; renewals of it have their own."),
    accessCode: z
      .string()
      .nullable()
      .describe(
        "Twelve digits in groups of four that open the pass at /access; null without a pass, and until it is paid.",
      ),
    renews: z.string().nullable().describe("The pass that this one prolongs."),
    renewedBy: z.string().nullable().describe("The paid renewal of this pass."),
    donation: z
      .object({
        minimum: z.int(),
        maximum: z.int(),
        suggestions: z.array(z.int()),
        chosenAt: momentField.nullable().describe("When the shopper chose `amount`; null until they have."),
      })
      .nullable(),
    test: z.boolean(),
    reference: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    description: z.string(),
    items: z.array(z.object({ description: z.string(), quantity: z.int(), amount: z.int() })),
    language: languageField.nullable(),
    accessDays: z.int(),
    returnUrl: z.string(),
    cancelUrl: z.string().nullable(),
    createdAt: momentField,
    paidAt: momentField.nullable(),
    confirmedAt: momentField.nullable(),
    redeemedAt: momentField.nullable(),
    redeemedBy: z.string().nullable().describe("Name of the key that redeemed."),
    cancelledAt: momentField.nullable(),
  })
  .meta({ id: "Transaction", examples: [transactionExample()] });
export type TransactionView = z.infer<typeof transactionSchema>;

export const idParameters = z.object({
  id: z.string().describe("32 hex digits, with or without dashes, in any case."),
});

/** GET /v1/transactions?… */
export const listQuery = z.strictObject({
  status: statusSchema.optional(),
  reference: referenceField.optional(),
  limit: pageLimitField,
  startingAfter: z.string().max(ID_LENGTH_MAX).optional().describe("The last id of the page before."),
});
export type ListQuery = z.infer<typeof listQuery>;

export const pageSchema = z.object({
  data: z.array(transactionSchema).describe("Newest first."),
  hasMore: z.boolean(),
});

export const eventsSchema = z.object({
  data: z
    .array(
      z.object({
        id: z.string(),
        type: z.string(),
        createdAt: momentField,
        data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
      }),
    )
    .describe("Everything that happened, oldest first."),
});

function transactionExample(): Record<string, unknown> {
  return {
    id: "3F2504E0-4F89-41D3-9A0C-0305E82C3301",
    status: "open",
    exception: "none",
    amount: 990,
    total: 990,
    currency: "CHF",
    billed: 0,
    remaining: 990,
    payUrl: "https://pay.example/pay/3F2504E0-4F89-41D3-9A0C-0305E82C3301",
    number: { national: "0900 900 904", e164: "+41900900904", tel: "tel:+41900900904", priceText: "CHF 1.20/min" },
    calls: 1,
    expectedSeconds: 491,
    code: null,
    expiresAt: "2026-03-02T10:30:00.000Z",
    resumableUntil: "2026-03-09T10:00:00.000Z",
    accessUntil: null,
    accessCode: null,
    renews: null,
    renewedBy: null,
    donation: null,
    test: true,
    reference: "order-1001",
    metadata: {},
    description: "Album « Nuit claire »",
    items: [],
    language: null,
    accessDays: 0,
    returnUrl: "https://shop.example/paid",
    cancelUrl: "https://shop.example/basket",
    createdAt: "2026-03-02T10:00:00.000Z",
    paidAt: null,
    confirmedAt: null,
    redeemedAt: null,
    redeemedBy: null,
    cancelledAt: null,
  };
}

import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { GuessLimits } from "../core/guess-budget.ts";
import { checkAccess } from "./access.ts";
import { accessTries } from "./access-tries.ts";
import { answers } from "./answers.ts";
import { clientOf } from "./authentication.ts";
import { accessField } from "./fields.ts";
import { ANY_BODY_CODES } from "./problem.ts";
import type { Scope } from "./quotes.ts";
import { transactionSchema } from "./transaction-schemas.ts";

/** POST /v1/access/check */
const accessRequestSchema = z
  .strictObject({ access: accessField.describe("The transaction's id, or the access code of a paid pass.") })
  .meta({ examples: [{ access: "3F2504E0-4F89-41D3-9A0C-0305E82C3301" }] });

const accessSchema = z.object({
  valid: z.boolean().describe("Whether access stands open now."),
  reason: z
    .enum(["no_access", "not_paid", "cancelled", "expired"])
    .nullable()
    .describe("Why it doesn't; null where it does. `no_access`: the transaction was no pass."),
  accessUntil: z.iso.datetime().nullable().describe("When access ends, paid renewals included."),
  transaction: transactionSchema.describe("The one asked for; `renewedBy` names its renewal."),
});
export type AccessView = z.infer<typeof accessSchema>;

/** Whether a pass opens: asked by the merchant whenever a shopper comes back. */
export async function accessRoutes(
  app: FastifyInstance,
  options: Omit<Scope, "client"> & { readonly accessCodeGuesses: GuessLimits },
): Promise<void> {
  const tries = accessTries(options.accessCodeGuesses);
  app
    .withTypeProvider<ZodTypeProvider>()
    .post("/access/check", { schema: checkSchema }, async (request) =>
      tries.tryAccess(request, request.body.access, () =>
        checkAccess({ ...options, client: clientOf(request) }, request.body.access),
      ),
    );
}

const checkSchema = {
  operationId: "checkAccess",
  tags: ["Passes"],
  summary: "Check whether a pass opens",
  description:
    "By the transaction's id, or by the access code that its shopper sees. Asking doesn't use anything up, and redeeming doesn't close it.",
  body: accessRequestSchema,
  response: answers(200, "What it is worth now.", accessSchema, [...ANY_BODY_CODES, "access_unknown"]),
} as const;

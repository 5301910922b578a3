import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { answers } from "./answers.ts";
import { clientOf } from "./authentication.ts";
import { amountField, currencyField, languageField, numberField } from "./fields.ts";
import { numberSchema, numberView } from "./numbers.ts";
import { ANY_BODY_CODES } from "./problem.ts";
import { type NumberQuote, quoteAmount, type Scope, shortestSeconds } from "./quotes.ts";

const quoteWish = z
  .strictObject({ amount: amountField, number: numberField.nullish(), currency: currencyField.nullish() })
  .meta({ examples: [{ amount: 990 }] });

const quoteSchema = z
  .object({
    number: numberSchema,
    amount: z.int().describe("What you ask, in rappen."),
    total: z.int().describe("What the line will be billed: the amount rounded up to what the tariff can bill."),
    billedAtMost: z
      .int()
      .describe("What the phone bill may read at most: the caller's operator may round each call up (OST art. 39b)."),
    overshoot: z.int().describe("total − amount."),
    calls: z.int().describe("How many calls it takes; more than one only where one call can't bring the amount."),
    pulses: z.int().describe("How many billing steps that is."),
    expectedSeconds: z.int().describe("How long the first call lasts from answer to release."),
    shortestSeconds: z.int().describe("No call on this number pays sooner than this."),
    releaseWindow: z
      .object({ opensAtMs: z.int(), closesAtMs: z.int() })
      .describe("When the first call is released, in milliseconds since answer."),
  })
  .meta({ id: "Quote" });

const quotesAnswer = quoteSchema.extend({
  data: z.array(quoteSchema).describe("Every number that can bill the amount, best first; the first one stands above."),
});

const numbersAnswer = z.object({
  data: z.array(
    numberSchema.extend({
      language: languageField.describe("In which the number answers."),
      tariff: z.string(),
      shortestSeconds: z.int(),
    }),
  ),
});

/** What an amount would cost and last, and which numbers there are. */
export async function quoteRoutes(app: FastifyInstance, options: Omit<Scope, "client">): Promise<void> {
  const typed = app.withTypeProvider<ZodTypeProvider>();

  typed.post(
    "/quotes",
    {
      schema: {
        operationId: "quote",
        tags: ["Numbers and quotes"],
        summary: "What an amount would cost and last",
        description:
          "The best number does it in one call, then has the least overshoot, then the fewest calls and the shortest wait; a transaction takes it too when you name none.",
        body: quoteWish,
        response: answers(200, "The best number, and in `data` all of them.", quotesAnswer, [
          ...ANY_BODY_CODES,
          "amount_invalid",
          "amount_too_small",
          "amount_unreachable",
          "number_unknown",
          "currency_unsupported",
        ]),
      },
    },
    async (request) => {
      const { amount, number } = request.body;
      const quotes = await quoteAmount({ ...options, client: clientOf(request) }, { amountRappen: amount, number });
      return { ...quoteView(quotes[0]), data: quotes.map(quoteView) };
    },
  );

  typed.get(
    "/numbers",
    {
      schema: {
        operationId: "listNumbers",
        tags: ["Numbers and quotes"],
        summary: "Your Smart Numbers in service",
        response: answers(200, "All of them.", numbersAnswer, []),
      },
    },
    async (request) => {
      const numbers = await options.numbersOf(clientOf(request).merchant.id);
      return {
        data: numbers.map((number) => ({
          ...numberView(number.number, number.tariff.segments, number.language),
          language: number.language,
          tariff: number.tariff.name,
          shortestSeconds: shortestSeconds(number),
        })),
      };
    },
  );
}

function quoteView({ number, quote }: NumberQuote): z.infer<typeof quoteSchema> {
  return {
    number: numberView(number.number, number.tariff.segments, number.language),
    amount: quote.amountRappen,
    total: quote.totalRappen,
    billedAtMost: quote.billedAtMostRappen,
    overshoot: quote.overshootRappen,
    calls: quote.calls,
    pulses: quote.pulses,
    expectedSeconds: quote.expectedSeconds,
    shortestSeconds: shortestSeconds(number),
    releaseWindow: { opensAtMs: quote.window.opensAtMs, closesAtMs: quote.window.closesAtMs },
  };
}

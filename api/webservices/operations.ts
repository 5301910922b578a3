import { z } from "zod";
import { ID_LENGTH_MAX } from "../fields.ts";
import type { Scope } from "../quotes.ts";
import { refusalOfIssues } from "../refusal.ts";
import { newTransactionSchema, type TransactionView } from "../transaction-schemas.ts";
import { checkTransaction, createTransaction, redeemTransaction } from "../transactions.ts";
import { type ObjectShape, shapeOf } from "../xml-shape.ts";
import { credentialFields, type SignedIn } from "./sign-in.ts";

/** Values by parameter, in the form in which JSON would have brought them. */
export type Parameters = Readonly<Record<string, unknown>>;
export type Service = Omit<Scope, "client">;

/** Something that an operation changes, and by what it is known when it is asked for again. */
export interface Change {
  readonly scope: Scope;
  readonly operation: string;
  readonly sent: unknown;
  readonly perform: (scope: Scope) => Promise<TransactionView>;
}

export interface Requested {
  readonly parameters: Parameters;
  /** Makes a change; once for each Idempotency-Key. */
  readonly once: (change: Change) => Promise<TransactionView>;
}

export interface Operation {
  readonly name: string;
  readonly summary: string;
  readonly parameters: ObjectShape;
  readonly run: (service: Service, signedIn: SignedIn, requested: Requested) => Promise<TransactionView>;
}

const order = newTransactionSchema.shape;
/** For who signs in by password; last of all parameters, so that clients made before it was there go on. */
const test = z.boolean().nullish();
const ofOne = z.object({ id: z.string().max(ID_LENGTH_MAX), test });
const ofNew = z.object({
  amount: order.amount,
  currency: order.currency,
  description: order.description,
  reference: order.reference,
  returnUrl: order.returnUrl,
  cancelUrl: order.cancelUrl,
  language: order.language,
  accessDays: order.accessDays,
  number: order.number,
  test,
});

/** What sets the mode, for people. */
export const MODES =
  "A key sets the mode; by password a call is live unless test is true, and transactions of the other mode are unknown to it.";

/** What the service can do; the parameters are those of REST, as far as a flat list can hold them. */
export const OPERATIONS: readonly Operation[] = [
  operation("CreateTransaction", "Opens a transaction. Send the shopper to payUrl.", ofNew, async (scope, wish) => {
    const { test: _mode, ...rest } = wish;
    return createTransaction(scope, rest);
  }),
  operation("CheckTransaction", "Tells how a transaction stands.", ofOne, async (scope, { id }) =>
    checkTransaction(scope, id),
  ),
  operation(
    "RedeemTransaction",
    "Consumes a paid transaction, once. Deliver when it succeeds.",
    ofOne,
    async (scope, { id }) => redeemTransaction(scope, id),
  ),
];

type Wish = Readonly<z.infer<typeof ofOne>> | Readonly<z.infer<typeof ofNew>>;

function operation<W extends Wish>(
  name: string,
  summary: string,
  wishes: z.ZodObject & z.ZodType<W>,
  run: (scope: Scope, wish: W) => Promise<TransactionView>,
): Operation {
  const schema = z.strictObject({ ...credentialFields, ...wishes.shape });
  return {
    name,
    summary,
    parameters: shapeOf(schema) as ObjectShape,
    async run(service, signedIn, { parameters, once }) {
      const wish = parse(wishes, parse(schema, withoutEmpty(parameters)));
      // A password opens both modes: without a word it is the live one, where nobody's play is money.
      const mode = signedIn.test ?? wish.test ?? false;
      const scope = { ...service, client: { merchant: signedIn.merchant, keyName: signedIn.name, test: mode } };
      if (name === "CheckTransaction") return run(scope, wish);
      const { test: _mode, ...sent } = wish; // the mode is that of the client already
      return once({ scope, operation: name, sent, perform: (within) => run(within, wish) });
    },
  };
}

/** Old tool kits send every parameter that there is, and nothing in those that they don't mean. */
function withoutEmpty(parameters: Parameters): Parameters {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ""));
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw refusalOfIssues(parsed.error);
  return parsed.data;
}

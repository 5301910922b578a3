import { PublicError } from "../core/errors.ts";
import { type QuoteOnNumber, quotesOn } from "../core/number-choice.ts";
import { SHORTEST_CALL_SECONDS } from "../core/quote.ts";
import { parseSmartNumber } from "../core/smart-number.ts";
import type { Db } from "../db/database.ts";
import type { Client } from "../db/merchants.ts";
import type { NumberInService } from "../db/numbers.ts";

/** Who asks: a merchant and a mode, the database, and the address under which shoppers reach us. */
export interface Scope {
  readonly db: Db;
  readonly client: Client;
  readonly baseUrl: string;
  /** A merchant's numbers in service. */
  readonly numbersOf: (merchantId: number) => Promise<readonly NumberInService[]>;
}

/** A number and what an amount means on it. */
export type NumberQuote = QuoteOnNumber<NumberInService>;

/**
 * What an amount would be on each of the merchant's numbers in service that can bill it, best first. With `number` (any
 * form parseSmartNumber reads) only on that one; with `alsoRappen` only where these can be billed, too. Never empty:
 * throws the refusal where no number can bill it.
 */
export async function quoteAmount(
  scope: Scope,
  wish: {
    readonly amountRappen: number;
    readonly alsoRappen?: readonly number[];
    readonly number?: string | null | undefined;
  },
): Promise<readonly [NumberQuote, ...NumberQuote[]]> {
  const numbers = await scope.numbersOf(scope.client.merchant.id);
  const asked = wish.number ? [numberNamed(numbers, wish.number)] : numbers;
  const { quotes, tooSmall } = quotesOn(asked, wish);
  const [best, ...others] = quotes;
  if (best) return [best, ...others];
  const message = tooSmall ? "is too small for your numbers" : "can't be billed by your numbers";
  throw new PublicError(tooSmall ? "amount_too_small" : "amount_unreachable", undefined, {
    fields: [{ path: wish.alsoRappen ? "/donation" : "/amount", message }],
  });
}

/** The shortest call that can pay on this number, in seconds. */
export function shortestSeconds(number: NumberInService): number {
  return number.codeBeforeAnswer ? 0 : SHORTEST_CALL_SECONDS;
}

function numberNamed(numbers: readonly NumberInService[], text: string): NumberInService {
  const wanted = parseSmartNumber(text);
  const found = numbers.find(({ number }) => number === wanted);
  if (found) return found;
  throw new PublicError("number_unknown", undefined, {
    fields: [{ path: "/number", message: "isn't one of your numbers in service" }],
  });
}

import type { Rappen } from "./money.ts";
import { type Quote, quote } from "./quote.ts";
import type { Segment } from "./tariff.ts";
import type { TrunkBilling } from "./trunk.ts";

/** What a Smart Number has to tell before it is known what an amount means on it. */
interface Billable {
  readonly codeBeforeAnswer: boolean;
  readonly tariff: { readonly segments: readonly Segment[] };
  readonly trunk: TrunkBilling;
}

export interface QuoteOnNumber<Numbered> {
  readonly number: Numbered;
  readonly quote: Quote;
}

/**
 * What an amount would be on each of the numbers that can bill it, best first: in one call rather than several, least
 * overshoot, fewest calls, shortest wait. With `alsoRappen` only on those that can bill these amounts, too.
 */
export function quotesOn<Numbered extends Billable>(
  numbers: readonly Numbered[],
  wish: { readonly amountRappen: Rappen; readonly alsoRappen?: readonly Rappen[] },
): { readonly quotes: readonly QuoteOnNumber<Numbered>[]; readonly tooSmall: boolean } {
  const quotes: QuoteOnNumber<Numbered>[] = [];
  let tooSmall = false;
  for (const number of numbers) {
    const { codeBeforeAnswer, tariff, trunk } = number;
    const line = { segments: tariff.segments, codeBeforeAnswer, trunk };
    const first = quote({ ...line, amountRappen: wish.amountRappen });
    const answers = [first, ...(wish.alsoRappen ?? []).map((amountRappen) => quote({ ...line, amountRappen }))];
    const refused = answers.find((answer) => "refusal" in answer);
    if (refused) tooSmall ||= refused.refusal === "amount_too_small";
    else if (!("refusal" in first)) quotes.push({ number, quote: first });
  }
  return { quotes: quotes.sort(bestFirst), tooSmall };
}

function bestFirst({ quote: a }: { readonly quote: Quote }, { quote: b }: { readonly quote: Quote }): number {
  return (
    Number(a.calls > 1) - Number(b.calls > 1) ||
    a.overshootRappen - b.overshootRappen ||
    a.calls - b.calls ||
    a.waitSeconds - b.waitSeconds
  );
}

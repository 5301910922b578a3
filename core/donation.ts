import type { Rappen } from "./money.ts";
import { quote } from "./quote.ts";
import type { Terms, Transaction } from "./transaction.ts";
import { type Transition, whyNotPayable } from "./transitions.ts";

/** Amounts that one page offers besides the giver's own. */
export const SUGGESTIONS_MAX = 6;

/** A payment whose amount the shopper chooses, from the minimum to the maximum. */
export interface Donation {
  readonly minimumRappen: Rappen;
  readonly maximumRappen: Rappen;
  /** Offered in this order; may be none. */
  readonly suggestionsRappen: readonly Rappen[];
}

export function isWithin({ minimumRappen, maximumRappen }: Donation, amountRappen: Rappen): boolean {
  return Number.isSafeInteger(amountRappen) && amountRappen >= minimumRappen && amountRappen <= maximumRappen;
}

/** Whether its giver can choose the amount now, for the first time or anew: until something is billed. */
export function mayChooseAmount(transaction: Transaction, now: Date): boolean {
  return whyFixed(transaction, now) === null;
}

/**
 * The giver chooses how much. The quote is made anew on the number's terms of now, so that what they agree to next is
 * the price of their call. Refused once anything is billed or a call is under way, and for what the number can't bill.
 */
export function chooseAmount(choice: Terms & { readonly tariffId: number; readonly amountRappen: Rappen }): Transition {
  return (transaction, now) => {
    const fixed = whyFixed(transaction, now);
    if (fixed) return { refusal: fixed };
    const { amountRappen, tariffId } = choice;
    if (!transaction.donation || !isWithin(transaction.donation, amountRappen)) return { refusal: "donation_limits" };
    const isSame = transaction.amountRappen === amountRappen && transaction.tariffId === tariffId;
    if (transaction.amountChosenAt && isSame) return null;
    const plan = quote(choice);
    if ("refusal" in plan) return { refusal: plan.refusal };
    const { totalRappen, expectedSeconds } = plan;
    return {
      next: { ...transaction, amountRappen, tariffId, totalRappen, expectedSeconds, amountChosenAt: now },
      event: "transaction.amount_chosen",
      data: { amountRappen, totalRappen },
    };
  };
}

function whyFixed(transaction: Transaction, now: Date) {
  const blocked = whyNotPayable(transaction, now);
  if (blocked && blocked !== "amount_not_chosen") return blocked;
  return transaction.donation && transaction.billedRappen === 0 ? null : "amount_fixed";
}

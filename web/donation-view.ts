import { mayChooseAmount } from "../core/donation.ts";
import { type Language, message } from "../core/messages.ts";
import { formatFrancs, formatMoney } from "../core/money.ts";
import type { PayFacts } from "./view-model.ts";

/** What a giver typed as their own amount, and what was wrong with it. */
export interface DonationChoice {
  readonly typed: string | null;
  readonly error: string | null;
}

/** The choice of an amount as its page shows it, and the thanks; null where the amount is the merchant's. */
export function donationView(
  { transaction, merchant, now, choice }: Pick<PayFacts, "transaction" | "merchant" | "now" | "choice">,
  language: Language,
) {
  const { donation, amountRappen } = transaction;
  if (!donation) return null;
  const { minimumRappen, maximumRappen, suggestionsRappen } = donation;
  const isSuggested = suggestionsRappen.includes(amountRappen);
  return {
    to: message(language, "donation.to", { merchant: merchant.name }),
    limits: message(language, "donation.limits", { min: formatMoney(minimumRappen), max: formatMoney(maximumRappen) }),
    suggestions: suggestionsRappen.map((rappen) => ({
      text: formatMoney(rappen),
      value: formatFrancs(rappen),
      isProposed: rappen === amountRappen,
    })),
    isSuggested,
    typed: choice?.typed ?? (isSuggested ? "" : formatFrancs(amountRappen)),
    error: choice?.error ?? null,
    isChangeable: transaction.amountChosenAt !== null && mayChooseAmount(transaction, now),
    taxNote: message(language, "donation.taxNote", { merchant: merchant.name }),
  };
}

import { type Donation, isWithin } from "../core/donation.ts";
import { refusedField } from "./refusal.ts";
import type { NewTransaction } from "./transaction-schemas.ts";

/** The limits within which the shopper will choose; null where the amount is the merchant's. Throws a PublicError as refusal. */
export function readDonation(wish: NewTransaction): Donation | null {
  if (!wish.donation) return null;
  const { minimum, maximum } = wish.donation;
  const suggestions = wish.donation.suggestions ?? [];
  const donation = { minimumRappen: minimum, maximumRappen: maximum, suggestionsRappen: suggestions };
  if (minimum > maximum) throw refusedField("donation_limits", "/donation/minimum", "is more than the maximum");
  if (!isWithin(donation, wish.amount))
    throw refusedField("donation_limits", "/amount", `isn't within ${minimum} to ${maximum}`);
  const wrong = suggestions.findIndex((amount) => !isWithin(donation, amount));
  if (wrong >= 0)
    throw refusedField("donation_limits", `/donation/suggestions/${wrong}`, `isn't within ${minimum} to ${maximum}`);
  if (!wish.items?.length) return donation;
  throw refusedField("field_invalid", "/items", "can't be listed where the shopper chooses the amount");
}

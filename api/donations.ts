import { type Donation, isWithin } from "../core/donation.ts";
import { PublicError } from "../core/errors.ts";
import type { NewTransaction } from "./transaction-schemas.ts";

/** The limits within which the shopper will choose; null where the amount is the merchant's. Throws a PublicError as refusal. */
export function readDonation(wish: NewTransaction): Donation | null {
  if (!wish.donation) return null;
  const { minimum, maximum } = wish.donation;
  const suggestions = wish.donation.suggestions ?? [];
  const donation = { minimumRappen: minimum, maximumRappen: maximum, suggestionsRappen: suggestions };
  if (minimum > maximum) throw outside("/donation/minimum", "is more than the maximum");
  if (!isWithin(donation, wish.amount)) throw outside("/amount", `isn't within ${minimum} to ${maximum}`);
  const wrong = suggestions.findIndex((amount) => !isWithin(donation, amount));
  if (wrong >= 0) throw outside(`/donation/suggestions/${wrong}`, `isn't within ${minimum} to ${maximum}`);
  if (!wish.items?.length) return donation;
  const message = "can't be listed where the shopper chooses the amount";
  throw new PublicError("field_invalid", `/items: ${message}.`, { fields: [{ path: "/items", message }] });
}

function outside(path: string, message: string): PublicError {
  return new PublicError("donation_limits", `${path}: ${message}.`, { fields: [{ path, message }] });
}

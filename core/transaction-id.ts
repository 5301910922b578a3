const FORM = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/i;

/** How many hex digits an id has; the resume page tells a shopper who typed another number of them. */
export const ID_DIGITS = 32;

/** Reads an id with or without dashes, in any case, with white space around it; the canonical form is upper case with dashes. */
export function parseTransactionId(text: string): string | null {
  const parts = FORM.exec(text.trim());
  return parts ? parts.slice(1).join("-").toUpperCase() : null;
}

/** A new id: 122 random bits from `randomUuid` (crypto.randomUUID), in canonical form. */
export function newTransactionId(randomUuid: () => string): string {
  return randomUuid().toUpperCase();
}

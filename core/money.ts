/** Money is a whole number of rappen (1/100 CHF) everywhere; nothing in the product holds francs as a fraction. */
export type Rappen = number;

/** The most that one transaction may ask: CHF 400, the most a Swiss 090x call may cost (OST art. 39). */
export const AMOUNT_MAX_RAPPEN: Rappen = 40_000;

/** «CHF 9.90», with a no-break space so that currency and figure never part. Thousands carry the Swiss apostrophe. */
export function formatMoney(amountRappen: Rappen): string {
  return `CHF\u00a0${formatFrancs(amountRappen)}`;
}

/** «9.90»: the figure alone, for table columns that name the currency in their head. */
export function formatFrancs(amountRappen: Rappen): string {
  if (!Number.isSafeInteger(amountRappen) || amountRappen < 0)
    throw new RangeError(`not an amount in rappen: ${amountRappen}`);
  const francs = Math.floor(amountRappen / 100);
  const rest = String(amountRappen % 100).padStart(2, "0");
  return `${String(francs).replace(/\B(?=(\d{3})+$)/g, "’")}.${rest}`;
}

const FRANCS = /^(?:CHF|Fr\.?)?([0-9]{1,7})(?:[.,](?:([0-9]{1,2})|[-–—]{1,2}))?$/i;

/** Reads francs as people in Switzerland write them («20», «12.50», «12,5», «CHF 1’000.–»); null when it isn't an amount. */
export function parseFrancs(text: string): Rappen | null {
  const parts = FRANCS.exec(text.replace(/[\s'’]/g, ""));
  return parts ? Number(parts[1]) * 100 + Number((parts[2] ?? "").padEnd(2, "0")) : null;
}

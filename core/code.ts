/**
 * The four digits that bind a caller to a transaction. Two codes that live on one Smart Number differ in at least two
 * digits, so that one slip of the finger never pays for a stranger. The database holds the same rule by four unique
 * indexes (db/migrations); this file only draws.
 */
export const CODE_DIGITS = 4;
const CODES = 10 ** CODE_DIGITS;

/** Most codes that live on one Smart Number at a time; distance 2 allows 1,000, and random draws about 750. */
export const CODES_LIVE_MAX = 500;

/** True when `value` has the form of a code: four digits. */
export function isCode(value: string): boolean {
  return /^[0-9]{4}$/.test(value);
}

/** In how many places two codes differ. */
export function codeDistance(a: string, b: string): number {
  let places = 0;
  for (let i = 0; i < CODE_DIGITS; i++) if (a[i] !== b[i]) places++;
  return places;
}

/**
 * A code at distance two or more from every one in `taken`, each free one equally likely, or null when the number is
 * full. `dice(n)` answers a whole number from 0 to n − 1 from a secure source.
 */
export function drawCode(taken: readonly string[], dice: (sides: number) => number): string | null {
  if (taken.length >= CODES_LIVE_MAX) return null;
  const barred = new Uint8Array(CODES);
  for (const code of taken) for (const near of neighbours(code)) barred[near] = 1;
  const free: number[] = [];
  for (let code = 0; code < CODES; code++) if (!barred[code]) free.push(code);
  const drawn = free.length === 0 ? undefined : free[dice(free.length)];
  return drawn === undefined ? null : String(drawn).padStart(CODE_DIGITS, "0");
}

function* neighbours(code: string): Generator<number> {
  const value = Number(code);
  yield value;
  for (let power = 1; power < CODES; power *= 10) {
    const digit = Math.floor(value / power) % 10;
    for (let other = 0; other < 10; other++) yield value + (other - digit) * power;
  }
}

/**
 * The twelve digits that open a pass. Unlike the four of a call they are valid for a month, and may be tried by anyone
 * on a page: see docs/decisions/0020.
 */
const ACCESS_CODE_DIGITS = 12;
const FORM = /^[0-9]{12}$/;

/** A random access code; `dice(n)` answers a whole number from 0 to n − 1 from a secure source. */
export function drawAccessCode(dice: (sides: number) => number): string {
  return String(dice(10 ** ACCESS_CODE_DIGITS)).padStart(ACCESS_CODE_DIGITS, "0");
}

/** Reads a code as people copy it, with blanks or dashes between its groups; null when it isn't one. */
export function parseAccessCode(text: string): string | null {
  const digits = text.replace(/[\s-]/g, "");
  return FORM.test(digits) ? digits : null;
}

/** «1234 5678 9012» */
export function formatAccessCode(code: string): string {
  return code.replace(/([0-9]{4})(?=[0-9])/g, "$1 ");
}

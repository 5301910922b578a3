// Control characters and half surrogates can't be stored, line separators break the line that a shopper reads, and
// direction overrides would let a text show something else than it says.
export const ONE_LINE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u202a-\u202e\u2066-\u2069]+$/u;
// Fillers count as letters, and the blank of braille as a symbol: they show nothing.
const SHOWS_SOMETHING = /(?![\u115f\u1160\u3164\uffa0\u2800])[\p{L}\p{N}\p{P}\p{S}]/u;
const MARKS_IN_A_ROW_MAX = 8;
const PILED_UP_MARKS = new RegExp(`\\p{M}{${MARKS_IN_A_ROW_MAX + 1},}`, "u");

/** Whether a person can read it: it shows something, and no pile of accents covers its neighbours. */
export function isReadable(text: string): boolean {
  return SHOWS_SOMETHING.test(text) && !PILED_UP_MARKS.test(text);
}

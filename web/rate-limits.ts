/** Limits per client address. Generous: behind one address of a mobile network stand thousands, and a shopper who reloads is no attacker. */
const MINUTE_MS = 60_000;

export const PAGE_VIEWS = { max: 6_000, timeWindow: MINUTE_MS } as const;
/** A PDF is made anew each time, and each takes a processor for a moment. */
export const RECEIPT_FILES = { max: 120, timeWindow: MINUTE_MS } as const;
/** Each renewal takes a code out of use for a while, so this one guards other shoppers. */
export const CODE_RENEWALS = { max: 60, timeWindow: MINUTE_MS } as const;
export const RESUME_TRIES = { max: 20, timeWindow: MINUTE_MS } as const;
/** A play takes a place on a voice server, so nobody needs many. */
export const PLAY_TRIES = { max: 60, timeWindow: MINUTE_MS } as const;
export const DECISIONS = { max: 600, timeWindow: MINUTE_MS } as const;
export const PROGRESS_OPENINGS = { max: 3_000, timeWindow: MINUTE_MS } as const;
export const UNKNOWN_IDS = { max: 30, timeWindow: MINUTE_MS } as const;
/** Whoever enters codes for others, or reloads, stays far below. */
export const ACCESS_TRIES = { max: 60, timeWindow: MINUTE_MS } as const;
/** Beyond these, an address's tries aren't even looked up: of a hundred a second, all but so many a minute are wasted. */
export const WRONG_ACCESS_TRIES = { max: 10, timeWindow: MINUTE_MS } as const;
/**
 * Wrong codes from all addresses together. Beyond, the page takes ids only, which nobody can guess. So many tries,
 * kept up for a month, find one of 100,000 passes; and it takes twenty addresses to get there.
 */
export const WRONG_ACCESS_CODES_OF_ALL = { max: 200, timeWindow: MINUTE_MS, keyGenerator: () => "all" } as const;

/** Limits per client address. Generous: families and offices share an address, and a shopper who reloads is no attacker. */
const MINUTE_MS = 60_000;

export const PAGE_VIEWS = { max: 600, timeWindow: MINUTE_MS } as const;
/** Each renewal takes a code out of use for a while, so this one guards other shoppers. */
export const CODE_RENEWALS = { max: 20, timeWindow: MINUTE_MS } as const;
export const RESUME_TRIES = { max: 20, timeWindow: MINUTE_MS } as const;
export const DECISIONS = { max: 60, timeWindow: MINUTE_MS } as const;
export const PROGRESS_OPENINGS = { max: 300, timeWindow: MINUTE_MS } as const;
export const UNKNOWN_IDS = { max: 30, timeWindow: MINUTE_MS } as const;

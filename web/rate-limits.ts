/** Limits per client address. Generous: behind one address of a mobile network stand thousands, and a shopper who reloads is no attacker. */
const MINUTE_MS = 60_000;

export const PAGE_VIEWS = { max: 6_000, timeWindow: MINUTE_MS } as const;
/** Each renewal takes a code out of use for a while, so this one guards other shoppers. */
export const CODE_RENEWALS = { max: 60, timeWindow: MINUTE_MS } as const;
export const RESUME_TRIES = { max: 20, timeWindow: MINUTE_MS } as const;
/** A play takes a place on a voice server, so nobody needs many. */
export const PLAY_TRIES = { max: 60, timeWindow: MINUTE_MS } as const;
export const DECISIONS = { max: 600, timeWindow: MINUTE_MS } as const;
export const PROGRESS_OPENINGS = { max: 3_000, timeWindow: MINUTE_MS } as const;
export const UNKNOWN_IDS = { max: 30, timeWindow: MINUTE_MS } as const;

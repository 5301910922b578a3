/**
 * Limits per client address; of IPv6 its /64, which is one subscriber's. Counted in each process. Generous: behind one
 * address of a mobile network stand thousands, and a shopper who reloads is no attacker. docs/operating.md lists them.
 */
const MINUTE_MS = 60_000;
/** Addresses that each limit counts at a time; the one not seen for longest makes room, so no crowd fills the memory. */
const COUNTED_ADDRESSES_MAX = 5_000;

const perMinute = (max: number) => ({ max, timeWindow: MINUTE_MS, cache: COUNTED_ADDRESSES_MAX }) as const;

export const PAGE_VIEWS = perMinute(6_000);
/** A PDF is made anew each time, and each takes a processor for a moment. */
export const RECEIPT_FILES = perMinute(120);
/** Each renewal takes a code out of use for a while, so this one guards other shoppers. */
export const CODE_RENEWALS = perMinute(60);
/** A play takes a place on a voice server, so nobody needs many. */
export const PLAY_TRIES = perMinute(60);
export const DECISIONS = perMinute(600);
export const PROGRESS_OPENINGS = perMinute(3_000);
/** Logos and colours: browsers keep them for good, so each asks once. */
export const BRAND_FILES = perMinute(3_000);
/**
 * Ids and access codes entered in a form, right or wrong. As many as pages, or whoever guesses would keep those waiting
 * who have an id and stand behind the same address; an id can't be guessed, and of codes the limits below are far less.
 */
export const ENTRIES = perMinute(6_000);
/** Beyond, who asks for unknown ids is told to wait; a known one is still answered. */
export const UNKNOWN_IDS = perMinute(30);
/** Beyond these, an address's access codes aren't even looked up: of a hundred a second, all but so many a minute are wasted. */
export const WRONG_ACCESS_CODES = perMinute(10);
/** The same of a network (IPv4: its /24, IPv6: its /48): a guesser who has a whole one counts as a few, not as thousands. */
export const WRONG_ACCESS_CODES_OF_NETWORK = perMinute(40);

import type { ErrorCode } from "../core/errors.ts";
import { expireNow, halfWayOf, type Play, playedUniqueid, TEST_TRUNK, whyNotPlayable } from "../core/played-call.ts";
import { MULTICALL_MAX } from "../core/quote.ts";
import { resume } from "../core/transitions.ts";
import { issueCode } from "../db/codes.ts";
import { beginPlay, endPlay, PLAY_LEASE_SECONDS, renewPlays } from "../db/test-plays.ts";
import { changeTransaction } from "../db/transactions.ts";
import { type CallerPart, playCaller } from "../line/played-caller.ts";
import type { DialOptions, SimulatedCall } from "../line/simulated-call.ts";
import { isNextCallDue } from "./call-plan.ts";
import type { WebOptions } from "./options.ts";
import { readPayFacts } from "./pay-facts.ts";
import { playFactsOf } from "./play-facts.ts";
import type { PayFacts } from "./view-model.ts";

/** Plays under way in one process: they take places of real calls on the voice servers. */
export const PLAYS_AT_ONCE_MAX = 10;
const RENEW_EVERY_MS = (PLAY_LEASE_SECONDS * 1_000) / 4;
/** A code with less time left is replaced: it could run out while the price is being said. */
const CODE_LEFT_MS_MIN = 60_000;

/** The voice servers that played calls ask, and how long the recordings are that they play. */
export type TestLine = Pick<DialOptions, "agiServers" | "secret" | "promptLengthMs">;

/** Plays the callers of test transactions, by real FastAGI: what a call leaves in the books, a played one leaves, too. */
export interface TestCalls extends AsyncDisposable {
  /** Begins a play, which goes on after this was answered. Answers why it can't, or null. */
  begin(facts: PayFacts, play: Play): Promise<ErrorCode | null>;
}

export function openTestCalls(
  options: Pick<WebOptions, "db" | "provider"> & {
    readonly line: TestLine;
    readonly onError: (error: unknown) => void;
  },
): TestCalls {
  const { db, line, onError } = options;
  const plays = new Map<number, Promise<void>>();
  const onTheLine = new Set<SimulatedCall>();
  let places = 0;
  let closing = false;
  const renewing = setInterval(() => {
    if (plays.size > 0) renewPlays(db, [...plays.keys()]).catch(onError);
  }, RENEW_EVERY_MS).unref();

  async function call(number: string, uniqueid: string, part: CallerPart): Promise<void> {
    const played = playCaller({ ...line, trunk: TEST_TRUNK, number, callerId: null, uniqueid }, part);
    onTheLine.add(played);
    if (closing) played.hangUp();
    await played.finished;
    onTheLine.delete(played);
  }

  /** One call, or for a payment that takes several all of them. */
  async function run(begun: { id: number; facts: PayFacts; play: Play; part: CallerPart }): Promise<void> {
    const { id: play, facts } = begun;
    const { id, number } = facts.transaction;
    await call(number, playedUniqueid({ play, call: 1 }), begun.part);
    for (let calls = 2; paysToTheEnd(begun.play) && calls <= MULTICALL_MAX && !closing; calls++) {
      const now = await readPayFacts(db, id, { provider: options.provider, issue: false });
      if (now?.transaction.status !== "open" || !isNextCallDue(now)) return;
      const part = await partOf(options, now, begun.play);
      if ("refusal" in part) return;
      await call(number, playedUniqueid({ play, call: calls }), part);
    }
  }

  async function begin(facts: PayFacts, play: Play): Promise<ErrorCode | null> {
    const transactionId = facts.transaction.id;
    const id = await beginPlay(db, { transactionId, play });
    if (id === null) return "call_in_progress";
    try {
      const late = play === "pay-late" ? await makeLate(options, transactionId) : null;
      const part = late ? { refusal: late } : await partOf(options, facts, play);
      if ("refusal" in part) {
        await endPlay(db, id);
        return part.refusal;
      }
      const ended = run({ id, facts, play, part })
        .catch(onError)
        .then(() => endPlay(db, id))
        .catch(onError)
        .then(() => void plays.delete(id));
      plays.set(id, ended);
      return null;
    } catch (error) {
      await endPlay(db, id);
      throw error;
    }
  }

  return {
    async begin(facts, play) {
      const refusal = whyNotPlayable(play, playFactsOf(facts));
      if (refusal) return refusal;
      if (play === "expire") return (await changeTransaction(db, facts.transaction.id, expireNow))?.refusal ?? null;
      if (plays.size + places >= PLAYS_AT_ONCE_MAX || closing) return "too_many_requests";
      places += 1;
      try {
        return await begin(facts, play);
      } finally {
        places -= 1;
      }
    },
    async [Symbol.asyncDispose]() {
      closing = true;
      clearInterval(renewing);
      for (const played of onTheLine) played.hangUp();
      await Promise.all(plays.values());
    },
  };
}

function paysToTheEnd(play: Play): boolean {
  return play === "pay" || play === "pay-late";
}

/** Lets the time to pay run out, has it noted, and takes the payment up again, as a shopper would who comes back. */
async function makeLate({ db }: Pick<WebOptions, "db">, id: string): Promise<ErrorCode | null> {
  for (const transition of [expireNow, resume]) {
    const changed = await changeTransaction(db, id, transition);
    if (changed?.refusal) return changed.refusal;
  }
  return null;
}

/** What the caller does in this play. The code is the transaction's own live one, or a fresh one. */
async function partOf(
  { db }: Pick<WebOptions, "db">,
  facts: PayFacts,
  play: Play,
): Promise<CallerPart | { readonly refusal: ErrorCode }> {
  if (play === "no-code") return { code: null, hangUpAfterMs: null };
  const request = { transactionId: facts.transaction.id, lifeSeconds: facts.merchant.codeSeconds };
  const live = await issueCode(db, { ...request, keepLive: true });
  if ("refusal" in live) return live;
  const leftMs = live.expiresAt.getTime() - facts.now.getTime();
  const fresh = leftMs < CODE_LEFT_MS_MIN ? await issueCode(db, request) : live;
  if ("refusal" in fresh) return fresh;
  const hangUpAfterMs = play === "hang-up-half" ? halfWayOf(playFactsOf(facts)) : null;
  return { code: play === "wrong-code" ? wrongCode(fresh.code) : fresh.code, hangUpAfterMs };
}

/** One digit beside the code, and so nobody's: live codes differ in two digits at least. */
function wrongCode(code: string): string {
  return `${code.slice(0, -1)}${(Number(code.at(-1)) + 1) % 10}`;
}

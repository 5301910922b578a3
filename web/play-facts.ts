import type { PlayFacts } from "../core/played-call.ts";
import { callsMade } from "./call-plan.ts";
import type { PayFacts } from "./view-model.ts";

/** What decides on a play, of all that a pay page is made of. */
export function playFactsOf(facts: PayFacts): PlayFacts {
  const { transaction, terms, lastPlay, now } = facts;
  const billedBefore = callsMade(facts).map((call) => call.billedRappen);
  return { transaction, terms, billedBefore, isPlaying: lastPlay?.isPlaying ?? false, now };
}

import { formatDuration } from "../core/durations.ts";
import type { ErrorCode } from "../core/errors.ts";
import { type Language, type MessageKey, message } from "../core/messages.ts";
import { PLAYS, type Play, whyNotPlayable } from "../core/played-call.ts";
import { isPaid, statusAt } from "../core/transaction.ts";
import { playFactsOf } from "./play-facts.ts";
import type { PayFacts } from "./view-model.ts";

const LABELS: Readonly<Record<Play, MessageKey>> = {
  pay: "test.pay",
  "hang-up-half": "test.hangUpHalf",
  "wrong-code": "test.wrongCode",
  "no-code": "test.noCode",
  expire: "test.expire",
  "pay-late": "test.payLate",
  "call-again": "test.callAgain",
};

/** The panel of a test transaction's page that plays its caller. */
export function testPanelView(facts: PayFacts, language: Language, query: string) {
  const { transaction, lastPlay, now } = facts;
  const playFacts = playFactsOf(facts);
  const over = isPaid(transaction.status) || isOver(facts);
  const duration = formatDuration(transaction.expectedSeconds);
  return {
    action: `/pay/${transaction.id}/play${query}`,
    state: lastPlay ? message(language, lastPlay.isPlaying ? "test.running" : "test.ended") : null,
    stateOf: lastPlay ? message(language, LABELS[lastPlay.play]) : null,
    isPlaying: playFacts.isPlaying,
    duration: statusAt(transaction, now) === "open" ? message(language, "test.realTime", { duration }) : null,
    why: statusAt(transaction, now) === "expired" ? message(language, "test.onlyLate") : null,
    over: over ? message(language, "test.over") : null,
    plays: over
      ? []
      : PLAYS.map((play) => {
          const refusal = whyNotPlayable(play, playFacts);
          return {
            play,
            label: message(language, LABELS[play]),
            ...explained(play, refusal, { ...playFacts, language }),
          };
        }),
  };
}

function isOver({ transaction, now }: PayFacts): boolean {
  return (
    transaction.status === "cancelled" ||
    (statusAt(transaction, now) === "expired" && transaction.resumableUntil <= now)
  );
}

/** Why a button can't be pressed now: said under it where it is its own, and once for all where they share it. */
function explained(
  play: Play,
  refusal: ErrorCode | null,
  { isPlaying, language }: { readonly isPlaying: boolean; readonly language: Language },
) {
  if (refusal === null) return { isPossible: true, why: null, describedBy: "" };
  // A call that isn't played is told by the page's heading.
  if (refusal === "call_in_progress")
    return { isPossible: false, why: null, describedBy: isPlaying ? "play-state" : "" };
  if (refusal !== "play_impossible") return { isPossible: false, why: null, describedBy: "play-why" };
  const why = message(language, play === "call-again" ? "test.noCallYet" : "test.noHalf");
  return { isPossible: false, why, describedBy: `why-${play}` };
}

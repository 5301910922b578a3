import { pulsesDue, pulsesOf } from "../core/tariff.ts";
import { answerLeg, type CallLeg, endLeg, takeOverAbandonedLeg } from "./call-legs.ts";
import { completeLeg, possibleTalkMs } from "./complete-leg.ts";
import type { Db } from "./database.ts";
import { findTariff, termsOfNumber } from "./numbers.ts";
import { bookPulses, LEASE_SECONDS } from "./pulses.ts";

/**
 * Closes the books of a call that is over, whoever served it: the leg is taken over first, so that a worker that still
 * thinks it serves the call can book nothing more. A leg that was closed without its length gets what it still owes.
 * Answers false, and changes nothing, when the leg has ended otherwise, or when
 * somebody has looked after it within `silentSeconds`.
 */
export async function closeLeg(
  db: Db,
  over: {
    readonly uniqueid: string;
    readonly worker: string;
    readonly reason: string;
    /** From answer to hang-up, as Asterisk has it: all that it owes is booked. Null: not known, or never answered; what was booked stays. */
    readonly talkMs: number | null;
    readonly silentSeconds?: number;
  },
): Promise<boolean> {
  const leg = await takeOverAbandonedLeg(db, over);
  if (!leg) {
    const { talkMs } = over;
    return talkMs !== null && completeLeg(db, { ...over, talkMs });
  }
  const { segments } = await findTariff(db, leg.tariffId);
  const { codeBeforeAnswer, trunk } = await termsOfNumber(db, leg.number);
  const talkMs = over.talkMs === null ? null : possibleTalkMs(over.talkMs, leg.answeredMsAgo);
  if (talkMs !== null) await noteLateAnswer(db, leg, talkMs);
  const pulses = talkMs === null ? [] : pulsesOf(segments).slice(0, pulsesDue(segments, talkMs - leg.countsAfterMs));
  return endLeg(db, {
    leg: leg.id,
    epoch: leg.epoch,
    reason: over.reason,
    durationMs: talkMs,
    lastPulses: { leg: leg.id, epoch: leg.epoch, pulses },
    segments,
    codeBeforeAnswer,
    trunk,
  });
}

/**
 * Books the pulses of a call that was up for `throughMs` since answer, as a process knew that could not tell the
 * database and died. Does nothing where the call has an owner who lives, because that one counts from the answer on, or
 * where its books are closed.
 */
export async function bookThrough(
  db: Db,
  up: { readonly uniqueid: string; readonly worker: string; readonly throughMs: number },
): Promise<void> {
  const leg = await takeOverAbandonedLeg(db, { ...up, silentSeconds: LEASE_SECONDS });
  if (!leg) return;
  const { segments } = await findTariff(db, leg.tariffId);
  await noteLateAnswer(db, leg, up.throughMs);
  const pulses = pulsesOf(segments).slice(0, pulsesDue(segments, up.throughMs - leg.countsAfterMs));
  await bookPulses(db, [{ leg: leg.id, epoch: leg.epoch, pulses }]);
}

/** A server that died between answering and writing so down. */
async function noteLateAnswer(db: Db, leg: CallLeg, talkMs: number): Promise<void> {
  if (leg.answeredMsAgo === null) await answerLeg(db, { id: leg.id, epoch: leg.epoch, msAgo: talkMs });
}

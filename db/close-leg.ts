import { pulsesDue, pulsesOf } from "../core/tariff.ts";
import { answerLeg, type CallLeg, endLeg, takeOverAbandonedLeg } from "./call-legs.ts";
import type { Db } from "./database.ts";
import { findTariff, termsOfNumber } from "./numbers.ts";

/**
 * Closes the books of a call that is over, whoever served it: the leg is taken over first, so that a worker that still
 * thinks it serves the call can book nothing more. Answers false, and changes nothing, when the leg has ended, or when
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
  if (!leg) return false;
  const { segments } = await findTariff(db, leg.tariffId);
  const { codeBeforeAnswer, trunk } = await termsOfNumber(db, leg.number);
  if (over.talkMs !== null) await noteLateAnswer(db, leg, over.talkMs);
  const pulses =
    over.talkMs === null ? [] : pulsesOf(segments).slice(0, pulsesDue(segments, over.talkMs - leg.countsAfterMs));
  return endLeg(db, {
    leg: leg.id,
    epoch: leg.epoch,
    reason: over.reason,
    durationMs: over.talkMs,
    lastPulses: { leg: leg.id, epoch: leg.epoch, pulses },
    segments,
    codeBeforeAnswer,
    trunk,
  });
}

/** A server that died between answering and writing so down. */
async function noteLateAnswer(db: Db, leg: CallLeg, talkMs: number): Promise<void> {
  if (leg.answeredMsAgo === null) await answerLeg(db, { id: leg.id, epoch: leg.epoch, msAgo: talkMs });
}

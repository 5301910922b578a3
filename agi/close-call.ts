import { pulsesDue, pulsesOf } from "../core/tariff.ts";
import { answerLeg, endLeg, takeOverAbandonedLeg } from "../db/call-legs.ts";
import { codeIsKeyedBeforeAnswer, findTariff } from "../db/numbers.ts";
import { booksOrAtMost, keepBooks } from "./books.ts";
import type { VoiceServer } from "./call.ts";
import { channelTalkMs } from "./channel.ts";
import type { AgiChannel } from "./fastagi.ts";

/** So long the dialplan is kept while the books are written; then they are written behind it. */
const BOOKS_BEFORE_LETTING_GO_MS = 1_000;

/**
 * Closes the books of a call that is over, asked by the dialplan's hang-up handler: the caller hung up, or the server
 * that held the call is gone. How long the call lasted is read from the channel itself, so that what we bill is what
 * Asterisk's own record says; it is read first, since the channel doesn't wait for a database that is away.
 */
export async function closeCall(server: VoiceServer, channel: AgiChannel): Promise<void> {
  const uniqueid = channel.variables.get("agi_uniqueid") ?? "";
  const talkMs = await channelTalkMs(channel);
  const closing = keepBooks(server, () => closeBooks(server, uniqueid, talkMs));
  await booksOrAtMost(closing, BOOKS_BEFORE_LETTING_GO_MS);
  await channel.setVariable("P2P_CLOSED", "1");
  channel.close();
  await closing;
}

/** Taking the leg over first makes a worker that still thinks it serves the call harmless. */
async function closeBooks(server: VoiceServer, uniqueid: string, talkMs: number | null): Promise<void> {
  const leg = await takeOverAbandonedLeg(server.db, uniqueid, server.worker);
  if (!leg) return;
  const { segments } = await findTariff(server.db, leg.tariffId);
  // A server that died between answering and writing so down.
  if (leg.answeredMsAgo === null && talkMs !== null)
    await answerLeg(server.db, { id: leg.id, epoch: leg.epoch, msAgo: talkMs });
  const pulses = talkMs === null ? [] : pulsesOf(segments).slice(0, pulsesDue(segments, talkMs));
  await endLeg(server.db, {
    leg: leg.id,
    epoch: leg.epoch,
    reason: talkMs === null ? "hung_up_before_answer" : "caller_hung_up",
    durationMs: talkMs,
    lastPulses: { leg: leg.id, epoch: leg.epoch, pulses },
    segments,
    codeBeforeAnswer: await codeIsKeyedBeforeAnswer(server.db, leg.number),
  });
}

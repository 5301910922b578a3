import { pulsesDue, pulsesOf } from "../core/tariff.ts";
import { answerLeg, endLeg, takeOverAbandonedLeg } from "../db/call-legs.ts";
import { findTariff } from "../db/numbers.ts";
import type { VoiceServer } from "./call.ts";
import { channelTalkMs } from "./channel.ts";
import type { AgiChannel } from "./fastagi.ts";

/**
 * Closes the books of a call that is over, asked by the dialplan's hang-up handler: the caller hung up, or the server
 * that held the call is gone. How long the call lasted is read from the channel itself, so that what we bill is what
 * Asterisk's own record says; taking the leg over first makes a worker that still thinks it serves the call harmless.
 */
export async function closeCall(server: VoiceServer, channel: AgiChannel): Promise<void> {
  const uniqueid = channel.variables.get("agi_uniqueid") ?? "";
  const leg = await takeOverAbandonedLeg(server.db, uniqueid, server.worker);
  if (leg) {
    const { segments } = await findTariff(server.db, leg.tariffId);
    const durationMs = await channelTalkMs(channel);
    // A server that died between answering and writing so down.
    if (leg.answeredMsAgo === null && durationMs !== null)
      await answerLeg(server.db, { id: leg.id, epoch: leg.epoch, msAgo: durationMs });
    const pulses = durationMs === null ? [] : pulsesOf(segments).slice(0, pulsesDue(segments, durationMs));
    const reason = durationMs === null ? "hung_up_before_answer" : "caller_hung_up";
    await endLeg(server.db, {
      leg: leg.id,
      epoch: leg.epoch,
      reason,
      durationMs,
      lastPulses: { leg: leg.id, epoch: leg.epoch, pulses },
      segments,
      codeBeforeAnswer: false,
    });
  }
  await channel.setVariable("P2P_CLOSED", "1");
}

import { closeLeg } from "../db/close-leg.ts";
import { keepBooks } from "./books.ts";
import type { VoiceServer } from "./call.ts";
import { channelTalkMs } from "./channel.ts";
import type { AgiChannel } from "./fastagi.ts";

/** So long the dialplan is kept while the books are written; then they go to the local journal. */
const BOOKS_BEFORE_LETTING_GO_MS = 1_000;
/** Asterisk counts the length of a call on the wall clock. Where it differs from ours by more than this, that clock was set. */
export const CLOCK_STEP_MS = 2_000;

/**
 * Closes the books of a call that is over, asked by the dialplan's hang-up handler: the caller hung up, or the server
 * that held the call is gone. How long the call lasted is read from the channel itself, so that what we bill is what
 * Asterisk's own record says; it is read first, since the channel doesn't wait for a database that is away.
 */
export async function closeCall(server: VoiceServer, channel: AgiChannel): Promise<void> {
  const uniqueid = channel.variables.get("agi_uniqueid") ?? "";
  const talkMs = steadyLength(server, uniqueid, await channelTalkMs(channel));
  const reason = talkMs === null ? "hung_up_before_answer" : "caller_hung_up";
  await keepBooks(server, {
    end: { uniqueid, talkMs, reason },
    milliseconds: BOOKS_BEFORE_LETTING_GO_MS,
    write: () => closeLeg(server.db, { uniqueid, worker: server.worker, talkMs, reason }),
  });
  server.meter.forget(uniqueid);
  await channel.setVariable("P2P_CLOSED", "1");
  channel.close();
}

/**
 * Asterisk's length of the call, unless it can't be: shorter than the line is proved to have been up, or longer than
 * until we heard of its end. Then its clock was set in mid-call, and our steady one knows better.
 */
function steadyLength(server: VoiceServer, uniqueid: string, recordedMs: number | null): number | null {
  const known = server.meter.lengthOf(uniqueid);
  if (recordedMs === null || known === null) return recordedMs;
  const { atLeastMs, atMostMs, steadyMs } = known;
  if (recordedMs >= atLeastMs - CLOCK_STEP_MS && recordedMs <= atMostMs + CLOCK_STEP_MS) return recordedMs;
  server.log("call.clock_stepped", { uniqueid, recordedMs, atLeastMs, atMostMs });
  return steadyMs ?? atLeastMs;
}

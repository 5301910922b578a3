import { closeLeg } from "../db/close-leg.ts";
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
  const reason = talkMs === null ? "hung_up_before_answer" : "caller_hung_up";
  const closing = keepBooks(server, async () => {
    await closeLeg(server.db, { uniqueid, worker: server.worker, talkMs, reason });
  });
  await booksOrAtMost(closing, BOOKS_BEFORE_LETTING_GO_MS);
  await channel.setVariable("P2P_CLOSED", "1");
  channel.close();
  await closing;
}

import { safeMomentMs } from "../core/quote.ts";
import { endLeg } from "../db/call-legs.ts";
import { booksOrAtMost, keepBooks } from "./books.ts";
import { type Call, until } from "./call.ts";
import type { AgiChannel } from "./fastagi.ts";

/** BYE waits for the books no longer than this: they can be closed later, the caller's money can't be given back. */
const BOOKS_BEFORE_BYE_MS = 150;

/** Refuses a call before it is answered, so free of charge, with a Q.850 cause. */
export async function refuseCall(channel: AgiChannel, cause: number): Promise<void> {
  await channel.setVariable("P2P_CAUSE", String(cause));
  await channel.setVariable("P2P_CLOSED", "1");
  await channel.setVariable("P2P_DONE", "1");
}

/**
 * Ends a call from our side, at a moment at which it is beyond doubt what it owes. The dialplan sends BYE as soon as we
 * let go of the channel; if the database is slow, the books are closed behind it.
 */
export async function hangUp(call: Call, reason: string): Promise<void> {
  const { channel, metered } = call;
  await until(call, safeMomentMs(metered.segments, metered.elapsedMs(), call.trunk));
  const elapsedMs = metered.elapsedMs();
  const closing = keepBooks(call.server, () => closeBooks(call, reason, elapsedMs));
  await booksOrAtMost(closing, BOOKS_BEFORE_BYE_MS);
  await channel.setVariable("P2P_CLOSED", "1");
  await channel.setVariable("P2P_DONE", "1");
  channel.close();
  await closing;
}

async function closeBooks({ leg, metered, number, server }: Call, reason: string, elapsedMs: number): Promise<void> {
  const answered = elapsedMs > 0;
  await endLeg(server.db, {
    leg: leg.id,
    epoch: leg.epoch,
    reason,
    durationMs: answered ? elapsedMs : null,
    lastPulses: answered ? metered.owed(elapsedMs) : null,
    segments: number.tariff.segments,
    codeBeforeAnswer: number.codeBeforeAnswer,
  });
}

import { safeMomentMs } from "../core/quote.ts";
import { endLeg } from "../db/call-legs.ts";
import { keepBooks } from "./books.ts";
import { type Call, until } from "./call.ts";
import { type AgiChannel, AgiError } from "./fastagi.ts";

/** BYE waits for the books no longer than this: they can be closed later, the caller's money can't be given back. */
const BOOKS_BEFORE_BYE_MS = 150;
/** The backstop may strike so much before its time by our clock. */
const BACKSTOP_EARLY_MS = 50;
/** So long the hang-up handler has to ask a server to close the books, busy as it may be, before we do it unasked. */
const HANDLER_MS = 10_000;

/** Refuses a call before it is answered, so free of charge, with a Q.850 cause. */
export async function refuseCall(channel: AgiChannel, cause: number): Promise<void> {
  await channel.setVariable("P2P_CLOSED", "1");
  await leaveCall(channel, cause);
}

/** Has the dialplan end the call, and a server close its books. */
export async function leaveCall(channel: AgiChannel, cause: number): Promise<void> {
  await channel.setVariable("P2P_CAUSE", String(cause));
  await channel.setVariable("P2P_DONE", "1");
}

/**
 * Ends a call from our side, at a moment at which it is beyond doubt what it owes. The dialplan sends BYE as soon as we
 * let go of the channel; if the database is slow, the books are closed behind it.
 */
export async function hangUp(call: Call, reason: string): Promise<void> {
  const { channel, metered } = call;
  await untilSafe(call);
  await closeBooks(call, reason, metered.elapsedMs());
  await channel.setVariable("P2P_CLOSED", "1");
  await channel.setVariable("P2P_DONE", "1");
  channel.close();
}

/**
 * Asterisk said that the call is over. When the caller hung up the dialplan has a server close the books by Asterisk's
 * times, this one or another. When Asterisk itself ended the call because we were late (TIMEOUT(absolute)), or because
 * its clock was set, the dialplan asks nobody, so that no server, however stuck, can keep the caller on the line: then
 * the books are closed here, by our own clock. A process that was stuck just then doesn't know when that was: it leaves
 * the leg to Asterisk's record (db/upkeep.ts).
 */
export async function closeUnlessAsked(call: Call): Promise<void> {
  const { server, leg } = call;
  const known = server.meter.lengthOf(leg.uniqueid);
  if (known === null) return; // asked already
  const lengthMs = known.steadyMs;
  if (lengthMs === null) return server.log("call.heard_late", { uniqueid: leg.uniqueid });
  if (lengthMs >= call.backstopAtMs - BACKSTOP_EARLY_MS) {
    server.log("call.backstop", { uniqueid: leg.uniqueid });
    // Asterisk let go when its time was up. What passed until we heard so is our lateness, and nobody's pulse.
    return await closeBooks(call, "backstop", Math.min(lengthMs, call.backstopAtMs));
  }
  // Behind the call: one that is over takes no place from one that comes.
  setTimeout(() => {
    if (server.meter.lengthOf(leg.uniqueid) === null) return; // asked meanwhile
    closeBooks(call, "caller_hung_up", lengthMs).catch((error: unknown) =>
      server.log("call.books_open", { uniqueid: leg.uniqueid, error }),
    );
  }, HANDLER_MS).unref();
}

/** A moment that is safe, on a line that is there: what isn't proved to have been outlived isn't billed. */
async function untilSafe(call: Call): Promise<void> {
  const { channel, metered } = call;
  const safeMs = () => safeMomentMs(metered.segments, metered.elapsedMs(), call.trunk);
  do {
    await until(call, safeMs());
    if (await metered.outlived()) continue;
    channel.hungUp.throwIfAborted();
    throw new AgiError("failed", "the line does not answer");
  } while (safeMs() > metered.elapsedMs());
}

async function closeBooks({ leg, metered, number, server }: Call, reason: string, elapsedMs: number): Promise<void> {
  const answered = elapsedMs > 0;
  const talkMs = answered ? elapsedMs : null;
  await keepBooks(server, {
    end: { uniqueid: leg.uniqueid, talkMs, reason },
    milliseconds: BOOKS_BEFORE_BYE_MS,
    write: () =>
      endLeg(server.db, {
        leg: leg.id,
        epoch: leg.epoch,
        reason,
        durationMs: talkMs,
        lastPulses: answered ? metered.owed(elapsedMs) : null,
        segments: number.tariff.segments,
        codeBeforeAnswer: number.codeBeforeAnswer,
        trunk: number.trunk,
      }),
  });
}

import { countsAfterMs } from "../core/trunk.ts";
import { answerLeg, openLeg } from "../db/call-legs.ts";
import { findTariff } from "../db/numbers.ts";
import { type Admitted, admitCall } from "./admit-call.ts";
import { awaitDatabase } from "./await-database.ts";
import type { Call, VoiceServer } from "./call.ts";
import { channelAnsweredMsAgo, channelTalkMs, isUp } from "./channel.ts";
import { CLOCK_STEP_MS } from "./close-call.ts";
import { type AgiChannel, AgiError } from "./fastagi.ts";
import { inTime } from "./in-time.ts";
import type { Refused } from "./refuse-call.ts";

/** An admission that takes longer than this is none: the carrier is told to try elsewhere. */
const ADMISSION_MS_MAX = 3_000;
/** From answer to a claimed code a call may take so long: three tries, but not each of them with all its timers. */
export const CODE_PHASE_MS_MAX = 120_000;

/**
 * Decides on the call and takes it. While the database is away, or too slow, a call that isn't answered is refused
 * rather than kept; an answered one is left to the other server.
 */
export async function takeCall(
  server: VoiceServer,
  channel: AgiChannel,
  request: { readonly number: string; readonly trunk: string },
): Promise<Call | Refused> {
  try {
    const decision = await inAdmission(admitCall(server, channel, request));
    return "reason" in decision ? decision : await openCall(server, channel, decision);
  } catch (error) {
    if (error instanceof AgiError || (await isUp(channel))) throw error;
    server.log("call.database_away", { error });
    return { reason: "database_away", number: request.number, spokenIn: null };
  }
}

function inAdmission<T>(answer: Promise<T>): Promise<T> {
  return inTime(answer, ADMISSION_MS_MAX, () => {
    throw new Error(`no answer in ${ADMISSION_MS_MAX} ms`);
  });
}

/** Opens the leg, or takes it over from a server that died. */
async function openCall(server: VoiceServer, channel: AgiChannel, admitted: Admitted): Promise<Call | Refused> {
  const { trunk, caller, callerHash, codeTriesMax } = admitted;
  const opening = openLeg(server.db, {
    uniqueid: admitted.uniqueid,
    number: admitted.number.number,
    tariffId: admitted.number.tariff.id,
    trunk: trunk.name,
    countsAfterMs: countsAfterMs(trunk.durationRounding),
    owner: server.worker,
    caller,
    callerHash,
  });
  const leg = await inAdmission(opening);
  if (leg.ended) return { reason: "call_ended", number: leg.number, spokenIn: null };
  // A call that is taken over goes on at the price it was answered at, whatever the number costs by now.
  const number = { ...admitted.number, tariff: await findTariff(server.db, leg.tariffId) };
  const { segments } = number.tariff;
  const metered = server.meter.meterCall({ leg, segments, prove: () => channel.noop() });
  channel.hungUp.addEventListener("abort", () => heardHangUp(channel) && metered.stopped(), { once: true });
  const call: Call = {
    server,
    channel,
    number,
    leg,
    metered,
    trunk,
    codeTriesMax,
    language: number.language,
    backstopAtMs: CODE_PHASE_MS_MAX,
  };
  try {
    await channel.setVariable("CHANNEL(language)", number.language);
    if (leg.answeredMsAgo !== null) metered.answered(server.meter.now() - (await steadyAge(call, leg.answeredMsAgo)));
    else if (await isUp(channel)) return { ...call, leg: await noteAnswer(call) }; // its server died right after answering
    return call;
  } catch (error) {
    metered.release();
    throw error;
  }
}

/** Notes when the call was answered, by Asterisk's own record, in the books and for the meter. */
export async function noteAnswer(call: Call): Promise<Call["leg"]> {
  const { db, meter } = call.server;
  const { id, epoch } = call.leg;
  const msAgo = await channelAnsweredMsAgo(call.channel);
  const atMs = meter.now() - msAgo;
  try {
    // In the books first: a pulse of a call that isn't answered there would be refused.
    await awaitDatabase(call, () => answerLeg(db, { id, epoch, msAgo: meter.now() - atMs }));
  } finally {
    call.metered.answered(atMs);
  }
  return { ...call.leg, answeredMsAgo: msAgo };
}

/** Asterisk said that the caller hung up, rather than the connection being lost. */
function heardHangUp({ hungUp }: AgiChannel): boolean {
  return hungUp.reason instanceof AgiError && hungUp.reason.kind === "hung_up";
}

/**
 * How old a call is that we take over: by the database's clock and by Asterisk's. Both are wall clocks; where one was
 * set meanwhile the shorter time counts, because billing late is better than billing what never was.
 */
async function steadyAge({ server, channel, leg }: Call, booksMs: number): Promise<number> {
  const channelMs = await channelTalkMs(channel);
  // No time at all is what a clock shows that was set back to before the answer.
  if (channelMs === null || channelMs === 0 || Math.abs(channelMs - booksMs) <= CLOCK_STEP_MS) return booksMs;
  server.log("call.clock_stepped", { uniqueid: leg.uniqueid, channelMs, booksMs });
  return Math.min(channelMs, booksMs);
}

import { createHmac } from "node:crypto";
import { planCall } from "../core/quote.ts";
import { speakPrompt } from "../core/speech.ts";
import type { Transaction } from "../core/transaction.ts";
import { countsAfterMs } from "../core/trunk.ts";
import { answerLeg, creditBefore, openLeg } from "../db/call-legs.ts";
import { findMerchant } from "../db/merchants.ts";
import { findNumberInService, findTariff, type NumberInService } from "../db/numbers.ts";
import { findTransaction } from "../db/transactions.ts";
import { findTrunk, type Trunk } from "../db/trunks.ts";
import { announcePrice } from "./announce-price.ts";
import { askCode } from "./ask-code.ts";
import { type Call, CallLost, CallOver, say, setBackstop, speakIn, type VoiceServer } from "./call.ts";
import { channelAnsweredMsAgo, channelTalkMs, isUp } from "./channel.ts";
import { CLOCK_STEP_MS } from "./close-call.ts";
import { type AgiChannel, AgiError } from "./fastagi.ts";
import { closeUnlessAsked, hangUp, refuseCall } from "./hang-up.ts";
import { holdUntilPaid } from "./hold.ts";

/** Q.850 causes; the dialplan turns them into SIP answers. */
const CAUSE_UNALLOCATED = 1;
const CAUSE_CALL_REJECTED = 21;
const CAUSE_CONGESTION = 42;

/**
 * One call, straight down: refuse what can be refused for nothing, say the price, ask the code, keep the caller until
 * the purchase is paid, hang up. A call whose first server died comes in here again and goes on where it was. When the
 * caller hangs up, every wait throws and the script is left; the dialplan's hang-up handler has the books closed
 * (close-call.ts).
 */
export async function payCall(
  server: VoiceServer,
  channel: AgiChannel,
  request: { readonly number: string; readonly trunk: string },
): Promise<void> {
  const { number, trunk } = await lookUp(server, channel, request);
  if (!number) return refuseCall(channel, CAUSE_UNALLOCATED);
  if (!trunk) {
    server.log("call.unknown_trunk", { trunk: request.trunk });
    return refuseCall(channel, CAUSE_CONGESTION);
  }
  const call = await takeCall(server, channel, number, trunk);
  if (!call) return refuseCall(channel, CAUSE_CALL_REJECTED);
  try {
    await hangUp(call, await payOnCall(call));
  } catch (error) {
    if (error instanceof CallOver) return await endCallWithWords(call, error);
    if (error instanceof AgiError && error.kind === "hung_up") return await closeUnlessAsked(call);
    if (error instanceof CallLost || (error instanceof AgiError && error.kind === "closed")) return;
    throw error;
  } finally {
    call.metered.release();
  }
}

/** Answers why the call is over: it has paid, or has brought what one call can bring. */
async function payOnCall(call: Call): Promise<EndReason> {
  let transaction =
    call.leg.transactionId === null ? null : await findTransaction(call.server.db, call.leg.transactionId);
  if (call.leg.answeredMsAgo === null) {
    await call.channel.exec("Progress");
    const { keyedAhead } = await announcePrice(call);
    if (call.number.codeBeforeAnswer) transaction ??= await askCode(call, keyedAhead);
    await answer(call);
    transaction ??= await askCode(call, keyedAhead);
  }
  transaction ??= await askCode(call);
  return collect(call, transaction);
}

type EndReason = "paid" | "next_call_needed";

async function collect(call: Call, transaction: Transaction): Promise<EndReason> {
  const { db } = call.server;
  if (transaction.language && transaction.language !== call.language) await speakIn(call, transaction.language);
  const { creditRappen, callsBefore } = await creditBefore(db, transaction.id, call.leg.id);
  const { tariff, codeBeforeAnswer } = call.number;
  const neededRappen = transaction.amountRappen - creditRappen;
  const plan = planCall({ segments: tariff.segments, codeBeforeAnswer, trunk: call.trunk, neededRappen, callsBefore });
  if (!plan) throw new Error(`transaction ${transaction.id} was claimed though no call can pay it`);
  await setBackstop(call, plan.window.closesAtMs);
  const { merchantNumber } = await findMerchant(db, transaction.merchantId);
  await holdUntilPaid(call, { transaction, merchantNumber, creditRappen, plan });
  return plan.final ? "paid" : "next_call_needed";
}

/** Null: no such number is in service, no such trunk known. While the database is away, an unanswered call is refused rather than kept. */
async function lookUp(
  { db, ...server }: VoiceServer,
  channel: AgiChannel,
  request: { readonly number: string; readonly trunk: string },
): Promise<{ readonly number: NumberInService | null; readonly trunk: Trunk | null }> {
  try {
    const [number, trunk] = await Promise.all([findNumberInService(db, request.number), findTrunk(db, request.trunk)]);
    return { number, trunk };
  } catch (error) {
    server.log("call.database_away", { error });
    if (!(await isUp(channel))) await refuseCall(channel, CAUSE_CONGESTION);
    throw error;
  }
}

/** Opens the leg, or takes it over from a server that died; null when its books are closed already. */
async function takeCall(
  server: VoiceServer,
  channel: AgiChannel,
  number: NumberInService,
  trunk: Trunk,
): Promise<Call | null> {
  const { id: tariffId } = number.tariff;
  const uniqueid = channel.variables.get("agi_uniqueid") ?? "";
  const caller = callerOf(channel);
  const callerHash = caller === null ? null : createHmac("sha256", server.callerHashKey).update(caller).digest();
  const leg = await openLeg(server.db, {
    uniqueid,
    number: number.number,
    tariffId,
    trunk: trunk.name,
    countsAfterMs: countsAfterMs(trunk.durationRounding),
    owner: server.worker,
    caller,
    callerHash,
  });
  if (leg.ended) return null;
  // A call that is taken over goes on at the price it was answered at, whatever the number costs by now.
  const tariff = leg.tariffId === tariffId ? number.tariff : await findTariff(server.db, leg.tariffId);
  const { segments } = tariff;
  const metered = server.meter.meterCall({ leg, segments, prove: () => channel.noop() });
  channel.hungUp.addEventListener("abort", () => heardHangUp(channel) && metered.stopped(), { once: true });
  const call: Call = {
    server,
    channel,
    number: { ...number, tariff },
    leg,
    metered,
    trunk,
    language: number.language,
    backstopAtMs: CODE_PHASE_MS_MAX,
  };
  await channel.setVariable("CHANNEL(language)", number.language);
  if (leg.answeredMsAgo !== null) metered.answered(server.meter.now() - (await steadyAge(call, leg.answeredMsAgo)));
  else if (await isUp(channel)) return { ...call, leg: await noteAnswer(call) }; // its server died right after answering
  return call;
}

async function answer(call: Call): Promise<void> {
  await call.channel.answer();
  await noteAnswer(call);
  await setBackstop(call, CODE_PHASE_MS_MAX);
}

/** Nobody needs longer than this from answer to a claimed code: three tries with all their timers. */
const CODE_PHASE_MS_MAX = 120_000;

async function noteAnswer(call: Call): Promise<Call["leg"]> {
  const msAgo = await channelAnsweredMsAgo(call.channel);
  const atMs = call.server.meter.now() - msAgo;
  // In the books first: a pulse of a call that isn't answered there would be refused.
  await answerLeg(call.server.db, { id: call.leg.id, epoch: call.leg.epoch, msAgo });
  call.metered.answered(atMs);
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
  if (channelMs === null || Math.abs(channelMs - booksMs) <= CLOCK_STEP_MS) return booksMs;
  server.log("call.clock_stepped", { uniqueid: leg.uniqueid, channelMs, booksMs });
  return Math.min(channelMs, booksMs);
}

async function endCallWithWords(call: Call, over: CallOver): Promise<void> {
  try {
    await say(call, [...over.say, ...speakPrompt(call.language, "ivr.goodbye", {})]);
    await hangUp(call, over.reason);
  } catch (error) {
    if (!(error instanceof AgiError)) throw error; // else the caller hung up first: the hang-up handler closes the books
  }
}

/** The caller's number as the network gave it, or null when it was withheld. */
function callerOf(channel: AgiChannel): string | null {
  const given = channel.variables.get("agi_callerid") ?? "";
  return /^\+?[0-9]{3,20}$/.test(given) ? given : null;
}

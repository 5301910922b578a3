import { planCall } from "../core/quote.ts";
import { speakPrompt } from "../core/speech.ts";
import type { Transaction } from "../core/transaction.ts";
import { creditBefore } from "../db/call-legs.ts";
import { findMerchant } from "../db/merchants.ts";
import { findTransaction } from "../db/transactions.ts";
import { announcePrice } from "./announce-price.ts";
import { askCode } from "./ask-code.ts";
import { awaitDatabase } from "./await-database.ts";
import {
  type Call,
  CallLost,
  CallOver,
  freeUntilMs,
  say,
  sayInTime,
  setBackstop,
  speakIn,
  type VoiceServer,
} from "./call.ts";
import { chooseLanguage } from "./choose-language.ts";
import { type AgiChannel, AgiError } from "./fastagi.ts";
import { closeUnlessAsked, hangUp } from "./hang-up.ts";
import { holdUntilPaid } from "./hold.ts";
import { refuseWithWords } from "./refuse-call.ts";
import { CODE_PHASE_MS_MAX, noteAnswer, takeCall } from "./take-call.ts";

/** Q.850 «call rejected»: what a call that we end before its answer is told. */
const CAUSE_REJECTED = 21;

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
  const call = await takeCall(server, channel, request);
  if ("reason" in call) return refuseWithWords(server, channel, call);
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
  const { leg, number } = call;
  let transaction = await claimedBefore(call);
  if (leg.answeredMsAgo !== null && !transaction) await setBackstop(call, CODE_PHASE_MS_MAX);
  const beforeAnswer = leg.answeredMsAgo === null && number.earlyMedia;
  if (beforeAnswer) await call.channel.exec("Progress");
  await chooseLanguage(call);
  let keyedAhead = "";
  if (beforeAnswer) {
    keyedAhead = await announcePrice(call);
    if (number.codeBeforeAnswer) transaction ??= await askCode(call, keyedAhead);
  }
  if (leg.answeredMsAgo === null) await answer(call);
  if (!number.earlyMedia && !transaction) keyedAhead = await announcePrice(call);
  transaction ??= await askCode(call, keyedAhead);
  return collect(call, transaction);
}

type EndReason = "paid" | "next_call_needed";

/** The transaction that the call pays for already, when its first server died after that. */
async function claimedBefore(call: Call): Promise<Transaction | null> {
  const { transactionId } = call.leg;
  return transactionId === null ? null : awaitDatabase(call, () => findTransaction(call.server.db, transactionId));
}

async function collect(call: Call, transaction: Transaction): Promise<EndReason> {
  const { db } = call.server;
  if (transaction.language && transaction.language !== call.language) await speakIn(call, transaction.language);
  const { creditRappen, callsBefore } = await awaitDatabase(call, () => creditBefore(db, transaction.id, call.leg.id));
  const { tariff, codeBeforeAnswer } = call.number;
  const neededRappen = transaction.amountRappen - creditRappen;
  const plan = planCall({ segments: tariff.segments, codeBeforeAnswer, trunk: call.trunk, neededRappen, callsBefore });
  if (!plan) throw new Error("a transaction was claimed though no call can pay it");
  await setBackstop(call, plan.window.closesAtMs);
  const { merchantNumber } = await awaitDatabase(call, () => findMerchant(db, transaction.merchantId));
  await holdUntilPaid(call, { transaction, merchantNumber, creditRappen, plan });
  return plan.final ? "paid" : "next_call_needed";
}

async function answer(call: Call): Promise<void> {
  await setBackstop(call, CODE_PHASE_MS_MAX); // first, lest a server that freezes now keep a caller who pays
  await call.channel.answer();
  await noteAnswer(call);
  await setBackstop(call, CODE_PHASE_MS_MAX);
}

async function endCallWithWords(call: Call, over: CallOver): Promise<void> {
  const words = [...over.say, ...speakPrompt(call.language, "ivr.goodbye", {})];
  try {
    if (call.metered.elapsedMs() === 0) await call.channel.setVariable("P2P_CAUSE", String(CAUSE_REJECTED));
    // A call that has cost nothing so far isn't made to cost something by our goodbye.
    if (call.metered.elapsedMs() < freeUntilMs(call)) await sayInTime(call, words, freeUntilMs(call));
    else await say(call, words);
    await hangUp(call, over.reason);
  } catch (error) {
    if (!(error instanceof AgiError)) throw error; // else the caller hung up first: the hang-up handler closes the books
  }
}

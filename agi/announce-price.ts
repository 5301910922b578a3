import { CODE_DIGITS } from "../core/code.ts";
import { priceDuties } from "../core/price-duties.ts";
import { speakPrompt } from "../core/speech.ts";
import type { Segment } from "../core/tariff.ts";
import { type Call, CallOver, freeUntilMs, say } from "./call.ts";
import { digitsAhead } from "./digits.ts";

/** How long a caller may take to press # after the price. */
const CONSENT_SECONDS = 10;
const CONSENT_TRIES = 2;
/** Stays on the channel: the price is said once, whoever serves the call. */
const TOLD = "P2P_PRICE_TOLD";

/**
 * Says the price where the law asks for it (PBV/OIP art. 11a), takes the caller's # where it asks for consent, and lets
 * the grace seconds pass; all of that for nothing: before the call is answered or, where the carrier passes no sound
 * before answer, in the free time that the tariff begins with. Answers the digits that the caller keyed ahead: an
 * expert who knows what comes next isn't made to wait for the question. CallOver while it costs nothing yet when the
 * free time is too short for it, or the caller doesn't agree.
 */
export async function announcePrice(call: Call): Promise<string> {
  const { segments } = call.number.tariff;
  const duties = priceDuties(segments, call.number);
  if (!duties.announce && !duties.consent) return "";
  if ((await call.channel.getVariable(TOLD)) === "1") return "";
  const price = [...speakPrompt(call.language, "ivr.welcome", {}), ...spokenPrice(call, segments)];
  const last = duties.consent
    ? speakPrompt(call.language, "ivr.price.accept", {})
    : speakPrompt(call.language, "ivr.price.startsIn", { seconds: duties.graceSeconds });
  const graceMs = duties.graceSeconds * 1_000;
  const saidByMs = freeUntilMs(call) - graceMs;
  if (call.metered.elapsedMs() + call.server.prompts.lengthMs(call.language, [...price, ...last]) > saidByMs)
    throw new CallOver("price_not_announced", speakPrompt(call.language, "ivr.error.unavailable", {}));
  if (duties.consent) await takeConsent(call, price, last);
  else await say(call, [...price, ...last]);
  const keyedAhead = await digitsAhead(call, CODE_DIGITS, graceMs);
  await call.channel.setVariable(TOLD, "1");
  return keyedAhead;
}

async function takeConsent(call: Call, price: readonly string[], question: readonly string[]): Promise<void> {
  const refusal = speakPrompt(call.language, "ivr.price.notAccepted", {});
  const goodbye = speakPrompt(call.language, "ivr.goodbye", {});
  const length = (fragments: readonly string[]) => call.server.prompts.lengthMs(call.language, fragments);
  const agreedByMs = freeUntilMs(call) - length([...refusal, ...goodbye]);
  for (let tries = 0; tries < CONSENT_TRIES; tries++) {
    const words = tries === 0 ? [...price, ...question] : question;
    if (call.metered.elapsedMs() + length(words) > agreedByMs) break;
    if (await hashKeyed(call, words, agreedByMs)) return;
  }
  throw new CallOver("price_not_accepted", refusal);
}

/** Plays the question and waits for #; other keys are no answer, and the question goes on. */
async function hashKeyed(call: Call, fragments: readonly string[], byMs: number): Promise<boolean> {
  for (const fragment of fragments) {
    const { digit } = await call.channel.streamFile(call.server.prompts.file(fragment), "#");
    if (digit === "#") return true;
  }
  const { meter } = call.server;
  const deadline = meter.now() + Math.min(CONSENT_SECONDS * 1_000, byMs - call.metered.elapsedMs());
  while (meter.now() < deadline) {
    if ((await call.channel.waitForDigit(Math.ceil(deadline - meter.now()))) === "#") return true;
  }
  return false;
}

function spokenPrice(call: Call, segments: readonly Segment[]): readonly string[] {
  const fixed = segments.find((segment) => segment.kind === "fixed")?.priceRappen;
  const time = segments.findLast((segment) => segment.kind === "time" || segment.kind === "pulse")?.rappenPerMinute;
  if (fixed !== undefined && time !== undefined)
    return speakPrompt(call.language, "ivr.price.basePlusMinute", { base: fixed, price: time });
  if (time !== undefined) return speakPrompt(call.language, "ivr.price.perMinute", { price: time });
  return speakPrompt(call.language, "ivr.price.perCall", { price: fixed ?? 0 });
}

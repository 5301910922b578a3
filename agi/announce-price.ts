import { priceDuties, swissLimitsOn } from "../core/legal-limits.ts";
import { speakPrompt } from "../core/speech.ts";
import type { Segment } from "../core/tariff.ts";
import { type Call, CallOver, say } from "./call.ts";

/** How long a caller may take to press # after the price. */
const CONSENT_SECONDS = 10;
const CONSENT_TRIES = 2;
const ANY_KEY = "0123456789*#";

/**
 * Says the price before the call is answered, so for nothing, where the law asks for it (PBV/OIP art. 11a), takes the
 * caller's # where it asks for consent, and lets five seconds pass. Answers the digits that the caller keyed ahead in
 * that time: an expert who knows what comes next isn't made to wait for the question.
 */
export async function announcePrice(call: Call, today: string): Promise<{ readonly keyedAhead: string }> {
  const { segments } = call.number.tariff;
  const duties = priceDuties(segments, swissLimitsOn(today));
  if (!duties.announce && !duties.consent) return { keyedAhead: "" };
  const price = [...speakPrompt(call.language, "ivr.welcome", {}), ...spokenPrice(call, segments)];
  if (duties.consent) await takeConsent(call, price);
  else
    await say(call, [...price, ...speakPrompt(call.language, "ivr.price.startsIn", { seconds: duties.graceSeconds })]);
  return { keyedAhead: await waitForKeys(call, duties.graceSeconds * 1_000) };
}

async function takeConsent(call: Call, price: readonly string[]): Promise<void> {
  const question = speakPrompt(call.language, "ivr.price.accept", {});
  for (let tries = 0; tries < CONSENT_TRIES; tries++) {
    if (await hashKeyed(call, tries === 0 ? [...price, ...question] : question)) return;
  }
  throw new CallOver("price_not_accepted", speakPrompt(call.language, "ivr.price.notAccepted", {}));
}

/** Plays the question and waits for #; other keys are no answer, and the question goes on. */
async function hashKeyed(call: Call, fragments: readonly string[]): Promise<boolean> {
  for (const fragment of fragments) {
    const { digit } = await call.channel.streamFile(call.server.prompts.file(fragment), "#");
    if (digit === "#") return true;
  }
  const { meter } = call.server;
  const deadline = meter.now() + CONSENT_SECONDS * 1_000;
  while (meter.now() < deadline) {
    if ((await call.channel.waitForDigit(Math.ceil(deadline - meter.now()))) === "#") return true;
  }
  return false;
}

async function waitForKeys(call: Call, milliseconds: number): Promise<string> {
  const { meter } = call.server;
  const deadline = meter.now() + milliseconds;
  let keys = "";
  while (meter.now() < deadline) {
    const key = await call.channel.waitForDigit(Math.ceil(deadline - meter.now()));
    if (key && ANY_KEY.includes(key) && key !== "#") keys += key;
  }
  return keys;
}

function spokenPrice(call: Call, segments: readonly Segment[]): readonly string[] {
  const fixed = segments.find((segment) => segment.kind === "fixed")?.priceRappen;
  const time = segments.findLast((segment) => segment.kind === "time" || segment.kind === "pulse")?.rappenPerMinute;
  if (fixed !== undefined && time !== undefined)
    return speakPrompt(call.language, "ivr.price.basePlusMinute", { base: fixed, price: time });
  if (time !== undefined) return speakPrompt(call.language, "ivr.price.perMinute", { price: time });
  return speakPrompt(call.language, "ivr.price.perCall", { price: fixed ?? 0 });
}

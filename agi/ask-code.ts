import { CODE_DIGITS } from "../core/code.ts";
import { speakPrompt } from "../core/speech.ts";
import type { Transaction } from "../core/transaction.ts";
import { claimCode, countWrongCode } from "../db/codes.ts";
import { type Call, CallOver } from "./call.ts";
import { collectDigits, setDigitTimers } from "./digits.ts";

/** Silent, incomplete and wrong tries together; each costs the caller, so there are few. */
export const CODE_TRIES_MAX = 3;

/**
 * Asks for the code until it binds this call to a transaction. Throws CallOver when the tries are used up, or when
 * keying the same code again can't help.
 */
export async function askCode(call: Call, keyedAhead = ""): Promise<Transaction> {
  const prompt = (key: "ask" | "incomplete" | "invalid" | "lastTry") =>
    speakPrompt(call.language, `ivr.code.${key}`, {});
  await setDigitTimers(call);
  let question: readonly string[] = prompt("ask");
  let ahead = keyedAhead;
  for (let tries = call.leg.wrongCodes + 1; tries <= CODE_TRIES_MAX; tries++) {
    const keyed = await collectDigits(call, { fragments: question, length: CODE_DIGITS, keyedAhead: ahead });
    ahead = "";
    const lastTry = tries === CODE_TRIES_MAX - 1 ? prompt("lastTry") : [];
    if (keyed.outcome !== "complete") {
      question = [...prompt("incomplete"), ...lastTry];
      continue;
    }
    const claimed = await claimCode(call.server.db, {
      leg: call.leg.id,
      epoch: call.leg.epoch,
      number: call.number.number,
      code: keyed.digits,
      testAllowed: !call.trunk.billed,
      segments: call.number.tariff.segments,
      codeBeforeAnswer: call.number.codeBeforeAnswer,
      trunk: call.trunk,
    });
    if (claimed.outcome === "claimed") return claimed.transaction;
    if (claimed.outcome === "expired")
      throw new CallOver("code_expired", speakPrompt(call.language, "ivr.code.expired", {}));
    if (claimed.outcome === "in_use")
      throw new CallOver("code_in_use", speakPrompt(call.language, "ivr.code.inUse", {}));
    if (claimed.outcome === "already_paid")
      throw new CallOver("already_paid", speakPrompt(call.language, "ivr.code.alreadyPaid", {}));
    await countWrongCode(call.server.db, call.leg.id);
    question = [...prompt("invalid"), ...lastTry];
  }
  throw new CallOver("code_not_given", speakPrompt(call.language, "ivr.code.tooMany", {}));
}

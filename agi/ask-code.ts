import { CODE_DIGITS } from "../core/code.ts";
import { type PromptKey, speakPrompt } from "../core/speech.ts";
import type { Transaction } from "../core/transaction.ts";
import { type Claim, claimCode } from "../db/codes.ts";
import { awaitDatabase } from "./await-database.ts";
import { type Call, CallOver } from "./call.ts";
import { collectDigits, setDigitTimers } from "./digits.ts";

/** What is said of a code that keying again can't mend, by what it turned out to be; the call is ended with it. */
const LAST_WORDS = {
  expired: { reason: "code_expired", prompt: "ivr.code.expired" },
  in_use: { reason: "code_in_use", prompt: "ivr.code.inUse" },
  already_paid: { reason: "already_paid", prompt: "ivr.code.alreadyPaid" },
  over_limit: { reason: "caller_over_limit", prompt: "ivr.limit.caller" },
  locked_out: { reason: "caller_locked_out", prompt: "ivr.caller.locked" },
} as const satisfies Readonly<
  Record<Exclude<Claim["outcome"], "claimed" | "unknown">, { readonly reason: string; readonly prompt: PromptKey }>
>;

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
  let wrong = call.leg.wrongCodes;
  for (let tries = wrong + 1; tries <= call.codeTriesMax; tries++) {
    const keyed = await collectDigits(call, { fragments: question, length: CODE_DIGITS, keyedAhead: ahead });
    ahead = "";
    const lastTry = tries === call.codeTriesMax - 1 ? prompt("lastTry") : [];
    if (keyed.outcome !== "complete") {
      question = [...prompt("incomplete"), ...lastTry];
      continue;
    }
    const claimed = await awaitDatabase(call, () => claimKeyed(call, keyed.digits, wrong));
    if (claimed.outcome === "claimed") return claimed.transaction;
    if (claimed.outcome !== "unknown") {
      const { reason, prompt: words } = LAST_WORDS[claimed.outcome];
      throw new CallOver(reason, speakPrompt(call.language, words, {}));
    }
    wrong++;
    question = [...prompt("invalid"), ...lastTry];
  }
  throw new CallOver("code_not_given", speakPrompt(call.language, "ivr.code.tooMany", {}));
}

function claimKeyed(call: Call, code: string, wrongBefore: number): Promise<Claim> {
  return claimCode(call.server.db, {
    leg: call.leg.id,
    epoch: call.leg.epoch,
    number: call.number.number,
    code,
    wrongBefore,
    testAllowed: !call.trunk.billed,
    segments: call.number.tariff.segments,
    codeBeforeAnswer: call.number.codeBeforeAnswer,
    trunk: call.trunk,
  });
}

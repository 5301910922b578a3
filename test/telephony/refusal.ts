import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "@jest/globals";
import { PROMPTS_SHIPPED } from "../../agi/prompts.ts";
import type { Language } from "../../core/messages.ts";
import { type PromptKey, speakPrompt } from "../../core/speech.ts";
import type { Exchange } from "./exchange.ts";
import { type Call, type CallOutcome, placeCall } from "./sip-call.ts";

const manifest = JSON.parse(await readFile(path.join(PROMPTS_SHIPPED, "manifest.json"), "utf8"));
function lengthMs(language: Language, key: PromptKey): number {
  return speakPrompt(language, key, {}).reduce((sum, name) => sum + manifest[language][name].milliseconds, 0);
}

/** So much earlier than its recording ends a prompt may seem to end: Asterisk starts to send before 183 has arrived. */
const SOUND_MARGIN_MS = 250;

/** Refused unanswered, with that status; after 183 and the whole of the prompt where one is named, and no 183 where not. */
export function expectRefused(
  outcome: CallOutcome,
  refused: { readonly status: number; readonly says: PromptKey | null; readonly in?: Language },
): void {
  expect({ ...outcome, log: undefined }).toMatchObject({ finalStatus: refused.status, answeredAfterMs: null });
  expect(outcome.progressAfterMs === null).toBe(refused.says === null);
  if (refused.says === null) return;
  const heardMs = (outcome.endedAfterMs ?? 0) - (outcome.progressAfterMs ?? 0);
  const wholeMs = lengthMs(refused.in ?? "fr", refused.says);
  expect(heardMs).toBeGreaterThan(wholeMs - SOUND_MARGIN_MS);
  expect(heardMs).toBeLessThan(wholeMs + 2_000);
}

/** A call that expects to be refused. */
export function callRefused(
  at: Exchange,
  particulars: Partial<Call> & Pick<Call, "number" | "expectedStatus">,
): Promise<CallOutcome> {
  return placeCall({ scenario: "caller-is-refused", sipPort: at.sipPort, timeoutMs: 20_000, ...particulars });
}

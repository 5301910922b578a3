import type { Language } from "../core/messages.ts";
import { isPlayedCall } from "../core/played-call.ts";
import { REFUSALS, type RefusalReason } from "../core/refusals.ts";
import { type PromptKey, speakPrompt } from "../core/speech.ts";
import { countRefusal } from "../db/call-refusals.ts";
import type { VoiceServer } from "./call.ts";
import { isUp } from "./channel.ts";
import type { AgiChannel } from "./fastagi.ts";
import { leaveCall, refuseCall } from "./hang-up.ts";

export interface Refused {
  readonly reason: RefusalReason;
  readonly number: string;
  /** The language to say it in; null where the carrier passes no sound before answer. */
  readonly spokenIn: Language | null;
}

/** Refuses a call before it is answered: says why where that is heard, and leaves the rest to the cause. */
export async function refuseWithWords(server: VoiceServer, channel: AgiChannel, refused: Refused): Promise<void> {
  const { cause, prompt } = REFUSALS[refused.reason];
  // Beside the words: whether it can be counted changes nothing for the caller.
  const isPlayed = isPlayedCall(channel.variables.get("agi_uniqueid") ?? "");
  const counting = isPlayed ? null : countForPeople(server, refused);
  try {
    // A call that is answered isn't free any more: no words, and its books are closed by whoever the hang-up handler asks.
    if (refused.reason !== "call_ended" && (await isUp(channel))) return await leaveCall(channel, cause);
    if (prompt !== null && refused.spokenIn !== null) await sayBeforeAnswer(server, channel, prompt, refused.spokenIn);
    await refuseCall(channel, cause);
  } finally {
    channel.close();
    await counting;
  }
}

/** Played calls aren't counted: nobody was refused. */
async function countForPeople(server: VoiceServer, refused: Refused): Promise<void> {
  try {
    await countRefusal(server.db, refused);
  } catch (error) {
    server.log("call.refusal_not_counted", { error });
  }
}

async function sayBeforeAnswer(
  server: VoiceServer,
  channel: AgiChannel,
  prompt: PromptKey,
  language: Language,
): Promise<void> {
  await channel.exec("Progress");
  await channel.setVariable("CHANNEL(language)", language);
  for (const fragment of speakPrompt(language, prompt, {})) await channel.streamFile(server.prompts.file(fragment));
}

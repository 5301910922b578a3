import { LANGUAGES, type Language } from "../core/messages.ts";
import { speakPrompt } from "../core/speech.ts";
import { type Call, speakIn } from "./call.ts";
import { askForKeys } from "./digits.ts";

/** How long a caller may think after the four sentences, and how often they are said. */
const CHOICE_SECONDS = 4;
const CHOICE_TRIES = 2;
/** Stays on the channel: whoever takes the call over doesn't ask again. */
const CHOSEN = "P2P_LANGUAGE";

/** The keys as the four sentences name them. */
const KEYS: Readonly<Record<string, Language>> = { "1": "fr", "2": "de", "3": "it", "4": "en" };

/**
 * Lets the caller choose a language by a key, before the call is answered, on numbers that ask for it. Each sentence is
 * said in its own language and any key cuts them short; without a choice it stays with the number's language.
 */
export async function chooseLanguage(call: Call): Promise<void> {
  if (!call.number.languageMenu) return;
  const before = await call.channel.getVariable(CHOSEN);
  const language = KEYS[before ?? ""];
  if (language) return speakIn(call, language);
  if (before !== null) return; // asked, and nothing was chosen
  if (call.leg.answeredMsAgo !== null || !call.number.earlyMedia) return;
  const key = await askKey(call);
  await call.channel.setVariable(CHOSEN, key ?? "0");
  const chosen = KEYS[key ?? ""];
  if (chosen) await speakIn(call, chosen);
}

async function askKey(call: Call): Promise<string | null> {
  const { prompts } = call.server;
  const files = LANGUAGES.flatMap((language) =>
    speakPrompt(language, "ivr.language.menu", {}).map((fragment) => prompts.fileIn(language, fragment)),
  );
  for (let tries = 0; tries < CHOICE_TRIES; tries++) {
    const { keys, timedOut } = await askForKeys(call, { files, count: 1, seconds: CHOICE_SECONDS });
    if (keys in KEYS) return keys;
    if (timedOut) return null;
  }
  return null;
}

import type { Call } from "./call.ts";
import { AgiError } from "./fastagi.ts";

/** How long a caller may think before the first key, and between two keys. */
export const FIRST_DIGIT_SECONDS = 8;
export const NEXT_DIGIT_SECONDS = 4;

/** What came of asking for digits: all of them, too few before time ran out, or none at all. */
export type Keyed =
  | { readonly outcome: "complete"; readonly digits: string }
  | { readonly outcome: "incomplete"; readonly digits: string }
  | { readonly outcome: "silent" };

/**
 * Asks for `length` digits while the fragments play; the key that cuts the prompt short is the first digit. Prompt and
 * digits are ONE command (the Read application), because Asterisk drops keys that fall between two commands. `*` starts
 * over, `#` ends early. Works before answer too.
 */
export async function collectDigits(
  call: Call,
  request: { readonly fragments: readonly string[]; readonly length: number; readonly keyedAhead?: string },
): Promise<Keyed> {
  let digits = sinceStar(request.keyedAhead ?? "");
  let files = request.fragments.map((fragment) => call.server.prompts.file(fragment)).join("&");
  while (digits.length < request.length) {
    const wanted = request.length - digits.length;
    const read = await readKeys(call, files, wanted);
    digits = sinceStar(digits + read.keys);
    if (read.keys.length < wanted) break; // a timer ran out, or # was pressed
    files = "";
  }
  if (digits.length >= request.length) return { outcome: "complete", digits: digits.slice(0, request.length) };
  return digits === "" ? { outcome: "silent" } : { outcome: "incomplete", digits };
}

/** Sets the timers of `collectDigits` for this channel. */
export async function setDigitTimers(call: Call): Promise<void> {
  await call.channel.setVariable("TIMEOUT(response)", String(FIRST_DIGIT_SECONDS));
  await call.channel.setVariable("TIMEOUT(digit)", String(NEXT_DIGIT_SECONDS));
}

async function readKeys(call: Call, files: string, count: number): Promise<{ readonly keys: string }> {
  // «n» reads without answering the call; one attempt, because our own loop counts the tries.
  await call.channel.exec("Read", `P2P_KEYS,${files},${count},n,1`);
  const status = await call.channel.getVariable("READSTATUS");
  if (status === "HANGUP") throw new AgiError("hung_up", "the caller hung up while keying");
  if (status === "ERROR") throw new AgiError("failed", "Read failed: is a prompt missing?");
  const keys = (await call.channel.getVariable("P2P_KEYS")) ?? "";
  if (!/^[0-9*A-D]*$/.test(keys)) throw new AgiError("bad_reply", "Read gave something that no keypad has");
  return { keys };
}

/** A caller who errs presses star and begins again. */
function sinceStar(keys: string): string {
  return keys.slice(keys.lastIndexOf("*") + 1);
}

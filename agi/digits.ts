import type { Call } from "./call.ts";
import { AgiError } from "./fastagi.ts";

/** How long a caller may think before the first key, and between two keys. */
const FIRST_DIGIT_SECONDS = 8;
const NEXT_DIGIT_SECONDS = 4;
/** Keys that one question listens to: a stuck star would start over for ever. */
const KEYS_MAX = 24;

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
  const { length } = request;
  let digits = request.keyedAhead ?? "";
  let files = request.fragments.map((fragment) => call.server.prompts.file(fragment));
  for (let heard = 0; digits.length < length && heard < KEYS_MAX; files = []) {
    const count = length - digits.length;
    const { keys } = await askForKeys(call, { files, count });
    digits = digitsIn(digits + keys, length);
    if (keys.length < count) break; // a timer ran out, or # was pressed
    heard += keys.length;
  }
  if (digits.length === length) return { outcome: "complete", digits };
  return digits === "" ? { outcome: "silent" } : { outcome: "incomplete", digits };
}

/** The digits, at most `length`, that the caller keys within `milliseconds`, before anything is asked. */
export async function digitsAhead(call: Call, length: number, milliseconds: number): Promise<string> {
  const { meter } = call.server;
  const deadline = meter.now() + milliseconds;
  let keys = "";
  for (;;) {
    const leftSeconds = (deadline - meter.now()) / 1_000;
    if (leftSeconds <= 0) return digitsIn(keys, length);
    const count = Math.max(1, length - digitsIn(keys, length).length);
    const read = await askForKeys(call, { files: [], count, seconds: leftSeconds });
    keys += read.keys;
    if (!read.timedOut && read.keys.length < count) keys += "#";
  }
}

/** Sets the timers of `collectDigits` for this channel. */
export async function setDigitTimers(call: Call): Promise<void> {
  await call.channel.setVariable("TIMEOUT(response)", String(FIRST_DIGIT_SECONDS));
  await call.channel.setVariable("TIMEOUT(digit)", String(NEXT_DIGIT_SECONDS));
}

/**
 * Plays the files and reads up to `count` keys, `#` ending early, in one command. Without `seconds` the channel's own
 * timers hold, the first digit's apart from the next ones'.
 */
export async function askForKeys(
  call: Call,
  request: { readonly files: readonly string[]; readonly count: number; readonly seconds?: number },
): Promise<{ readonly keys: string; readonly timedOut: boolean }> {
  const { files, count, seconds } = request;
  const timer = seconds === undefined ? "" : `,${seconds.toFixed(3)}`;
  // «n» reads without answering the call; one attempt, because our own loop counts the tries.
  await call.channel.exec("Read", `P2P_KEYS,${files.join("&")},${count},n,1${timer}`);
  const status = await call.channel.getVariable("READSTATUS");
  if (status === "HANGUP") throw new AgiError("hung_up", "the caller hung up while keying");
  if (status === "ERROR") throw new AgiError("failed", "Read failed: is a prompt missing?");
  const keys = (await call.channel.getVariable("P2P_KEYS")) ?? "";
  if (!/^[0-9*A-D]*$/.test(keys)) throw new AgiError("bad_reply", "Read gave something that no keypad has");
  return { keys, timedOut: status === "TIMEOUT" };
}

/**
 * The first `length` digits of what was keyed. A star starts over; so does a hash that came too early, since whoever
 * presses it has ended what they keyed; what follows a whole code, and the letters of the fourth column, are nothing.
 */
function digitsIn(keys: string, length: number): string {
  let digits = "";
  for (const key of keys) {
    if (key === "*" || (key === "#" && digits.length < length)) digits = "";
    else if (/[0-9]/.test(key) && digits.length < length) digits += key;
  }
  return digits;
}

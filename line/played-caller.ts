import { type DialOptions, dial, type LineEvent, type SimulatedCall } from "./simulated-call.ts";

/** What a played caller does. */
export interface CallerPart {
  /** Keyed wherever the code is asked; null: nothing is. */
  readonly code: string | null;
  /** Hangs up so long after the answer, but not before the code was accepted; null: stays until the call ends. */
  readonly hangUpAfterMs: number | null;
}

/** As fast as a deft finger. */
const KEY_EVERY_MS = 120;
/** A caller who hears the four languages takes the first: the payment's own is spoken as soon as the code is known. */
const LANGUAGE_KEY = "1";
const CODE_QUESTIONS: readonly string[] = ["ivr-code-ask", "ivr-code-invalid", "ivr-code-incomplete"];

/** Dials, and plays a caller who does what the prompts ask: chooses a language, accepts the price, keys the code, waits. */
export function playCaller(line: Omit<DialOptions, "onEvent">, part: CallerPart): SimulatedCall {
  let answeredAtMs: number | null = null;
  let codeKeyed = false;
  let codeAccepted = false;
  let hangUp: NodeJS.Timeout | undefined;

  const keyIn = async (keys: string): Promise<void> => {
    for (const key of keys) {
      await new Promise((resolve) => setTimeout(resolve, KEY_EVERY_MS));
      call.press(key);
    }
  };
  const hear = (fragment: string): void => {
    if (fragment === "ivr-language-menu") void keyIn(LANGUAGE_KEY);
    if (fragment === "ivr-price-accept") void keyIn("#");
    if (CODE_QUESTIONS.includes(fragment) && part.code !== null) void keyIn(part.code).then(() => (codeKeyed = true));
  };
  const call = dial({
    ...line,
    onEvent(event) {
      if (event.kind === "answered") answeredAtMs = performance.now();
      if (event.kind === "prompt") hear(event.fragment);
      codeAccepted ||= codeKeyed && goesOn(event);
      if (part.hangUpAfterMs === null || answeredAtMs === null || !codeAccepted) return;
      const inMs = answeredAtMs + part.hangUpAfterMs - performance.now();
      hangUp ??= setTimeout(() => call.hangUp(), Math.max(0, inMs));
    },
  });
  void call.finished.then(() => clearTimeout(hangUp));
  return call;
}

/** What is heard only after the code was accepted: the music, or a sentence about something else. */
function goesOn(event: LineEvent): boolean {
  if (event.kind === "prompt") return !event.fragment.startsWith("ivr-code-");
  return event.kind === "music" && event.playing;
}

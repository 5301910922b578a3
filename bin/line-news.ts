import { readFile } from "node:fs/promises";
import path from "node:path";
import type { CallEnd, LineEvent } from "../line/simulated-call.ts";

/** The recordings by language and name: how long each plays and what it says. */
export type Recordings = Readonly<
  Record<string, Readonly<Record<string, { readonly milliseconds: number; readonly text: string }>>>
>;

/** Reads asterisk-config/prompts/manifest.json. */
export async function readRecordings(): Promise<Recordings> {
  const file = path.resolve(import.meta.dirname, "../asterisk-config/prompts/manifest.json");
  return JSON.parse(await readFile(file, "utf8")) as Recordings;
}

/** How long each recording plays, in ms; 0 for one that there isn't. */
export function promptLengths(recordings: Recordings): (language: string, fragment: string) => number {
  return (language, fragment) => recordings[language]?.[fragment]?.milliseconds ?? 0;
}

/** What a telephone on a page is told: the line's own event, and what to show for it. */
export type LineNews = LineEvent & {
  readonly state?: "ringing" | "beforeAnswer" | "inCall" | "ended" | "refused" | "failed";
  /** The words heard now; "" for none. */
  readonly prompt?: string;
};

/** Recordings that follow one another within this are one sentence: amounts are put together from several. */
const ONE_SENTENCE_MS = 400;
/** Q.850: a number that isn't there, a call that is rejected. */
const REFUSALS: readonly number[] = [1, 21];
const CAUSE_NORMAL = 16;

/** Turns the events of one call into news, one after the other. */
export function newsMaker(recordings: Recordings): (event: LineEvent) => LineNews {
  let sentence = "";
  let silentSinceMs = Number.NEGATIVE_INFINITY;
  return (event) => {
    switch (event.kind) {
      case "ringing":
        return { ...event, state: "ringing" };
      case "progress":
        return { ...event, state: "beforeAnswer" };
      case "answered":
        return { ...event, state: "inCall" };
      case "ended":
        return { ...event, state: outcomeOf(event), prompt: "" };
      case "prompt": {
        const words = recordings[event.language]?.[event.fragment]?.text ?? "";
        const goesOn = performance.now() - silentSinceMs < ONE_SENTENCE_MS;
        sentence = goesOn ? `${sentence} ${words}` : words;
        return { ...event, prompt: sentence };
      }
      case "silence":
        // The words stay to be read until there are others: a page is slower to take in than a voice.
        silentSinceMs = performance.now();
        return event;
      case "music":
        return event.playing ? { ...event, prompt: "" } : event;
      case "keyed":
        return event;
    }
  };
}

function outcomeOf({ endedBy, answeredAtMs, cause }: CallEnd): "ended" | "refused" | "failed" {
  if (endedBy === "caller" || answeredAtMs !== null || cause === CAUSE_NORMAL) return "ended";
  return REFUSALS.includes(cause) ? "refused" : "failed";
}

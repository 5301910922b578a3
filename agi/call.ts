import type { Language } from "../core/messages.ts";
import { pulsesOf } from "../core/tariff.ts";
import type { CallLeg } from "../db/call-legs.ts";
import type { Db } from "../db/database.ts";
import type { NumberInService } from "../db/numbers.ts";
import type { Trunk } from "../db/trunks.ts";
import type { AgiChannel } from "./fastagi.ts";
import type { Journal } from "./journal.ts";
import type { Meter, MeteredCall } from "./meter.ts";
import type { Prompts } from "./prompts.ts";

/** What a worker lends to each of its calls. */
export interface VoiceServer {
  readonly db: Db;
  readonly meter: Meter;
  readonly journal: Journal;
  readonly prompts: Prompts;
  /** Names this process in the books, for people who look. */
  readonly worker: string;
  readonly callerHashKey: string;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
}

/** One call under way. */
export interface Call {
  readonly server: VoiceServer;
  readonly channel: AgiChannel;
  readonly number: NumberInService;
  readonly leg: CallLeg;
  readonly metered: MeteredCall;
  /** The trunk it came in on. Only one that nobody bills may pay for test transactions. */
  readonly trunk: Trunk;
  /** How often the code may be keyed. */
  readonly codeTriesMax: number;
  /** The language spoken now: the number's, until the code tells the shopper's. */
  language: Language;
  /** When Asterisk itself ends the call should we not, in ms since answer. */
  backstopAtMs: number;
}

/** Thrown to end a call that we end ourselves; carries what is still to be said. */
export class CallOver extends Error {
  readonly reason: string;
  readonly say: readonly string[];
  constructor(reason: string, say: readonly string[] = []) {
    super(reason);
    this.name = "CallOver";
    this.reason = reason;
    this.say = say;
  }
}

/** Thrown when another worker has taken the call over: let go of it without a word. */
export class CallLost extends Error {
  override readonly name = "CallLost";
}

/** Plays the fragments one after the other; keys are ignored. */
export async function say(call: Call, fragments: readonly string[]): Promise<void> {
  const { prompts } = call.server;
  for (const fragment of fragments)
    await call.channel.streamFile(prompts.file(fragment), "", prompts.lengthMs(call.language, [fragment]));
}

/** Plays the fragments only when they end by `deadlineMs` since answer, and answers whether they did. */
export async function sayInTime(call: Call, fragments: readonly string[], deadlineMs: number): Promise<boolean> {
  const lengthMs = call.server.prompts.lengthMs(call.language, fragments);
  if (call.metered.elapsedMs() + lengthMs > deadlineMs) return false;
  await say(call, fragments);
  return true;
}

/**
 * Until when since answer the call costs nothing, with the trunk's guard. Infinity while it isn't answered: early media
 * is free.
 */
export function freeUntilMs({ metered, number, trunk }: Call): number {
  if (metered.elapsedMs() === 0) return Number.POSITIVE_INFINITY;
  return (pulsesOf(number.tariff.segments)[0]?.startsAtMs ?? 0) - trunk.guardBeforePulseMs;
}

/** Speaks another language from now on. */
export async function speakIn(call: Call, language: Language): Promise<void> {
  await call.channel.setVariable("CHANNEL(language)", language);
  call.language = language;
}

/**
 * Has Asterisk itself end the call when it is `atMs` old, should nobody else: at the end of the window in which we would
 * have, so that not even a server that is stuck costs the caller another pulse.
 */
export async function setBackstop(call: Call, atMs: number): Promise<void> {
  call.backstopAtMs = atMs;
  const seconds = Math.max(0.001, (atMs - call.metered.elapsedMs()) / 1_000); // 0 would take the time-out away
  await call.channel.setVariable("TIMEOUT(absolute)", seconds.toFixed(3));
}

/** Waits until the call is `atMs` old; throws as soon as the caller hangs up or another worker takes the call over. */
export async function until(call: Call, atMs: number): Promise<void> {
  const { channel, metered } = call;
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      channel.hungUp.removeEventListener("abort", hungUp);
      metered.lost.removeEventListener("abort", lost);
    };
    const hungUp = () => {
      stop();
      reject(channel.hungUp.reason); // the caller hung up, or the connection is gone: two things
    };
    const lost = () => {
      stop();
      reject(new CallLost());
    };
    const timer = setTimeout(
      () => {
        stop();
        resolve();
      },
      Math.max(0, atMs - metered.elapsedMs()),
    );
    if (channel.hungUp.aborted) return hungUp();
    if (metered.lost.aborted) return lost();
    channel.hungUp.addEventListener("abort", hungUp, { once: true });
    metered.lost.addEventListener("abort", lost, { once: true });
  });
}

import { randomInt } from "node:crypto";
import { parseSmartNumber } from "../core/smart-number.ts";
import { CAUSE_NORMAL, CAUSE_UNALLOCATED, runDialplan, type Site } from "./dialplan.ts";
import { LINE_LIMITS, type LineLimits } from "./limits.ts";
import { ANY_KEY, LineChannel } from "./line-channel.ts";
import type { CallEnd, LineEvent } from "./line-event.ts";

export type { CallEnd, LineEvent } from "./line-event.ts";

export interface DialOptions extends Site {
  /** As dialled: national or in one of the forms that carriers send. */
  readonly number: string;
  /** Null when the caller's network gives none. */
  readonly callerId: string | null;
  /** How long a recording plays, in ms; 0 when there is none of that name, which is then silence and a failed command. */
  readonly promptLengthMs: (language: string, fragment: string) => number;
  /** A new one unless given. */
  readonly uniqueid?: string;
  readonly onEvent?: (event: LineEvent) => void;
  readonly limits?: Partial<LineLimits>;
}

export interface SimulatedCall {
  readonly uniqueid: string;
  readonly state: "ringing" | "early" | "up" | "ended";
  /** One key of the telephone; lost when nobody listens. Throws a RangeError for what no keypad has. */
  press(key: string): void;
  /** The caller hangs up. */
  hangUp(): void;
  /** The end of the call, when its books have been asked to be closed; never rejects. */
  readonly finished: Promise<CallEnd>;
}

/**
 * Dials a number on a line that takes Asterisk's place: it speaks FastAGI to the servers as Asterisk does under our
 * dialplan, with the prompts played in silence and the keys coming from `press`. Throws a RangeError for options that
 * would not fit into AGI's lines.
 */
export function dial(options: DialOptions): SimulatedCall {
  const { agiServers, callerId, secret, onEvent = () => {}, promptLengthMs } = options;
  const number = parseSmartNumber(options.number);
  const uniqueid = options.uniqueid ?? newUniqueid();
  if (agiServers.length === 0 || !agiServers.every((server) => /^[\w.:-]+:\d{1,5}$/.test(server)))
    throw new RangeError("a call needs servers to ask, each as host:port");
  if (callerId !== null && !/^\+?[0-9]{1,20}$/.test(callerId)) throw new RangeError("the caller's number is no number");
  if (!/^[\w.-]{1,150}$/.test(uniqueid)) throw new RangeError("the uniqueid is none");
  if (!/^[\x20-\x7e]+$/.test(secret)) throw new RangeError("the secret doesn't fit into a line");
  const limits = { ...LINE_LIMITS, ...options.limits };
  const channel = new LineChannel({ number: number ?? "", callerId, uniqueid, promptLengthMs, limits, onEvent });
  const finished = run(channel, number === null ? null : options);
  return {
    uniqueid,
    get state() {
      if (channel.endedBy !== null) return "ended";
      if (channel.state === "Up") return "up";
      return channel.early ? "early" : "ringing";
    },
    press(key) {
      if (key.length !== 1 || !ANY_KEY.includes(key)) throw new RangeError("no telephone has this key");
      channel.press(key);
    },
    hangUp: () => channel.end("caller"),
    finished,
  };
}

async function run(call: LineChannel, site: Site | null): Promise<CallEnd> {
  using channel = call;
  channel.tell({ kind: "ringing" });
  const endOf = (cause: number): CallEnd => ({
    answeredAtMs: channel.answeredAtMs,
    talkMs: channel.talkMs,
    endedBy: channel.endedBy ?? "server",
    cause,
  });
  if (site === null) {
    channel.end("server");
    const end = endOf(CAUSE_UNALLOCATED);
    channel.tell({ kind: "ended", ...end });
    return end;
  }
  // A caller who hangs up has ended the call then and there; where we do, BYE waits for the hang-up handler.
  channel.hungUp.addEventListener("abort", () => {
    if (channel.endedBy === "caller") channel.tell({ kind: "ended", ...endOf(CAUSE_NORMAL) });
  });
  const end = endOf(await runDialplan(channel, site));
  if (end.endedBy !== "caller") channel.tell({ kind: "ended", ...end });
  return end;
}

let callsDialled = 0;

/** As Asterisk makes them, seconds and a count, with dice in between: two lines may start in the same second. */
function newUniqueid(): string {
  callsDialled += 1;
  return `line-${Math.floor(Date.now() / 1_000)}.${randomInt(1_000_000_000)}${callsDialled}`;
}

/** How a call can fail to obey a command; nothing else is ever thrown by agi/fastagi.ts. */
export type AgiErrorKind =
  | "hung_up"
  | "dead_channel"
  | "usage"
  | "unknown_command"
  | "closed"
  | "time_out"
  | "bad_reply"
  | "bad_argument"
  | "failed";

/** Decide on `kind`; the message is for people. */
export class AgiError extends Error {
  override readonly name = "AgiError";
  readonly kind: AgiErrorKind;

  constructor(kind: AgiErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** A `200` reply: `200 result=1 (value) endpos=8000`. */
export interface AgiReply {
  /** The text after `result=`, which may be empty. */
  readonly result: string;
  /** What stands in the parentheses, or null when there are none: an empty variable is "", an unset one null. */
  readonly value: string | null;
  /** Where playing stopped, in samples for STREAM FILE, or null. */
  readonly endpos: number | null;
}

// The value runs to the last parenthesis, since values hold parentheses themselves. Free text may follow ("Gosub
// complete"), but none with a parenthesis: a value that a newline cut short must not pass for a reply without value.
const REPLY = /^200 result=([^\s()]*)(?: \((.*)\))?(?: ([^()]*))?$/s;
const ENDPOS = /(?:^| )endpos=(\d+)/;

/** Reads a `200` line; null when it is not one. */
export function parseReply(line: string): AgiReply | null {
  const parts = REPLY.exec(line);
  if (parts === null) return null;
  const tail = parts[3];
  const endpos = tail === undefined ? undefined : ENDPOS.exec(tail)?.[1];
  return { result: parts[1] ?? "", value: parts[2] ?? null, endpos: endpos === undefined ? null : Number(endpos) };
}

const ENVIRONMENT_LINE = /^(agi_\w+):(?: (.*))?$/s;

/**
 * Reads one line of the environment; null when it is not one. Whoever does not speak AGI (a browser, a port scan)
 * fails here, on the first line.
 */
export function parseEnvironmentLine(line: string): { readonly name: string; readonly value: string } | null {
  const parts = ENVIRONMENT_LINE.exec(line);
  return parts === null ? null : { name: parts[1] ?? "", value: parts[2] ?? "" };
}

/** The script asked for: the path of agi_network_script, or else of agi_request, without slash and query. */
export function scriptOf(environment: ReadonlyMap<string, string>): string {
  const path = environment.get("agi_network_script") ?? environment.get("agi_request")?.replace(/^h?agi:\/\/[^/]*/, "");
  return (path ?? "").replace(/^\/+/, "").replace(/\?.*$/s, "");
}

/** agi_arg_1, agi_arg_2 and so on, up to the first that is missing. */
export function argumentsOf(environment: ReadonlyMap<string, string>): string[] {
  const values: string[] = [];
  for (;;) {
    const value = environment.get(`agi_arg_${values.length + 1}`);
    if (value === undefined) return values;
    values.push(value);
  }
}

/**
 * Escapes text that will stand between double quotes, so that Asterisk (parse_args in res_agi.c) takes it for exactly
 * one argument. A line break would start a second command and a NUL would end this one: those are refused, since
 * there is no way to escape them. So is a lone surrogate, which UTF-8 would silently change.
 */
export function escapeArgument(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new AgiError("bad_argument", "an AGI argument holds CR, LF or NUL");
  if (!text.isWellFormed()) throw new AgiError("bad_argument", "an AGI argument is not well-formed text");
  return text.replace(/["\\]/g, "\\$&");
}

/** One argument as it stands in a command line: bare when it is a plain word, quoted otherwise. */
export function quoteArgument(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `"${escapeArgument(text)}"`;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const HANGUP = "HANGUP";
const HANGUP_FIRST_BYTE = 72;

/** Who is told what an AgiLineReader finds. */
export interface AgiLineSink {
  onLine(line: string): void;
  onHangup(): void;
  onLineTooLong(): void;
}

/**
 * Cuts bytes into lines, however they were split on the way. It works on bytes, so a character that arrives in two
 * halves stays whole, and it holds back less than one line.
 */
export class AgiLineReader {
  readonly #sink: AgiLineSink;
  readonly #lineBytesMax: number;
  #rest: Buffer | null = null;
  #afterHangup = false;
  #stopped = false;

  constructor(sink: AgiLineSink, lineBytesMax: number) {
    this.#sink = sink;
    this.#lineBytesMax = lineBytesMax;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = null;
    let start = 0;
    while (!this.#stopped) {
      start = this.#skipHangup(bytes, start);
      const end = bytes.indexOf(LINE_FEED, start);
      if ((end < 0 ? bytes.length : end) - start > this.#lineBytesMax) {
        this.#sink.onLineTooLong();
        return;
      }
      if (end < 0) {
        if (start < bytes.length) this.#rest = bytes.subarray(start);
        return;
      }
      const textEnd = end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
      this.#sink.onLine(bytes.toString("utf8", start, textEnd));
      start = end + 1;
    }
  }

  /** Nothing more is reported, not even what the chunk in hand still holds. */
  stop(): void {
    this.#stopped = true;
    this.#rest = null;
  }

  /**
   * HANGUP is told by its six letters, not by its line end: older versions of Asterisk send it as urgent data, which
   * takes the line end out of the stream, so that the next reply is glued to it. No other line starts like that.
   */
  #skipHangup(bytes: Buffer, lineStart: number): number {
    let start = lineStart;
    for (;;) {
      if (this.#afterHangup && start < bytes.length) {
        this.#afterHangup = false;
        if (bytes[start] === LINE_FEED) start += 1;
      }
      if (bytes[start] !== HANGUP_FIRST_BYTE || bytes.toString("latin1", start, start + HANGUP.length) !== HANGUP) {
        return start;
      }
      start += HANGUP.length;
      this.#afterHangup = true;
      this.#sink.onHangup();
    }
  }
}

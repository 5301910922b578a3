import path from "node:path";
import type { LineLimits } from "./limits.ts";
import type { EndedBy, LineEvent } from "./line-event.ts";

export const ANY_KEY = "0123456789*#ABCD";

/** How a wait on the channel ended: by a key, by its time, by the end of the call, or by news from the server. */
export type WaitEnd =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "time" }
  | { readonly kind: "hung_up" }
  | { readonly kind: "interrupted" };

export interface Wait {
  readonly ms: number;
  /** Keys that end the wait; others are heard by nobody. */
  readonly keys?: string;
  /** What ends the wait from the server's side, for commands that Asterisk lets be interrupted. */
  readonly interrupt?: AbortSignal;
}

export interface LineChannelOptions {
  readonly number: string;
  readonly callerId: string | null;
  readonly uniqueid: string;
  readonly promptLengthMs: (language: string, fragment: string) => number;
  readonly limits: LineLimits;
  readonly onEvent: (event: LineEvent) => void;
}

/** The caller's channel, as Asterisk keeps it: its state, its clock, its variables and its ear. */
export class LineChannel implements Disposable {
  readonly options: LineChannelOptions;
  readonly variables = new Map<string, string>();
  language = "en";
  /** Time for the first key and for each further one, where a command doesn't bring its own. */
  responseMs = 10_000;
  digitMs = 5_000;
  /** True in the hang-up handler: commands that need a caller are refused. */
  dead = false;
  #answeredAtMs: number | null = null;
  #endedAtMs: number | null = null;
  #endedBy: EndedBy | null = null;
  #early = false;
  #musicPlays = false;
  /** Keys that the running command has not taken yet; null between two commands, when keys are lost. */
  #keys: string[] | null = null;
  #onKey: () => void = () => {};
  #backstopAtMs: number | null = null;
  #backstop: NodeJS.Timeout | undefined;
  readonly #hungUp = new AbortController();
  readonly #longest: NodeJS.Timeout;

  constructor(options: LineChannelOptions) {
    this.options = options;
    this.#longest = setTimeout(() => this.end("backstop"), options.limits.callMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#longest);
    clearTimeout(this.#backstop);
  }

  get name(): string {
    return `PJSIP/line-${this.options.uniqueid}`;
  }
  get state(): "Ring" | "Up" {
    return this.#answeredAtMs === null ? "Ring" : "Up";
  }
  get early(): boolean {
    return this.#early;
  }
  get answeredAtMs(): number | null {
    return this.#answeredAtMs;
  }
  get endedAtMs(): number | null {
    return this.#endedAtMs;
  }
  get endedBy(): EndedBy | null {
    return this.#endedBy;
  }
  /** From answer to the end, or to now; null when the call was never answered. */
  get talkMs(): number | null {
    return this.#answeredAtMs === null ? null : (this.#endedAtMs ?? clockMs()) - this.#answeredAtMs;
  }
  get hungUp(): AbortSignal {
    return this.#hungUp.signal;
  }
  get backstopInMs(): number {
    return this.#backstopAtMs === null ? 0 : Math.max(0, this.#backstopAtMs - clockMs());
  }

  /** Early media starts, where there is any need for it. */
  progress(): void {
    if (this.#early || this.state === "Up") return;
    this.#early = true;
    this.tell({ kind: "progress" });
  }

  answer(): void {
    if (this.#answeredAtMs !== null || this.#endedBy !== null) return;
    this.#answeredAtMs = clockMs();
    this.tell({ kind: "answered" });
  }

  /** Ends the call once: its clock stops here, whatever its servers still do about it. */
  end(by: EndedBy): void {
    if (this.#endedBy !== null) return;
    this.#endedBy = by;
    this.#endedAtMs = clockMs();
    clearTimeout(this.#backstop);
    this.#hungUp.abort();
  }

  /** TIMEOUT(absolute): the call ends so long from now; 0 or less takes it back. */
  setBackstop(inMs: number): void {
    clearTimeout(this.#backstop);
    this.#backstopAtMs = inMs > 0 ? clockMs() + inMs : null;
    if (inMs <= 0 || this.#endedBy !== null) return;
    this.#backstop = setTimeout(() => this.end("backstop"), Math.min(inMs, this.options.limits.callMs));
  }

  music(playing: boolean): void {
    if (this.#musicPlays === playing) return;
    this.#musicPlays = playing;
    this.tell({ kind: "music", playing });
  }

  /** A key of the caller: the running command's, or lost. */
  press(key: string): void {
    if (this.#endedBy !== null) return;
    this.tell({ kind: "keyed", key });
    if (this.#keys === null || this.#keys.length >= this.options.limits.keysQueued) return;
    this.#keys.push(key);
    this.#onKey();
  }

  /** Keys pressed while `command` runs are kept for it. */
  async listenWhile<T>(command: () => Promise<T>): Promise<T> {
    this.#keys = [];
    try {
      return await command();
    } finally {
      this.#keys = null;
    }
  }

  async wait({ ms, keys = "", interrupt }: Wait): Promise<WaitEnd> {
    return await new Promise<WaitEnd>((resolve) => {
      const finish = (end: WaitEnd) => {
        clearTimeout(timer);
        this.#onKey = () => {};
        this.hungUp.removeEventListener("abort", onHungUp);
        interrupt?.removeEventListener("abort", onInterrupt);
        resolve(end);
      };
      const onHungUp = () => finish({ kind: "hung_up" });
      const onInterrupt = () => finish({ kind: "interrupted" });
      const takeKey = () => {
        const key = this.#nextOf(keys);
        if (key !== null) finish({ kind: "key", key });
      };
      const timer = setTimeout(finish, Math.min(ms, this.options.limits.callMs), { kind: "time" });
      this.#onKey = takeKey;
      this.hungUp.addEventListener("abort", onHungUp);
      interrupt?.addEventListener("abort", onInterrupt);
      if (this.hungUp.aborted) onHungUp();
      else if (interrupt?.aborted) onInterrupt();
      else takeKey();
    });
  }

  /** Plays a recording; null when there is none of that name in the channel's language. */
  async play(
    file: string,
    wait: Omit<Wait, "ms">,
  ): Promise<{ readonly end: WaitEnd; readonly playedMs: number } | null> {
    const fragment = path.posix.basename(file);
    const lengthMs = this.options.promptLengthMs(this.language, fragment);
    if (!(lengthMs > 0)) return null;
    this.tell({ kind: "prompt", language: this.language, fragment });
    const startedAtMs = clockMs();
    const end = await this.wait({ ...wait, ms: lengthMs });
    this.tell({ kind: "silence" });
    return { end, playedMs: end.kind === "time" ? lengthMs : Math.min(lengthMs, clockMs() - startedAtMs) };
  }

  tell(event: LineEvent): void {
    this.options.onEvent(event);
  }

  #nextOf(accepted: string): string | null {
    for (let key = this.#keys?.shift(); key !== undefined; key = this.#keys?.shift()) {
      if (accepted.includes(key)) return key;
    }
    return null;
  }
}

/** Unix time in ms, with fractions, of a clock that never steps. */
export function clockMs(): number {
  return performance.timeOrigin + performance.now();
}

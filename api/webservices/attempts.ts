import { TooOften } from "../refusal.ts";

export interface AttemptLimits {
  readonly attemptsMax: number;
  readonly windowMs: number;
  /** Keys that are counted at a time; the one that came first makes room. */
  readonly keysMax: number;
}

/** Attempts by key, in windows that begin with the first one, in the memory of this process. */
export class Attempts {
  readonly #limits: AttemptLimits;
  readonly #windows = new Map<string, { count: number; readonly endsAtMs: number }>();

  constructor(limits: AttemptLimits) {
    this.#limits = limits;
  }

  /** Counts one before it is made, so that many at the same moment don't slip through. Throws TooOften. */
  take(key: string, nowMs: number): void {
    const { attemptsMax, windowMs, keysMax } = this.#limits;
    let window = this.#windows.get(key);
    if (!window || window.endsAtMs <= nowMs) {
      window = { count: 0, endsAtMs: nowMs + windowMs };
      this.#windows.delete(key);
      this.#windows.set(key, window);
      if (this.#windows.size > keysMax) this.#windows.delete(this.#windows.keys().next().value ?? "");
    }
    if (window.count >= attemptsMax) throw new TooOften(window.endsAtMs - nowMs);
    window.count++;
  }

  /** Takes an attempt back that turned out to be none. */
  giveBack(key: string): void {
    const window = this.#windows.get(key);
    if (window && window.count > 0) window.count--;
  }
}

/** How many wrong guesses are let through: so many at once, and so many more each minute. */
export interface GuessLimits {
  readonly atOnceMax: number;
  readonly perMinute: number;
}

/**
 * Wrong access codes of everybody together, and of the visitors of one shop. A minute of guessing at a hundred a second
 * shuts nobody out who has a code; guessing that goes on and on has 200 a minute, and with those finds one of 100,000
 * passes in a month.
 */
export const ACCESS_CODE_GUESSES: GuessLimits = { atOnceMax: 10_000, perMinute: 200 };

/** What is left of a crowd's wrong guesses. It is told the time, in ms of a clock that never steps. */
export class GuessBudget {
  readonly #limits: GuessLimits;
  #left: number;
  #atMs: number | null = null;

  constructor(limits: GuessLimits) {
    this.#limits = limits;
    this.#left = limits.atOnceMax;
  }

  left(nowMs: number): number {
    const { atOnceMax, perMinute } = this.#limits;
    const passedMs = nowMs - (this.#atMs ?? nowMs);
    this.#left = Math.min(atOnceMax, this.#left + (passedMs * perMinute) / 60_000);
    this.#atMs = nowMs;
    return Math.floor(this.#left);
  }

  spend(nowMs: number): void {
    if (this.left(nowMs) > 0) this.#left -= 1;
  }

  /** How long until another guess is let through; 0 where one is now. */
  waitMs(nowMs: number): number {
    return this.left(nowMs) > 0 ? 0 : Math.ceil(((1 - this.#left) * 60_000) / this.#limits.perMinute);
  }
}

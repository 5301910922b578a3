/** Open progress streams in one process; each is a socket and a little memory. */
const WATCHERS_MAX = 10_000;
/** Offices and mobile networks put many people behind one address. */
const WATCHERS_OF_ADDRESS_MAX = 1_000;
/** A shopper's open tabs, and the ones that a lost network left behind. */
const WATCHERS_OF_TRANSACTION_MAX = 10;

/** Counts who watches, so that nobody takes all places. */
export class WatcherPlaces {
  readonly #taken = new Map<string, number>();

  /** Takes a place; the returned function gives it back, once. Null: no place is left. */
  take(address: string, transactionId: string): (() => void) | null {
    const caps: readonly (readonly [string, number])[] = [
      ["all", WATCHERS_MAX],
      [`address ${address}`, WATCHERS_OF_ADDRESS_MAX],
      [`transaction ${transactionId}`, WATCHERS_OF_TRANSACTION_MAX],
    ];
    if (caps.some(([name, max]) => this.#count(name) >= max)) return null;
    for (const [name] of caps) this.#taken.set(name, this.#count(name) + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      for (const [name] of caps) {
        const count = this.#count(name) - 1;
        if (count === 0) this.#taken.delete(name);
        else this.#taken.set(name, count);
      }
    };
  }

  #count(name: string): number {
    return this.#taken.get(name) ?? 0;
  }
}

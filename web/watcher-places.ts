import { normalizeIP } from "@fastify/rate-limit";

/** Open progress streams in one process; each is a socket and a little memory. */
const WATCHERS_MAX = 10_000;
/** Offices and mobile networks put many people behind one address. */
const WATCHERS_OF_ADDRESS_MAX = 1_000;

/** Counts who watches, so that nobody takes all places. How many may watch one payment: web/watched-payment.ts. */
export class WatcherPlaces {
  readonly #takenBy = new Map<string, number>();
  #taken = 0;

  /** Takes a place; the returned function gives it back, once. Null: no place is left. */
  take(ip: string): (() => void) | null {
    const address = normalizeIP(ip); // of IPv6 the /64, which is one subscriber's
    const own = this.#takenBy.get(address) ?? 0;
    if (this.#taken >= WATCHERS_MAX || own >= WATCHERS_OF_ADDRESS_MAX) return null;
    this.#taken += 1;
    this.#takenBy.set(address, own + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#taken -= 1;
      const left = (this.#takenBy.get(address) ?? 1) - 1;
      if (left === 0) this.#takenBy.delete(address);
      else this.#takenBy.set(address, left);
    };
  }
}

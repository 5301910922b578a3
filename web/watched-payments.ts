import { gathered } from "../db/gathered.ts";
import { type Progress, readProgress } from "../db/progress.ts";
import type { WebOptions } from "./options.ts";
import { WatchedPayment } from "./watched-payment.ts";

interface Entry {
  readonly payment: WatchedPayment;
  readonly stopListening: () => void;
  pages: number;
}

/**
 * The payments that pages of this process watch, each known as long as one does. All readings go through one gatherer:
 * those that are asked for at the same time share their statements, and when the database comes back after a gap they
 * come one batch after another, so that thousands of pages don't fall upon it at once.
 */
export class WatchedPayments {
  readonly #watch: WebOptions["watch"];
  readonly #read: (id: string) => Promise<Progress | null>;
  readonly #entries = new Map<string, Entry>();
  readonly #stopHearingOfGaps: () => void;

  /** `onFault` is told when readings begin to fail, once until one works again. */
  constructor({ db, watch }: Pick<WebOptions, "db" | "watch">, onFault: (error: unknown) => void) {
    this.#watch = watch;
    let isFaultTold = false;
    this.#read = gathered(async (ids: readonly string[]) => {
      try {
        const read = await readProgress(db, ids);
        isFaultTold = false;
        return ids.map((id) => read.get(id) ?? null);
      } catch (error) {
        if (!isFaultTold) onFault(error);
        isFaultTold = true;
        throw error;
      }
    });
    this.#stopHearingOfGaps = watch.onGap(() => {
      for (const { payment } of this.#entries.values()) void payment.catchUp();
    });
  }

  /** The payment, for one page; the page calls `leave` once. */
  enter(id: string): { readonly payment: WatchedPayment; readonly leave: () => void } {
    const entry = this.#entries.get(id) ?? this.#open(id);
    entry.pages += 1;
    return {
      payment: entry.payment,
      leave: () => {
        entry.pages -= 1;
        if (entry.pages === 0) this.#close(id, entry);
      },
    };
  }

  /** No gap is heard of any more. */
  close(): void {
    this.#stopHearingOfGaps();
  }

  #open(id: string): Entry {
    const payment = new WatchedPayment(() => this.#read(id));
    // Listening starts before the first reading, so that nothing falls between the two.
    const entry = { payment, stopListening: this.#watch.watch(id, (notice) => payment.hear(notice)), pages: 0 };
    this.#entries.set(id, entry);
    return entry;
  }

  #close(id: string, { payment, stopListening }: Entry): void {
    this.#entries.delete(id);
    stopListening();
    payment.close();
  }
}

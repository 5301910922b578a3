import type { Language } from "../core/messages.ts";
import { type Status, statusAt } from "../core/transaction.ts";
import type { Notice } from "../db/notices.ts";
import type { Progress } from "../db/progress.ts";
import { liveState } from "./live-state.ts";

/** A reading that failed is tried again after so long, give or take a half, until it works. */
const READ_AGAIN_MS = 1_000;
/** A shopper's open tabs, and the connections that a lost network left behind. */
export const WATCHERS_OF_PAYMENT_MAX = 10;

/** What the pages are told: written once, however many of them there are. */
export interface Told {
  readonly data: string;
  /** The same as a server-sent event. */
  readonly bytes: Buffer;
  /** Nothing comes after this. */
  readonly isLast: boolean;
}

/** One page that watches. */
export interface Watcher {
  readonly language: Language;
  tell(told: Told): void;
  /** Its place is wanted by a newer page of the same payment. */
  giveWay(): void;
}

/**
 * One payment as the pages in this process that watch it know it: read once, kept up to date by notices, told to all of
 * them at once. A pulse costs no query, and is put into words once for each language.
 */
export class WatchedPayment {
  readonly #readProgress: () => Promise<Progress | null>;
  readonly #watchers = new Set<Watcher>();
  #progress: Progress | null = null;
  /** The database's clock minus ours, as of the last reading. */
  #clockSkewMs = 0;
  #reading: Promise<Progress | null> | null = null;
  #isStale = false;
  #isCatchingUp = false;
  #again: NodeJS.Timeout | undefined;
  #statusTold: Status | null = null;
  #isClosed = false;

  constructor(readProgress: () => Promise<Progress | null>) {
    this.#readProgress = readProgress;
  }

  /** How far it is now; null when there is no such payment. Who asks while it is being read shares that reading. */
  read(): Promise<Progress | null> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Tells a page where the payment, which has been read, stands now, and from now on whatever happens to it. */
  add(watcher: Watcher): void {
    const [oldest] = this.#watchers;
    if (oldest && this.#watchers.size >= WATCHERS_OF_PAYMENT_MAX) oldest.giveWay();
    this.#watchers.add(watcher);
    const told = this.#say(watcher.language);
    if (told) watcher.tell(told);
  }

  remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  /** A pulse is told without a query: the sum comes with the notice, the rest follows from the staircase. */
  hear({ billedRappen }: Notice): void {
    if (billedRappen === undefined || this.#progress?.transaction.status !== "calling") return void this.catchUp();
    this.#book(billedRappen);
    this.#tellAll();
  }

  /** Reads it anew and tells it; however often that is asked meanwhile, it causes one more reading. */
  async catchUp(): Promise<void> {
    this.#isStale = true;
    clearTimeout(this.#again);
    if (this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    try {
      while (this.#isStale && !this.#isClosed) if (await this.read()) this.#tellAll();
    } catch {
      if (!this.#isClosed) this.#again = setTimeout(() => void this.catchUp(), READ_AGAIN_MS * (0.5 + Math.random()));
    } finally {
      this.#isCatchingUp = false;
    }
  }

  /** Tells what the clock alone changed: nobody is notified when time runs out. */
  lookAtClock(): void {
    if (this.#progress && statusAt(this.#progress.transaction, this.#now()) !== this.#statusTold) this.#tellAll();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#again);
  }

  async #readOnce(): Promise<Progress | null> {
    this.#isStale = false;
    const progress = await this.#readProgress();
    if (!progress) return null;
    const told = this.#progress?.transaction.billedRappen ?? 0;
    this.#clockSkewMs = progress.now.getTime() - Date.now();
    this.#progress = progress;
    this.#book(told); // a pulse that was told while we read may be newer than what we read
    return this.#progress;
  }

  #book(billedRappen: number): void {
    if (!this.#progress || billedRappen <= this.#progress.transaction.billedRappen) return;
    this.#progress = { ...this.#progress, transaction: { ...this.#progress.transaction, billedRappen } };
  }

  #tellAll(): void {
    const said = new Map<Language, Told | null>();
    for (const watcher of this.#watchers) {
      const { language } = watcher;
      if (!said.has(language)) said.set(language, this.#say(language));
      const told = said.get(language);
      if (told) watcher.tell(told);
    }
  }

  #say(language: Language): Told | null {
    if (!this.#progress) return null;
    const state = liveState(this.#progress, language, this.#now());
    this.#statusTold = state.status;
    const data = JSON.stringify(state);
    return { data, bytes: Buffer.from(`data: ${data}\n\n`), isLast: OVER.has(state.status) };
  }

  #now(): Date {
    return new Date(Date.now() + this.#clockSkewMs);
  }
}

/** What no call and no click of the shopper changes any more; their pages don't watch. */
const OVER: ReadonlySet<Status> = new Set(["confirmed", "redeemed", "cancelled"]);

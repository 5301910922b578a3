import { pulsesDue, pulsesOf, type Segment } from "../core/tariff.ts";
import { renewLeases } from "../db/call-legs.ts";
import type { Db } from "../db/database.ts";
import { bookPulses, type DuePulses } from "../db/pulses.ts";
import { isDatabaseAway } from "../db/unavailable.ts";
import { inTime } from "./in-time.ts";
import type { Journal } from "./journal.ts";
import { type Account, type CallToMeter, type MeteredLeg, openAccount } from "./metered-call.ts";

/** Pulses of all calls of a worker go out together, so often. */
export const BOOKING_INTERVAL_MS = 200;
/** A pulse is booked when the line has outlived it by this: the news that the caller hung up just before has then arrived. */
export const PULSE_SETTLE_MS = 150;
/** A booking waits for proofs of life no longer than this; lines that are just playing a prompt follow in the next. */
const PROOFS_MS_MAX = 50;
/** Legs without a pulse due are shown to be alive so often; well below their lease (db/pulses.ts). */
const HEARTBEAT_MS = 4_000;
/** A booking that the database hasn't answered for so long is written to the local journal meanwhile. */
const BOOKING_SLOW_MS = 1_000;
/** A batch that was under way when we asked, the one we wait for, and some more if there is much to catch up with. */
const SETTLE_TRIES_MAX = 5;
/** Pulses that one statement books at most: after a long outage the rest follows in the next. */
const PULSES_IN_ONE_MAX = 5_000;
/** So long after its end it is still known how long a call lasted by our clock. */
const REMEMBERED_MS = 120_000;
/** A process whose meter hasn't ticked for so long was stuck, and hears late what happened meanwhile. */
const STUCK_MS = 3_000;

/** One call under the meter. */
export interface MeteredCall {
  readonly leg: MeteredLeg;
  readonly segments: readonly Segment[];
  /** Aborted when the leg has another owner or was closed: whoever serves it has to let go. */
  readonly lost: AbortSignal;
  /** Sets the moment of answer, in ms of the meter's clock: pulses fall from now on. */
  answered(atMs: number): void;
  /** The caller was heard hanging up: no more time passes. */
  stopped(): void;
  /** How long ago the call was answered; 0 before. */
  elapsedMs(): number;
  /** What a call of `durationMs` owes beyond what is booked, for the closing of the books. */
  owed(durationMs: number): DuePulses;
  /** Whether the line is proved to have outlived every pulse that has fallen; asks Asterisk where it isn't known yet. */
  outlived(): Promise<boolean>;
  /** Books all that is due up to `throughMs` now; false when the database couldn't take it, or the line is silent. */
  settle(throughMs: number): Promise<boolean>;
  /** Takes the call off the meter. */
  release(): void;
}

/** How long a call lasted, by a clock that never steps. */
export interface CallLength {
  /** The line is proved to have been up so long. */
  readonly atLeastMs: number;
  /** Then we heard of its end. */
  readonly atMostMs: number;
  /** Until we heard of it; null when this process was stuck just then, and so heard late: then others know better. */
  readonly steadyMs: number | null;
}

/** The meter of one worker: keeps time for its calls on a monotonic clock and books their pulses in batches. */
export interface Meter extends AsyncDisposable {
  /** Now, in ms of a clock that never steps. */
  now(): number;
  meterCall(call: CallToMeter): MeteredCall;
  /** What is known here, by a clock that never steps, of the length of a call whose caller was heard hanging up. */
  lengthOf(uniqueid: string): CallLength | null;
  /** The books of that call are closed: nobody will ask for its length any more. */
  forget(uniqueid: string): void;
  /** Whether a call is on this meter. */
  readonly meters: (uniqueid: string) => boolean;
  readonly calls: number;
}

/**
 * Starts a meter. A booking that fails is not lost: what is due is worked out anew at each tick from the time since
 * answer, so the next batch carries it; and until then the local journal holds it, should this process die.
 */
export function startMeter(options: {
  readonly db: Db;
  readonly journal: Journal;
  readonly now?: () => number;
  readonly onError?: (error: unknown) => void;
}): Meter {
  const { db, journal, now = () => performance.now(), onError = () => {} } = options;
  const calls = new Map<number, Account>();
  const lengths = new Map<string, CallLength & { readonly forgetAtMs: number }>();
  let flushing: Promise<boolean> | null = null;
  let flushingSince = 0;
  let heartbeatAt = now();
  let tickedAt = now();
  let stuckUntil = Number.NEGATIVE_INFINITY;

  function flush(): Promise<boolean> {
    if (flushing === null) {
      flushingSince = now();
      flushing = book().finally(() => {
        flushing = null;
      });
    } else if (now() - flushingSince > BOOKING_SLOW_MS) void proveDue().then(writeDown);
    return flushing;
  }

  async function book(): Promise<boolean> {
    await proveDue();
    const due = [...calls.values()].map((account) => account.proven(PULSE_SETTLE_MS));
    const batch = cut(
      due.filter((line) => line.pulses.length > 0),
      PULSES_IN_ONE_MAX,
    );
    try {
      if (batch.length > 0) await bookBatch(batch);
      await showAlive();
      return true;
    } catch (error) {
      onError(error);
      await writeDown();
      return false;
    }
  }

  /** Asks the lines that owe a pulse whether they are still there. */
  async function proveDue(): Promise<void> {
    const unproven = [...calls.values()].filter(
      (account) => account.due(PULSE_SETTLE_MS).pulses.length > account.proven(PULSE_SETTLE_MS).pulses.length,
    );
    if (unproven.length === 0) return;
    const proofs = Promise.all(unproven.map((account) => account.prove()));
    await inTime(proofs, PROOFS_MS_MAX, () => {});
  }

  /** All together; if the database is there but refuses the batch, one by one, so that one bad call holds up no other. */
  async function bookBatch(batch: readonly DuePulses[]): Promise<void> {
    try {
      note(batch, (await bookPulses(db, batch)).held);
    } catch (error) {
      if (batch.length === 1 || (await isDatabaseAway(db, error))) throw error;
      for (const line of batch) await bookBatch([line]).catch(onError);
    }
  }

  function note(batch: readonly DuePulses[], held: ReadonlySet<number>): void {
    for (const line of batch) {
      const account = calls.get(line.leg);
      if (!account || account.leg.epoch !== line.epoch) continue;
      if (held.has(line.leg)) account.bookedThrough = line.pulses.at(-1)?.sequence ?? account.bookedThrough;
      else account.lose();
      // A line written while this booking was slow may say more than it took.
      if (account.lost.aborted || account.bookedThrough >= account.journaledThrough)
        journal.settle("due", account.leg.uniqueid);
    }
  }

  /** What the database could not be told goes to the local journal: once for each pulse, not at each try. */
  async function writeDown(): Promise<void> {
    const lines = [...calls.values()].flatMap((account) => {
      const last = account.proven(PULSE_SETTLE_MS).pulses.at(-1);
      if (last === undefined || last.sequence <= account.journaledThrough) return [];
      account.journaledThrough = last.sequence;
      return [{ kind: "due" as const, uniqueid: account.leg.uniqueid, throughMs: account.provenMs - PULSE_SETTLE_MS }];
    });
    if (lines.length > 0) await journal.keep(lines).catch(onError);
  }

  async function showAlive(): Promise<void> {
    if (now() - heartbeatAt < HEARTBEAT_MS) return;
    heartbeatAt = now();
    for (const [uniqueid, { forgetAtMs }] of lengths) if (forgetAtMs < now()) lengths.delete(uniqueid);
    const legs = [...calls.values()].map(({ leg }) => ({ leg: leg.id, epoch: leg.epoch }));
    if (legs.length > 0) await renewLeases(db, legs);
  }

  const timer = setInterval(() => {
    // What happened meanwhile is heard right after this tick, and some of it after the next.
    if (now() - tickedAt > STUCK_MS) stuckUntil = now() + STUCK_MS;
    tickedAt = now();
    void flush();
  }, BOOKING_INTERVAL_MS);
  timer.unref();

  return {
    now,
    get calls() {
      return calls.size;
    },
    meters: (uniqueid) => [...calls.values()].some((account) => account.leg.uniqueid === uniqueid),
    lengthOf: (uniqueid) => lengths.get(uniqueid) ?? null,
    forget: (uniqueid) => void lengths.delete(uniqueid),
    meterCall(call) {
      const { leg, segments } = call;
      const account = openAccount(call, now);
      calls.set(leg.id, account);
      return {
        leg,
        segments,
        lost: account.lost,
        answered: (atMs) => account.answered(atMs),
        stopped() {
          account.stopped();
          const [atLeastMs, atMostMs] = [account.provenMs, account.elapsedMs()];
          const isSteady = now() - tickedAt < STUCK_MS && now() > stuckUntil;
          const steadyMs = isSteady ? atMostMs : null;
          lengths.set(leg.uniqueid, { atLeastMs, atMostMs, steadyMs, forgetAtMs: now() + REMEMBERED_MS });
        },
        elapsedMs: () => account.elapsedMs(),
        owed: (durationMs) => account.owed(durationMs),
        async outlived() {
          const fell = pulsesOf(segments)[pulsesDue(segments, account.elapsedMs() - leg.countsAfterMs) - 1];
          const isProven = () => !fell || account.provenMs > fell.startsAtMs + leg.countsAfterMs;
          // The first proof may have been asked for before the pulse fell, and wait behind a prompt.
          for (let asked = 0; asked < 2 && !isProven(); asked++) await account.prove();
          return isProven();
        },
        async settle(throughMs) {
          const wanted = pulsesDue(segments, throughMs - leg.countsAfterMs);
          for (let tries = 0; account.bookedThrough < wanted; tries++) {
            if (tries === SETTLE_TRIES_MAX || account.lost.aborted || !(await flush())) return false;
          }
          return true;
        },
        release: () => {
          if (calls.get(leg.id) === account) calls.delete(leg.id);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await flushing;
    },
  };
}

/** As many whole lines as hold at most `most` pulses, but always the first. */
function cut(lines: readonly DuePulses[], most: number): readonly DuePulses[] {
  const taken: DuePulses[] = [];
  let pulses = 0;
  for (const line of lines) {
    pulses += line.pulses.length;
    if (pulses > most && taken.length > 0) break;
    taken.push(line);
  }
  return taken;
}

import { type Pulse, pulsesDue, pulsesOf, type Segment } from "../core/tariff.ts";
import { type CallLeg, renewLeases } from "../db/call-legs.ts";
import type { Db } from "../db/database.ts";
import { bookPulses, type DuePulses } from "../db/pulses.ts";
import { isDatabaseAway } from "../db/unavailable.ts";

/** Pulses of all calls of a worker go out together, so often. */
export const BOOKING_INTERVAL_MS = 200;
/** A pulse is booked when the line has outlived it by this: the news that the caller hung up just before has then arrived. */
export const PULSE_SETTLE_MS = 150;
/** Legs without a pulse due are shown to be alive so often; well below their lease (db/pulses.ts). */
const HEARTBEAT_MS = 4_000;
/** A batch that was under way when we asked, the one we wait for, and some more if there is much to catch up with. */
const SETTLE_TRIES_MAX = 5;
/** Pulses that one statement books at most: after a long outage the rest follows in the next. */
const PULSES_IN_ONE_MAX = 5_000;

/** What the meter knows of a call leg. */
export type MeteredLeg = Pick<CallLeg, "id" | "epoch" | "countsAfterMs">;

/** One call under the meter. */
export interface MeteredCall {
  readonly leg: MeteredLeg;
  readonly segments: readonly Segment[];
  /** Aborted when the leg has another owner or was closed: whoever serves it has to let go. */
  readonly lost: AbortSignal;
  /** Sets the moment of answer, in ms of the meter's clock: pulses fall from now on. */
  answered(atMs: number): void;
  /** How long ago the call was answered; 0 before. */
  elapsedMs(): number;
  /** What a call of `durationMs` owes beyond what is booked, for the closing of the books. */
  owed(durationMs: number): DuePulses;
  /** Books all that is due up to `throughMs` now; false when the database couldn't take it. */
  settle(throughMs: number): Promise<boolean>;
  /** Takes the call off the meter. */
  release(): void;
}

/** The meter of one worker: keeps time for its calls on a monotonic clock and books their pulses in batches. */
export interface Meter extends AsyncDisposable {
  /** Now, in ms of a clock that never steps. */
  now(): number;
  meterCall(leg: MeteredLeg, segments: readonly Segment[]): MeteredCall;
  readonly calls: number;
}

/**
 * Starts a meter. A booking that fails is not lost: what is due is worked out anew at each tick from the time since
 * answer, so the next batch carries it.
 */
export function startMeter(options: {
  readonly db: Db;
  readonly now?: () => number;
  readonly onError?: (error: unknown) => void;
}): Meter {
  const { db, now = () => performance.now(), onError = () => {} } = options;
  const calls = new Map<number, Entry>();
  let flushing: Promise<boolean> | null = null;
  let heartbeatAt = now();

  function flush(): Promise<boolean> {
    flushing ??= book().finally(() => {
      flushing = null;
    });
    return flushing;
  }

  async function book(): Promise<boolean> {
    const due = [...calls.values()].map((entry) => entry.due(PULSE_SETTLE_MS)).filter((line) => line.pulses.length > 0);
    const batch = cut(due, PULSES_IN_ONE_MAX);
    try {
      if (batch.length > 0) await bookBatch(batch);
      if (now() - heartbeatAt >= HEARTBEAT_MS) {
        heartbeatAt = now();
        const legs = [...calls.values()].map((entry) => ({ leg: entry.leg.id, epoch: entry.leg.epoch }));
        if (legs.length > 0) await renewLeases(db, legs);
      }
      return true;
    } catch (error) {
      onError(error);
      return false;
    }
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
      const entry = calls.get(line.leg);
      if (!entry || entry.leg.epoch !== line.epoch) continue;
      if (held.has(line.leg)) entry.bookedThrough = line.pulses.at(-1)?.sequence ?? entry.bookedThrough;
      else entry.lose();
    }
  }

  const timer = setInterval(() => void flush(), BOOKING_INTERVAL_MS);
  timer.unref();

  return {
    now,
    get calls() {
      return calls.size;
    },
    meterCall(leg, segments) {
      const entry = createEntry(leg, segments, now);
      calls.set(leg.id, entry);
      return {
        leg,
        segments,
        lost: entry.lost,
        answered: (atMs) => entry.answered(atMs),
        elapsedMs: () => entry.elapsedMs(),
        owed: (durationMs) => entry.owed(durationMs),
        async settle(throughMs) {
          const wanted = pulsesDue(segments, throughMs - leg.countsAfterMs);
          for (let tries = 0; entry.bookedThrough < wanted; tries++) {
            if (tries === SETTLE_TRIES_MAX || entry.lost.aborted || !(await flush())) return false;
          }
          return true;
        },
        release: () => {
          if (calls.get(leg.id) === entry) calls.delete(leg.id);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await flushing;
    },
  };
}

interface Entry {
  readonly leg: MeteredLeg;
  readonly lost: AbortSignal;
  /** Sequence of the last pulse that the database has taken from us. */
  bookedThrough: number;
  answered(atMs: number): void;
  elapsedMs(): number;
  due(settleMs: number): DuePulses;
  owed(durationMs: number): DuePulses;
  lose(): void;
}

function createEntry(leg: Entry["leg"], segments: readonly Segment[], now: () => number): Entry {
  const loss = new AbortController();
  let answeredAtMs: number | null = null;
  const between = (from: number, to: number): readonly Pulse[] => pulsesOf(segments).slice(from, to);
  const entry: Entry = {
    leg,
    lost: loss.signal,
    bookedThrough: 0,
    answered(atMs) {
      answeredAtMs = atMs;
    },
    elapsedMs: () => (answeredAtMs === null ? 0 : Math.max(0, now() - answeredAtMs)),
    due: (settleMs) => entry.owed(entry.elapsedMs() - settleMs),
    owed: (durationMs) => ({
      leg: leg.id,
      epoch: leg.epoch,
      pulses: loss.signal.aborted
        ? []
        : between(entry.bookedThrough, pulsesDue(segments, durationMs - leg.countsAfterMs)),
    }),
    lose: () => loss.abort(new Error(`call leg ${leg.id} has another owner`)),
  };
  return entry;
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

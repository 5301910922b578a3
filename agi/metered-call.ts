import { type Pulse, pulsesDue, pulsesOf, type Segment } from "../core/tariff.ts";
import type { CallLeg } from "../db/call-legs.ts";
import type { DuePulses } from "../db/pulses.ts";

/** What the meter knows of a call leg. */
export type MeteredLeg = Pick<CallLeg, "id" | "uniqueid" | "epoch" | "countsAfterMs">;

/** A call under the meter. */
export interface CallToMeter {
  readonly leg: MeteredLeg;
  readonly segments: readonly Segment[];
  /** Has Asterisk show that the line is up: resolves when it has answered, rejects when the call is over. */
  readonly prove: () => Promise<void>;
}

/**
 * The meter's own account of one call. A pulse is owed when the line has outlived it, and outliving is proved, never
 * assumed: Asterisk has to answer something asked after the pulse fell. Over a connection that is dead without knowing
 * it, or to a machine without power, nothing more is booked.
 */
export interface Account {
  readonly leg: MeteredLeg;
  /** Aborted when the leg has another owner or was closed. */
  readonly lost: AbortSignal;
  /** Sequence of the last pulse that the database has taken from us. */
  bookedThrough: number;
  /** Sequence of the last pulse that the local journal knows of. */
  journaledThrough: number;
  answered(atMs: number): void;
  /** The caller hung up now. */
  stopped(): void;
  /** Since answer, until now or until the caller hung up; 0 before answer. */
  elapsedMs(): number;
  /** Whether the caller was heard hanging up, so that `elapsedMs` is the length of the call. */
  readonly hasStopped: boolean;
  /** Pulses that fell at least `settleMs` ago and aren't booked. */
  due(settleMs: number): DuePulses;
  /** What a call of `durationMs` owes beyond what is booked. */
  owed(durationMs: number): DuePulses;
  /** Those of the due pulses that the line is proved to have outlived. */
  proven(settleMs: number): DuePulses;
  /** How long after answer the line is proved to have been up. */
  readonly provenMs: number;
  /** Asks for a proof, one at a time; never rejects. */
  prove(): Promise<void>;
  lose(): void;
}

export function openAccount({ leg, segments, prove }: CallToMeter, now: () => number): Account {
  const loss = new AbortController();
  let answeredAtMs: number | null = null;
  let stoppedAtMs: number | null = null;
  let provenMs = 0;
  let proving: Promise<void> | null = null;
  const line = (pulses: readonly Pulse[]): DuePulses => ({ leg: leg.id, epoch: leg.epoch, pulses });
  const account: Account = {
    leg,
    lost: loss.signal,
    bookedThrough: 0,
    journaledThrough: 0,
    answered(atMs) {
      answeredAtMs = atMs;
    },
    stopped() {
      stoppedAtMs ??= now();
    },
    get hasStopped() {
      return stoppedAtMs !== null;
    },
    get provenMs() {
      return provenMs;
    },
    elapsedMs: () => (answeredAtMs === null ? 0 : Math.max(0, (stoppedAtMs ?? now()) - answeredAtMs)),
    due: (settleMs) => account.owed(account.elapsedMs() - settleMs),
    proven: (settleMs) => account.owed(Math.min(account.elapsedMs(), provenMs) - settleMs),
    owed(durationMs) {
      if (loss.signal.aborted) return line([]);
      const count = pulsesDue(segments, durationMs - leg.countsAfterMs);
      return line(pulsesOf(segments).slice(account.bookedThrough, count));
    },
    prove() {
      const askedAtMs = account.elapsedMs();
      proving ??= prove()
        .then(
          () => {
            provenMs = Math.max(provenMs, askedAtMs);
          },
          () => {}, // the call is over, and whoever serves it hears so
        )
        .finally(() => {
          proving = null;
        });
      return proving;
    },
    lose: () => loss.abort(new Error(`call leg ${leg.id} has another owner`)),
  };
  return account;
}

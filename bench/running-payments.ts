import { pulsesOf } from "../core/tariff.ts";
import type { Db } from "../db/database.ts";
import { bookWithin, type DuePulses } from "../db/pulses.ts";
import {
  PULSES_OF_5_SECONDS,
  type Seeded,
  seedAnsweredLeg,
  seedClaim,
  seedMerchant,
  seedNumber,
  seedTransaction,
} from "../test/support/seed.ts";

/** A number has room for about a thousand codes that differ in two digits, and drawing gets slower as it fills. */
const PAYMENTS_OF_A_NUMBER = 250;
const FIRST_NUMBER = 900_901_000;
/** Dear enough that no pulse of a benchmark pays it: 400 of them would. */
const AMOUNT_RAPPEN = 4_000;
const OPENED_AT_ONCE = 8;

/** A payment whose call is running, and which pulse falls next. */
export interface RunningPayment {
  readonly id: string;
  readonly leg: number;
  readonly epoch: number;
  nextSequence: number;
}

/** When pulses were about to be committed (ms of the machine's steady clock), by payment and sum. */
export interface BookedPulse {
  readonly id: string;
  readonly billedRappen: number;
  readonly committedAtMs: number;
}

/** So many payments with a running call each, opened and claimed as in earnest. */
export async function openRunningPayments(db: Db, count: number): Promise<readonly RunningPayment[]> {
  const merchant = await seedMerchant(db);
  const payments: RunningPayment[] = [];
  for (let begun = 0; begun < count; begun += PAYMENTS_OF_A_NUMBER) {
    const number = `0${FIRST_NUMBER + begun / PAYMENTS_OF_A_NUMBER}`;
    const { merchantId } = merchant;
    const { tariffId } = await seedNumber(db, { merchantId, number, segments: PULSES_OF_5_SECONDS });
    const line: Seeded = { ...merchant, number, tariffId };
    let left = Math.min(PAYMENTS_OF_A_NUMBER, count - begun);
    const openTheRest = async () => {
      while (left-- > 0) payments.push(await openRunning(db, line));
    };
    await Promise.all(Array.from({ length: OPENED_AT_ONCE }, openTheRest));
  }
  return payments;
}

async function openRunning(db: Db, line: Seeded): Promise<RunningPayment> {
  const { id } = await seedTransaction(db, line, { amountRappen: AMOUNT_RAPPEN });
  const leg = await seedAnsweredLeg(db, line);
  await seedClaim(db, line, { leg, transactionId: id });
  return { id, leg: leg.id, epoch: leg.epoch, nextSequence: 1 };
}

/** Books the next pulse of each, all in one batch, as the meter does (agi/meter.ts). */
export async function bookNext(db: Db, payments: readonly RunningPayment[]): Promise<readonly BookedPulse[]> {
  const staircase = pulsesOf(PULSES_OF_5_SECONDS);
  const next = payments.map((payment) => {
    const pulse = staircase[payment.nextSequence - 1];
    if (!pulse) throw new Error("the longest call is over");
    payment.nextSequence += 1;
    return { payment, pulse };
  });
  const due: readonly DuePulses[] = next.map(({ payment: { leg, epoch }, pulse }) => ({ leg, epoch, pulses: [pulse] }));
  const committedAtMs = await db.transaction().execute(async (trx) => {
    await bookWithin(trx, due);
    return steadyNowMs();
  });
  return next.map(({ payment: { id }, pulse: { billedRappen } }) => ({ id, billedRappen, committedAtMs }));
}

/** Milliseconds of the machine's own steady clock, the same in all of its processes. */
export function steadyNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

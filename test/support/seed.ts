import { randomUUID } from "node:crypto";
import type { Language } from "../../core/messages.ts";
import { quote } from "../../core/quote.ts";
import type { Segment } from "../../core/tariff.ts";
import type { Order, Transaction } from "../../core/transaction.ts";
import { newTransactionId } from "../../core/transaction-id.ts";
import { answerLeg, type CallLeg, openLeg } from "../../db/call-legs.ts";
import { claimCode, issueCode } from "../../db/codes.ts";
import type { Db } from "../../db/database.ts";
import { addApiKey, addMerchant } from "../../db/merchants.ts";
import { addNumber } from "../../db/number-service.ts";
import { addTariff } from "../../db/numbers.ts";
import { openTransaction } from "../../db/opening.ts";

/** CHF 1.20 a minute in 10-rappen pulses of 5 s. */
export const PULSES_OF_5_SECONDS: readonly Segment[] = [{ kind: "time", rappenPerMinute: 120, incrementSeconds: 5 }];
/** CHF 6.00 a minute, per second. */
export const TEN_RAPPEN_A_SECOND: readonly Segment[] = [{ kind: "time", rappenPerMinute: 600, incrementSeconds: 1 }];
/** CHF 3.00 a call. */
export const THREE_FRANCS_A_CALL: readonly Segment[] = [{ kind: "fixed", priceRappen: 300 }];

export interface Seeded {
  readonly merchantId: number;
  readonly number: string;
  readonly tariffId: number;
  readonly segments: readonly Segment[];
  readonly codeBeforeAnswer: boolean;
  readonly liveKey: string;
  readonly testKey: string;
}

let merchants = 100_000;

/** A merchant with one number and a key of each mode. */
export async function seedMerchant(
  db: Db,
  options: {
    readonly number?: string;
    readonly segments?: readonly Segment[];
    readonly codeBeforeAnswer?: boolean;
  } = {},
): Promise<Seeded> {
  const { number = "0900900904", segments = PULSES_OF_5_SECONDS, codeBeforeAnswer = false } = options;
  const merchantId = await addMerchant(db, {
    merchantNumber: String(++merchants),
    name: "Disques du Léman",
    address: "Rue de l’Exemple 12, 1006 Lausanne",
    contact: "aide@disques-du-leman.example",
  });
  const { tariffId } = await seedNumber(db, { merchantId, number, segments, codeBeforeAnswer });
  const liveKey = await addApiKey(db, { merchantId, test: false, name: "live" });
  const testKey = await addApiKey(db, { merchantId, test: true, name: "test" });
  return { merchantId, number, tariffId, segments, codeBeforeAnswer, liveKey, testKey };
}

/** A number in service on a line that nobody bills, so under the rules of the pulse era, with a tariff of its own. */
export async function seedNumber(
  db: Db,
  entry: {
    readonly merchantId: number;
    readonly number: string;
    readonly segments: readonly Segment[];
    readonly codeBeforeAnswer?: boolean;
    readonly language?: Language;
  },
): Promise<{ readonly tariffId: number }> {
  const { segments, codeBeforeAnswer = false, language = "fr", ...rest } = entry;
  const tariffId = await seedTariff(db, segments);
  const line = { codeBeforeAnswer, language, trunk: "demo", rulesOn: "2004-01-01" };
  const refused = await addNumber(db, { ...rest, ...line, tariffId });
  if (refused) throw new Error(refused.broken.map(({ message }) => message).join("; "));
  return { tariffId };
}

export async function seedTariff(db: Db, segments: readonly Segment[]): Promise<number> {
  const added = await addTariff(db, { name: "test", segments });
  if (typeof added !== "number") throw new Error(added.faults.join("; "));
  return added;
}

/** An open transaction of that merchant. */
export async function seedTransaction(db: Db, seeded: Seeded, changes: Partial<Order> = {}): Promise<Transaction> {
  const order: Order = {
    id: newTransactionId(randomUUID),
    merchantId: seeded.merchantId,
    test: false,
    amountRappen: 100,
    currency: "CHF",
    number: seeded.number,
    tariffId: seeded.tariffId,
    description: "Album « Nuit claire »",
    items: [],
    reference: null,
    returnUrl: "https://shop.example/back",
    cancelUrl: null,
    language: "fr",
    accessDays: 0,
    renews: null,
    accessAfter: null,
    donation: null,
    metadata: {},
    autoConfirmSeconds: 180,
    ...changes,
  };
  const { segments, codeBeforeAnswer } = seeded;
  const quoted = quote({ segments, amountRappen: order.amountRappen, codeBeforeAnswer });
  if ("refusal" in quoted) throw new Error(quoted.refusal);
  const opened = await openTransaction(db, order, quoted);
  if ("refusal" in opened) throw new Error(opened.refusal);
  return opened;
}

type NewLeg = Parameters<typeof openLeg>[1];

/** The leg of a call that has just come to a seeded number, over the trunk that nobody bills, unless told otherwise. */
export function seedLeg(
  db: Db,
  { number, tariffId }: Pick<Seeded, "number" | "tariffId">,
  changes: Partial<NewLeg> = {},
): Promise<CallLeg> {
  const line = { number, tariffId, trunk: "demo", countsAfterMs: 0 };
  return openLeg(db, { uniqueid: randomUUID(), ...line, owner: "test", caller: null, callerHash: null, ...changes });
}

/** The same, answered so long ago. */
export async function seedAnsweredLeg(
  db: Db,
  on: Pick<Seeded, "number" | "tariffId">,
  { msAgo = 0, ...changes }: Partial<NewLeg> & { readonly msAgo?: number } = {},
): Promise<CallLeg> {
  const leg = await seedLeg(db, on, changes);
  await answerLeg(db, { id: leg.id, epoch: leg.epoch, msAgo });
  return leg;
}

/** The leg's caller keys a fresh code of the transaction, as on a line that takes tests, too. Throws unless it is theirs. */
export async function seedClaim(
  db: Db,
  { number, segments }: Pick<Seeded, "number" | "segments">,
  call: { readonly leg: CallLeg; readonly transactionId: string },
): Promise<void> {
  const { leg, transactionId } = call;
  const code = await issueCode(db, { transactionId, lifeSeconds: 180 });
  if ("refusal" in code) throw new Error(code.refusal);
  const line = { number, code: code.code, testAllowed: true, wrongBefore: 0, segments, codeBeforeAnswer: false };
  const claim = await claimCode(db, { leg: leg.id, epoch: leg.epoch, ...line });
  if (claim.outcome !== "claimed") throw new Error(claim.outcome);
}

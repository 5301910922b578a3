import { sql } from "kysely";
import { statusAt, type Terms, type Transaction } from "../core/transaction.ts";
import { type CallOfTransaction, callsOfEach } from "./call-legs.ts";
import { codesOfEach, type LiveCode } from "./codes.ts";
import { type Db, databaseNow } from "./database.ts";
import { findTariff } from "./numbers.ts";
import { type LastPlay, lastPlayOfEach } from "./test-plays.ts";
import { findTransactions } from "./transactions.ts";
import { TRUNK_COLUMNS } from "./trunks.ts";

/** How far one payment is, and all that is needed to say how much longer its call takes. */
export interface Progress {
  readonly transaction: Transaction;
  readonly terms: Terms;
  /** Of a payment whose call is running: its calls, in order. */
  readonly calls: readonly CallOfTransaction[];
  /** Of an open one: the code that its page shows. */
  readonly code: LiveCode | null;
  readonly lastPlay: LastPlay | null;
  /** The database's clock at this reading. */
  readonly now: Date;
}

/**
 * How far these payments are, by id, in as many statements as one of them would take; an unknown id has no entry. A
 * thousand pages that come back at the same moment ask no more of the database than ten.
 */
export async function readProgress(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, Progress>> {
  const [transactions, now] = await Promise.all([findTransactions(db, ids), databaseNow(db)]);
  const idsWhere = (wanted: (transaction: Transaction) => boolean) => transactions.filter(wanted).map(({ id }) => id);
  const [lines, calls, codes, plays] = await Promise.all([
    linesOf(db, [...new Set(transactions.map(({ number }) => number))]),
    callsOfEach(
      db,
      idsWhere((transaction) => statusAt(transaction, now) === "calling"),
    ),
    codesOfEach(
      db,
      idsWhere((transaction) => statusAt(transaction, now) === "open"),
    ),
    lastPlayOfEach(
      db,
      idsWhere(({ test }) => test),
    ),
  ]);
  const read = new Map<string, Progress>();
  for (const transaction of transactions) {
    const { id, number, tariffId } = transaction;
    const line = lines.get(number);
    if (!line) throw new Error(`${number} has no trunk`);
    const { segments } = await findTariff(db, tariffId);
    const [code = null, lastPlay = null] = [codes.get(id), plays.get(id)];
    read.set(id, { transaction, terms: { segments, ...line }, calls: calls.get(id) ?? [], code, lastPlay, now });
  }
  return read;
}

async function linesOf(
  db: Db,
  numbers: readonly string[],
): Promise<ReadonlyMap<string, Pick<Terms, "codeBeforeAnswer" | "trunk">>> {
  const rows = await db
    .selectFrom("smart_numbers as n")
    .innerJoin("trunks", "trunks.name", "n.trunk")
    .select(["n.number", "n.code_before_answer"])
    .select(TRUNK_COLUMNS)
    .where(sql<boolean>`n.number = any(${numbers}::text[])`)
    .execute();
  return new Map(
    rows.map(({ number, code_before_answer: codeBeforeAnswer, ...trunk }) => [number, { codeBeforeAnswer, trunk }]),
  );
}

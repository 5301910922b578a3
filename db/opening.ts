import { randomInt } from "node:crypto";
import { sql } from "kysely";
import pg from "pg";
import { drawAccessCode } from "../core/access-code.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Quote } from "../core/quote.ts";
import { OPEN_MINUTES, type Order, openedTransaction, RESUMABLE_DAYS, type Transaction } from "../core/transaction.ts";
import { type Db, inTransaction } from "./database.ts";
import { gathered } from "./gathered.ts";
import { findRenewal, isAccessCodeTaken } from "./passes.ts";
import { PREPARED } from "./prepared.ts";
import { isListenedTo, tell } from "./webhook-outbox.ts";

/** Draws of an access code before we give up: beside a million passes, one draw in a million meets one of theirs. */
const ACCESS_CODE_DRAWS_MAX = 3;

/**
 * Writes a new transaction and its first journal line. Refuses a reference that another open one holds,
 * and a renewal of a pass that has one already. A pass is given the code that will open it once it is paid.
 */
export async function openTransaction(
  db: Db,
  order: Order,
  quote: Quote,
): Promise<Transaction | { readonly refusal: ErrorCode }> {
  for (let draws = 0; draws < ACCESS_CODE_DRAWS_MAX; draws++) {
    const accessCode = order.accessDays > 0 ? drawAccessCode((sides) => randomInt(sides)) : null;
    const wanted = { order, quote, accessCode };
    const opened = (await openTogether(db, wanted)) ?? (await openAlone(db, wanted));
    if (opened) return opened;
    if (order.renews && (await findRenewal(db, order.renews))) return { refusal: "renewal_exists" };
    const isCodeTaken = accessCode !== null && (await isAccessCodeTaken(db, accessCode));
    if (order.reference !== null && !isCodeTaken) return { refusal: "reference_in_use" };
  }
  throw new Error(`no free access code in ${ACCESS_CODE_DRAWS_MAX} draws`);
}

interface Wanted {
  readonly order: Order;
  readonly quote: Quote;
  readonly accessCode: string | null;
}

type OpenOne = (wanted: Wanted) => Promise<Transaction | null>;
const openers = new WeakMap<Db, OpenOne>();

/**
 * The quick way: with all others that are opened at the same moment, in one statement. Null where that says too little:
 * somebody listens, who has to be told in the same database transaction, or a unique index has such a row.
 */
async function openTogether(db: Db, wanted: Wanted): Promise<Transaction | null> {
  if (db.isTransaction) return null;
  const open = openers.get(db) ?? gathered((together) => writeOpened(db, together, { unheardOnly: true }));
  openers.set(db, open);
  try {
    return await open(wanted);
  } catch (error) {
    if (isAboutCompany(error)) return null; // perhaps it was another's fault: alone it will be known
    throw error;
  }
}

/** Null where any unique index has such a row already. */
function openAlone(db: Db, wanted: Wanted): Promise<Transaction | null> {
  return inTransaction(db, async (trx) => {
    const [opened = null] = await writeOpened(trx, [wanted], { unheardOnly: false });
    if (opened) await tell(trx, [opened], "transaction.created");
    return opened;
  });
}

/** Data exceptions, broken constraints and deadlocks (PostgreSQL, appendix A: classes 22, 23, 40): nothing was written. */
function isAboutCompany(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(22|23|40)/.test(error.code ?? "");
}

/** Writes the rows and their first journal lines; null for each that has no place, or is left to who tells it. */
async function writeOpened(
  db: Db,
  all: readonly Wanted[],
  { unheardOnly }: { readonly unheardOnly: boolean },
): Promise<readonly (Transaction | null)[]> {
  const records = all.map(rowOf);
  const columns = sql.join(Object.keys(records[0] ?? {}).map((column) => sql.ref(column)));
  const { rows } = await sql<{ id: string; created_at: Date; expires_at: Date; resumable_until: Date }>`${PREPARED}
    with opened as (
      insert into transactions (${columns}, expires_at, resumable_until)
      select ${columns}, now() + make_interval(mins => ${OPEN_MINUTES}), now() + make_interval(days => ${RESUMABLE_DAYS})
      from json_populate_recordset(null::transactions, ${JSON.stringify(records)}) as transactions
      where not (${unheardOnly} and ${isListenedTo})
      on conflict do nothing
      returning id, amount, created_at, expires_at, resumable_until
    ), lines as (
      insert into journal (transaction_id, event, data)
      select id, 'transaction.created', jsonb_build_object('amountRappen', amount) from opened
    )
    select id, created_at, expires_at, resumable_until from opened`.execute(db);
  const momentsOf = new Map(rows.map((row) => [row.id.toUpperCase(), row]));
  return all.map(({ order, quote, accessCode }) => {
    const row = momentsOf.get(order.id);
    if (!row) return null;
    const moments = { createdAt: row.created_at, expiresAt: row.expires_at, resumableUntil: row.resumable_until };
    return openedTransaction(order, { ...moments, quote, accessCode });
  });
}

function rowOf({ order, quote, accessCode }: Wanted) {
  return {
    id: order.id,
    merchant_id: order.merchantId,
    test: order.test,
    status: "open",
    amount: order.amountRappen,
    total: quote.totalRappen,
    currency: order.currency,
    number: order.number,
    tariff_id: order.tariffId,
    description: order.description,
    items: order.items,
    reference: order.reference,
    return_url: order.returnUrl,
    cancel_url: order.cancelUrl,
    language: order.language,
    access_days: order.accessDays,
    access_code: accessCode,
    renews: order.renews,
    access_after: order.accessAfter,
    donation_minimum: order.donation?.minimumRappen ?? null,
    donation_maximum: order.donation?.maximumRappen ?? null,
    donation_suggestions: order.donation?.suggestionsRappen ?? [],
    metadata: order.metadata,
    auto_confirm_seconds: order.autoConfirmSeconds,
    expected_seconds: quote.expectedSeconds,
  };
}

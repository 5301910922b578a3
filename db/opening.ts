import { randomInt } from "node:crypto";
import { sql } from "kysely";
import pg from "pg";
import { drawAccessCode } from "../core/access-code.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Quote } from "../core/quote.ts";
import { OPEN_MINUTES, type Order, openedTransaction, RESUMABLE_DAYS, type Transaction } from "../core/transaction.ts";
import type { Db } from "./database.ts";
import { gathered } from "./gathered.ts";
import { findRenewal, isAccessCodeTaken } from "./passes.ts";
import { PREPARED } from "./prepared.ts";
import { isListenedTo, openedDeliveries } from "./webhook-outbox.ts";

/** Draws of an access code before we give up: beside a million passes, one draw in a million meets one of theirs. */
const ACCESS_CODE_DRAWS_MAX = 3;

/** How long a batch waits for one of its references, which an opening with an Idempotency-Key may be about to take. */
const BATCH_LOCK_TIMEOUT_MS = 100;

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
interface Openers {
  /** Opens what nobody listens to; null for what somebody does, who has to be told in the same statement. */
  readonly unheard: OpenOne;
  readonly any: OpenOne;
  /** Merchants and modes that somebody listened to when we looked: a hint, which spares them the first try. */
  readonly heard: Set<string>;
}
const openersOf = new WeakMap<Db, Openers>();

function openersFor(db: Db): Openers {
  let openers = openersOf.get(db);
  if (!openers) {
    const way = (unheardOnly: boolean): OpenOne =>
      gathered((together) => writeOpened(db, together, { unheardOnly, lockTimeoutMs: BATCH_LOCK_TIMEOUT_MS }));
    openers = { unheard: way(true), any: way(false), heard: new Set() };
    openersOf.set(db, openers);
  }
  return openers;
}

/**
 * With all others that are opened at the same moment, in one statement. Null where a unique index has such a row, and
 * where the whole batch was refused: perhaps it was another's fault, and alone it will be known.
 */
async function openTogether(db: Db, wanted: Wanted): Promise<Transaction | null> {
  if (db.isTransaction) return null;
  const { unheard, any, heard } = openersFor(db);
  const owner = `${wanted.order.merchantId} ${wanted.order.test}`;
  try {
    const opened = heard.has(owner) ? null : await unheard(wanted);
    if (opened) return opened;
    const told = await any(wanted);
    if (told) heard.add(owner);
    return told;
  } catch (error) {
    if (isAboutCompany(error)) return null;
    throw error;
  }
}

/** Null where any unique index has such a row already. */
async function openAlone(db: Db, wanted: Wanted): Promise<Transaction | null> {
  const [opened = null] = await writeOpened(db, [wanted], { unheardOnly: false, lockTimeoutMs: null });
  return opened;
}

/**
 * Data exceptions, broken constraints, deadlocks, and a lock that another holds for too long (PostgreSQL, appendix A:
 * classes 22, 23, 40, and 55P03): nothing was written.
 */
function isAboutCompany(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(22|23|40|55P03)/.test(error.code ?? "");
}

/**
 * Writes the rows, their first journal lines, and the event for each endpoint that listens: all or nothing. Null for each
 * that has no place. In one order of references, so that two processes don't wait for each other in a circle.
 */
async function writeOpened(
  db: Db,
  all: readonly Wanted[],
  { unheardOnly, lockTimeoutMs }: { readonly unheardOnly: boolean; readonly lockTimeoutMs: number | null },
): Promise<readonly (Transaction | null)[]> {
  const records = all.map(rowOf);
  const transactions = all.map(({ order, ...rest }) => openedTransaction(order, { ...rest, ...NOT_YET }));
  const columns = sql.join(Object.keys(records[0] ?? {}).map((column) => sql.ref(column)));
  const { rows } = await sql<{ id: string; created_at: Date; expires_at: Date; resumable_until: Date }>`${PREPARED}
    with patience as materialized (
      select set_config('lock_timeout', coalesce(${lockTimeoutMs}::text, current_setting('lock_timeout')), true)
    ), opened as (
      insert into transactions (${columns}, expires_at, resumable_until)
      select ${columns}, now() + make_interval(mins => ${OPEN_MINUTES}), now() + make_interval(days => ${RESUMABLE_DAYS})
      from patience, json_populate_recordset(null::transactions, ${JSON.stringify(records)}) as transactions
      ${unheardOnly ? sql`where not ${isListenedTo}` : sql``}
      order by merchant_id, test, reference
      on conflict do nothing
      returning id, merchant_id, test, tariff_id, amount, created_at, expires_at, resumable_until
    ), lines as (
      insert into journal (transaction_id, event, data)
      select id, 'transaction.created', jsonb_build_object('amountRappen', amount) from opened
    )${unheardOnly ? sql`` : sql`, ${openedDeliveries(transactions)}`}
    select id, created_at, expires_at, resumable_until from opened`.execute(db);
  const written = new Map(rows.map((row) => [row.id.toUpperCase(), row]));
  return transactions.map((transaction) => {
    const row = written.get(transaction.id);
    if (!row) return null;
    const { created_at: createdAt, expires_at: expiresAt, resumable_until: resumableUntil } = row;
    return { ...transaction, createdAt, expiresAt, resumableUntil };
  });
}

/** The moments of a transaction are the database's to say. */
const NOT_YET = { createdAt: new Date(0), expiresAt: new Date(0), resumableUntil: new Date(0) };

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

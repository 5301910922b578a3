import { statusAt, type Terms, type Transaction } from "../core/transaction.ts";
import { whyNotPayable } from "../core/transitions.ts";
import { findBrand } from "../db/brands.ts";
import { callsOf } from "../db/call-legs.ts";
import { findCode, issueCode, type LiveCode } from "../db/codes.ts";
import { type Db, databaseNow } from "../db/database.ts";
import { findMerchant, type Merchant } from "../db/merchants.ts";
import { findNumberInService, findTariff, termsOfNumber } from "../db/numbers.ts";
import { findLastPlay } from "../db/test-plays.ts";
import { findTransaction } from "../db/transactions.ts";
import type { Provider } from "./options.ts";
import { offerRenewal } from "./renewal.ts";
import type { PayFacts } from "./view-model.ts";

/** Everything the pay page needs. An open transaction without a code gets its first one here. Null: no such transaction. */
export async function readPayFacts(
  db: Db,
  id: string,
  options: { readonly provider: Provider; readonly issue: boolean },
): Promise<PayFacts | null> {
  const [transaction, now] = await Promise.all([findTransaction(db, id), databaseNow(db)]);
  if (!transaction) return null;
  const open = statusAt(transaction, now) === "open";
  const [merchant, brand, terms, calls, lastPlay, number, renewal] = await Promise.all([
    findMerchant(db, transaction.merchantId),
    findBrand(db, transaction.merchantId),
    termsOf(db, transaction),
    callsOf(db, transaction),
    transaction.test ? findLastPlay(db, id) : null,
    open ? findNumberInService(db, transaction.number) : null,
    offerRenewal(db, transaction, now),
  ]);
  const parties = { transaction, merchant, brand, provider: options.provider };
  const common = { ...parties, terms, calls, lastPlay, now, rules: number, renewal };
  if (!open) return { ...common, code: null, codeRefusal: null };
  if (!number) return { ...common, code: null, codeRefusal: "noNumber" };
  if (whyNotPayable(transaction, now) === "amount_not_chosen") return { ...common, code: null, codeRefusal: null };
  // A code is keyed for a price that was shown: with another price now, the old one is worth nothing.
  const code = number.tariff.id === transaction.tariffId ? await findCode(db, id) : null;
  if (code || !options.issue) return { ...common, code, codeRefusal: null };
  // The first code may come with another price: all is read anew, the clock too.
  if (await firstCode(db, transaction, merchant)) return readPayFacts(db, id, { ...options, issue: false });
  return { ...common, now: await databaseNow(db), code: null, codeRefusal: "busy" };
}

/** The price the shopper was shown, on the number and the line as they are now. */
async function termsOf(db: Db, { tariffId, number }: Transaction): Promise<Terms> {
  const [{ segments }, { codeBeforeAnswer, trunk }] = await Promise.all([
    findTariff(db, tariffId),
    termsOfNumber(db, number),
  ]);
  return { segments, codeBeforeAnswer, trunk };
}

/** Null when all codes of the number are in use, or when the transaction changed at this very moment. */
async function firstCode(db: Db, transaction: Transaction, merchant: Merchant): Promise<LiveCode | null> {
  const issued = await issueCode(db, {
    transactionId: transaction.id,
    lifeSeconds: merchant.codeSeconds,
    keepLive: true,
  });
  return "refusal" in issued ? null : issued;
}

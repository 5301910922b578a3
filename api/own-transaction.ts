import { PublicError } from "../core/errors.ts";
import type { Transaction } from "../core/transaction.ts";
import { parseTransactionId } from "../core/transaction-id.ts";
import type { Client } from "../db/merchants.ts";
import { findTransaction } from "../db/transactions.ts";
import type { Scope } from "./quotes.ts";

export function owns(client: Client, transaction: Transaction): boolean {
  return transaction.merchantId === client.merchant.id && transaction.test === client.test;
}

/** The client's transaction with this id in any form; throws `transaction_unknown` for everyone else's. */
export async function ownTransaction(scope: Scope, text: string): Promise<Transaction> {
  const id = parseTransactionId(text);
  const transaction = id === null ? null : await findTransaction(scope.db, id);
  if (!transaction || !owns(scope.client, transaction)) throw new PublicError("transaction_unknown");
  return transaction;
}

/** The same for an id that stands in a field: there, an unknown one is a wrong value. */
export async function ownTransactionIn(scope: Scope, text: string, path: `/${string}`): Promise<Transaction> {
  try {
    return await ownTransaction(scope, text);
  } catch (error) {
    if (!(error instanceof PublicError)) throw error;
    const fields = [{ path, message: "isn't the id of one of your transactions" }];
    throw new PublicError("field_invalid", undefined, { fields, cause: error });
  }
}

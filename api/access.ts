import { accessAt } from "../core/access.ts";
import { parseAccessCode } from "../core/access-code.ts";
import { PublicError } from "../core/errors.ts";
import { parseTransactionId } from "../core/transaction-id.ts";
import { databaseNow } from "../db/database.ts";
import { findPass } from "../db/passes.ts";
import type { AccessView } from "./access-routes.ts";
import { owns } from "./own-transaction.ts";
import type { Scope } from "./quotes.ts";
import { viewTransactions } from "./transaction-view.ts";

/**
 * What an id or access code of one of the client's transactions opens now, its paid renewals included; asking changes
 * nothing, and may be done any number of times. Throws `access_unknown` for everyone else's.
 */
export async function checkAccess(scope: Scope, text: string): Promise<AccessView> {
  const accessCode = parseAccessCode(text);
  const id = accessCode === null ? parseTransactionId(text) : null;
  const key = accessCode !== null ? { accessCode } : id !== null ? { id } : null;
  const pass = key && (await findPass(scope.db, key));
  if (!pass || !owns(scope.client, pass.asked)) throw new PublicError("access_unknown");
  const access = accessAt(pass, await databaseNow(scope.db));
  const [transaction] = await viewTransactions(scope, [pass.asked]);
  if (!transaction) throw new Error("a transaction was lost on the way to its answer");
  return {
    valid: access.refusal === null,
    reason: access.refusal,
    accessUntil: access.until?.toISOString() ?? null,
    transaction,
  };
}

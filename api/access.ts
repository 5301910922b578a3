import { accessAt } from "../core/access.ts";
import { parseAccessKey } from "../core/access-key.ts";
import { PublicError } from "../core/errors.ts";
import { databaseNow } from "../db/database.ts";
import { findPass } from "../db/passes.ts";
import type { AccessView } from "./access-routes.ts";
import { owns } from "./own-transaction.ts";
import type { Scope } from "./quotes.ts";
import { viewTransaction } from "./transaction-view.ts";

/**
 * What an id or access code of one of the client's transactions opens now, its paid renewals included; asking changes
 * nothing, and may be done any number of times. Throws `access_unknown` for everyone else's.
 */
export async function checkAccess(scope: Scope, text: string): Promise<AccessView> {
  const key = parseAccessKey(text);
  const pass = key && (await findPass(scope.db, key));
  if (!pass || !owns(scope.client, pass.asked)) throw new PublicError("access_unknown");
  const access = accessAt(pass, await databaseNow(scope.db));
  return {
    valid: access.refusal === null,
    reason: access.refusal,
    accessUntil: access.until?.toISOString() ?? null,
    transaction: await viewTransaction(scope, pass.asked),
  };
}

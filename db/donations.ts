import { chooseAmount } from "../core/donation.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Rappen } from "../core/money.ts";
import type { Transaction } from "../core/transaction.ts";
import { retireCode } from "./codes.ts";
import type { Db } from "./database.ts";
import { termsOfNumber } from "./numbers.ts";
import { changeWithin } from "./transactions.ts";

/**
 * Takes the amount that a donation's giver chose, at the number's price of now. The code they were shown beside another
 * total is worth nothing from here on. Null: there is no such transaction.
 */
export async function chooseDonation(
  db: Db,
  choice: { readonly transactionId: string; readonly amountRappen: Rappen },
): Promise<{ readonly transaction: Transaction; readonly refusal: ErrorCode | null } | null> {
  return db.transaction().execute(async (trx) => {
    const held = await changeWithin(trx, choice.transactionId, () => null);
    if (!held) return null;
    const { id, number, totalRappen } = held.transaction;
    const terms = await termsOfNumber(trx, number);
    const chosen = await changeWithin(trx, id, chooseAmount({ ...terms, amountRappen: choice.amountRappen }));
    if (chosen && chosen.transaction.totalRappen !== totalRappen) await retireCode(trx, id);
    return chosen;
  });
}

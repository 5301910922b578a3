import type { Selectable } from "kysely";
import type { Donation } from "../core/donation.ts";
import type { Transaction } from "../core/transaction.ts";
import type { TransactionsTable } from "./schema.ts";

/** Row to noun: PostgreSQL writes a uuid in lower case, the product in upper case. */
export function transactionOf(row: Selectable<TransactionsTable>): Transaction {
  return {
    id: row.id.toUpperCase(),
    merchantId: row.merchant_id,
    test: row.test,
    status: row.status,
    exception: row.exception,
    amountRappen: row.amount,
    totalRappen: row.total,
    billedRappen: row.billed,
    currency: row.currency,
    number: row.number,
    tariffId: row.tariff_id,
    description: row.description,
    items: row.items,
    reference: row.reference,
    returnUrl: row.return_url,
    cancelUrl: row.cancel_url,
    language: row.language,
    accessDays: row.access_days,
    renews: row.renews?.toUpperCase() ?? null,
    accessAfter: row.access_after,
    donation: donationOf(row),
    metadata: row.metadata,
    autoConfirmSeconds: row.auto_confirm_seconds,
    expectedSeconds: row.expected_seconds,
    amountChosenAt: row.amount_chosen_at,
    accessCode: row.access_code,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    resumableUntil: row.resumable_until,
    expiredAt: row.expired_at,
    paidAt: row.paid_at,
    confirmedAt: row.confirmed_at,
    redeemedAt: row.redeemed_at,
    redeemedBy: row.redeemed_by,
    cancelledAt: row.cancelled_at,
  };
}

function donationOf(row: Selectable<TransactionsTable>): Donation | null {
  const { donation_minimum: minimumRappen, donation_maximum: maximumRappen } = row;
  if (minimumRappen === null || maximumRappen === null) return null;
  return { minimumRappen, maximumRappen, suggestionsRappen: row.donation_suggestions };
}

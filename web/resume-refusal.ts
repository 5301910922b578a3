import type { FastifyReply, FastifyRequest } from "fastify";
import { message } from "../core/messages.ts";
import { formatMoney } from "../core/money.ts";
import { remainingRappen, type Transaction } from "../core/transaction.ts";
import { findBrand } from "../db/brands.ts";
import type { Db } from "../db/database.ts";
import { findMerchant } from "../db/merchants.ts";
import { brandOf } from "./brand.ts";
import { showErrorPage } from "./error-page.ts";
import { languageOf } from "./language.ts";
import { withTransaction } from "./return-url.ts";

/** Why a payment can't be taken up again, what was billed for it, and whom to ask: never a button that does nothing. */
export async function showResumeRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  refused: { readonly db: Db; readonly transaction: Transaction; readonly refusal: string },
): Promise<FastifyReply> {
  const { db, transaction, refusal } = refused;
  const language = languageOf(request, transaction.language);
  const { merchantId } = transaction;
  const [merchant, brand] = await Promise.all([findMerchant(db, merchantId), findBrand(db, merchantId)]);
  const why = message(language, refusal === "reference_in_use" ? "pay.resume.replaced" : "pay.resume.over", {
    merchant: `${merchant.name} (${merchant.contact})`,
  });
  const { id, billedRappen, cancelUrl, returnUrl } = transaction;
  const billed = message(language, "pay.resume.partial", {
    billed: formatMoney(billedRappen),
    remaining: formatMoney(remainingRappen(transaction)),
  });
  return showErrorPage(request, reply, {
    status: 409,
    brand: brandOf({ merchant, brand }),
    language: transaction.language,
    title: message(language, "pay.status.expired"),
    text: billedRappen > 0 ? `${billed} ${why}` : why,
    next: {
      href: withTransaction(cancelUrl ?? returnUrl, id),
      text: message(language, "pay.return", { merchant: merchant.name }),
    },
  });
}

import type { Transaction } from "../sdk/typescript/phone2pay.ts";
import type { Client } from "./delivery.ts";
import { ledgerOf } from "./ledger.ts";
import type { Exchange } from "./recording-fetch.ts";
import type { SaleBook } from "./sale-book.ts";
import { formatMoment, formatMoney, formatTime, type Language, translator } from "./texts.ts";

const OVER: ReadonlySet<string> = new Set<Transaction["status"]>(["redeemed", "expired", "cancelled"]);
/** The webhook that tells the end comes after it. */
const LAST_WEBHOOK_MS = 15_000;

/** One sale as the merchant sees it: what the shop asked, what it was told, and the money, which Phone2Pay knows. */
export async function viewSale(
  { observer, book }: { readonly observer: Client; readonly book: SaleBook },
  id: string,
  language: Language,
) {
  const t = translator(language);
  // In this order: what the events know, the transaction knows, too.
  const events = await observer.listEvents(id);
  const payment = await observer.checkTransaction(id);
  const sale = book.findSale(payment.id);
  const ledger = ledgerOf(payment, events);
  return {
    payment,
    isOver: isOver(payment),
    exchanges: (sale?.exchanges ?? []).map((exchange) => viewExchange(exchange, language)),
    webhooks: (sale?.webhooks ?? []).map(({ at, ...webhook }) => ({
      ...webhook,
      time: formatTime(language, at),
      times: webhook.count > 1 ? t("merchant.times", { count: String(webhook.count) }) : null,
    })),
    ledger: {
      amount: formatMoney(ledger.amountRappen),
      total: formatMoney(ledger.totalRappen),
      calls: ledger.calls.map(({ at, billedRappen }, index) => ({
        name: t("merchant.call", { number: String(index + 1), time: formatTime(language, at) }),
        billed: formatMoney(billedRappen),
      })),
      billed: formatMoney(ledger.billedRappen),
      overshoot: formatMoney(ledger.overshootRappen),
      exception: payment.exception === "none" ? null : payment.exception,
      paidAt: formatMoment(language, payment.paidAt),
      confirmedAt: formatMoment(language, payment.confirmedAt),
      redeemedAt: formatMoment(language, payment.redeemedAt),
    },
  };
}

/** Whether nothing more is expected to happen. */
function isOver({ status, redeemedAt, cancelledAt, expiresAt }: Transaction): boolean {
  const endedMs = Date.parse(redeemedAt ?? cancelledAt ?? expiresAt);
  return OVER.has(status) && Date.now() - endedMs > LAST_WEBHOOK_MS;
}

function viewExchange(exchange: Exchange, language: Language) {
  const { method, path, status, durationMs, request, answer, at } = exchange;
  return {
    method,
    path,
    status: status === null ? translator(language)("merchant.noAnswer") : String(status),
    failed: status === null || status >= 400,
    durationMs,
    time: formatTime(language, at),
    request: request === null ? null : pretty(request),
    answer: pretty(answer),
  };
}

/** JSON by lines; what isn't JSON, or was cut, as it is. */
function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

import { formatDate, formatDuration } from "../core/durations.ts";
import { type Language, LOCALES, message } from "../core/messages.ts";
import { formatFrancs, formatMoney } from "../core/money.ts";
import { callMs, callSeconds } from "./call-duration.ts";
import type { PrintedPrice } from "./call-terms.ts";
import type { PayFacts, payView } from "./view-model.ts";

/** One fact of the payment: what it is called, and what it is. Kinds other than text have a look of their own. */
export type ReceiptFact =
  | { readonly kind: "text" | "code"; readonly label: string; readonly text: string }
  | { readonly kind: "id"; readonly label: string; readonly text: string; readonly parts: readonly string[] }
  | { readonly kind: "number"; readonly label: string; readonly text: string; readonly price: PrintedPrice };

/** A paragraph at the end; a note is small. Its link, if any, leads to one of our own pages. */
export interface ReceiptRemark {
  readonly text: string;
  readonly isNote: boolean;
  readonly about: "pass" | "donation" | "bill";
  readonly link: { readonly text: string; readonly path: string; readonly address: string } | null;
}

export type Receipt = ReturnType<typeof receiptView>;

type PayPage = ReturnType<typeof payView>;

/**
 * All that a receipt says, in the reader's language, which is that of `page`. The page and the PDF print this and nothing
 * else, so they can't tell two stories. It is plain data: the PDF is made in another thread.
 */
export function receiptView(
  facts: PayFacts,
  page: PayPage,
  { language, baseUrl }: { readonly language: Language; readonly baseUrl: string },
) {
  const { transaction, merchant } = facts;
  const { order, exceptionNote, heading, status, exception } = page;
  const { items, description, amountRappen, billedRappen, confirmedAt } = transaction;
  const lines = items.length > 0 ? items : [{ description, quantity: 1, amountRappen }];
  const title = message(language, "pay.receipt.title");
  return {
    locale: LOCALES[language],
    title,
    documentTitle: `${title} – ${merchant.name} – Phone2Pay`,
    merchant: merchant.name,
    address: order.address,
    contact: order.contact,
    /** The merchant's own legal line: company and UID. */
    providerLine: order.providerLine,
    testNotice: transaction.test ? message(language, "sandbox.banner") : null,
    exceptionNote,
    status,
    exception,
    state: confirmedAt
      ? message(language, "pay.receipt.confirmed", { date: formatDate(language, confirmedAt, true) })
      : (heading[0] ?? "").replace(" –", ""),
    heads: {
      item: message(language, "pay.item"),
      quantity: message(language, "pay.items.quantity"),
      amount: "CHF",
    },
    lines: lines.map((line) => ({
      text: line.description,
      quantity: String(line.quantity),
      amount: formatFrancs(line.amountRappen),
    })),
    total: { label: message(language, "pay.receipt.total"), amount: formatFrancs(billedRappen), billedRappen },
    notes: order.notes,
    factsTitle: message(language, "pay.label.paidByPhone"),
    facts: factsOf(facts, page, language),
    remarks: remarksOf(page, language, baseUrl),
  };
}

function factsOf(facts: PayFacts, { number, pass, id }: PayPage, language: Language): readonly ReceiptFact[] {
  const { transaction, calls, now } = facts;
  const until = transaction.paidAt ?? now;
  return [
    {
      kind: "text",
      label: message(language, "pay.receipt.date"),
      text: formatDate(language, calls[0]?.startedAt ?? until, true),
    },
    { kind: "number", label: message(language, "pay.receipt.number"), text: number.text, price: number.price },
    ...calls.map((call, index) => ({
      kind: "text" as const,
      label: message(language, "pay.label.call", { n: index + 1 }),
      text: `${formatDuration(callMs(call, until) / 1_000)}, ${formatMoney(call.billedRappen)}`,
    })),
    {
      kind: "text",
      label: message(language, "pay.receipt.duration"),
      text: formatDuration(callSeconds(calls, until) ?? 0),
    },
    ...(pass ? [{ kind: "code" as const, label: message(language, "access.code"), text: pass.code }] : []),
    { kind: "id", label: message(language, "pay.txid.label"), text: id.text, parts: id.parts },
  ];
}

function remarksOf(page: PayPage, language: Language, baseUrl: string): readonly ReceiptRemark[] {
  const { pass, donation, links, foot, test } = page;
  const remarks: ReceiptRemark[] = [];
  if (pass?.isOver)
    remarks.push({
      text: message(language, "access.expired", { date: pass.until }),
      isNote: false,
      about: "pass",
      link: null,
    });
  else if (pass) {
    const text = `${pass.validUntil}. ${message(language, "access.noNewCall")} ${message(language, "access.keep")}`;
    const link = { text: message(language, "access.title"), path: links.access, address: `${baseUrl}/access` };
    remarks.push({ text, isNote: false, about: "pass", link });
  }
  if (donation) {
    remarks.push({ text: message(language, "donation.thanks"), isNote: false, about: "donation", link: null });
    remarks.push({ text: donation.taxNote, isNote: true, about: "donation", link: null });
  }
  const onBill = test ? [] : [message(language, "pay.receipt.onBill")];
  const bill = [...onBill, message(language, "pay.receipt.notBill"), foot.provider].join(" ");
  return [...remarks, { text: bill, isNote: true, about: "bill", link: null }];
}

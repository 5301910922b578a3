import { formatClock, formatDate, formatDuration, spellDuration } from "../core/durations.ts";
import { type Language, message } from "../core/messages.ts";
import { formatMoney } from "../core/money.ts";
import { isPaid, remainingRappen, statusAt, type Transaction } from "../core/transaction.ts";
import { whyNotPayable } from "../core/transitions.ts";
import type { Brand } from "../db/brands.ts";
import type { LiveCode } from "../db/codes.ts";
import type { Merchant } from "../db/merchants.ts";
import { callSeconds } from "./call-duration.ts";
import { callPlanView, isNextCallDue } from "./call-plan.ts";
import { consentHint, hangUpTerms, printedNumber, qrOf, startOfBilling } from "./call-terms.ts";
import { blockView, codeView } from "./code-view.ts";
import { type DonationChoice, donationView } from "./donation-view.ts";
import { liveState, type ProgressFacts } from "./live-state.ts";
import type { Provider } from "./options.ts";
import { boughtDays, passView } from "./pass-view.ts";
import type { RenewalOffer } from "./renewal.ts";
import { withTransaction } from "./return-url.ts";

/** All that a pay page is made of, read at one moment (`now`, by the database's clock). */
export interface PayFacts extends ProgressFacts {
  readonly code: LiveCode | null;
  /** Why no code could be issued, if none could. */
  readonly codeRefusal: "busy" | "noNumber" | null;
  /** Whose law the number is under, as of which day; null while it isn't called. */
  readonly rules: { readonly country: string; readonly rulesOn: string } | null;
  /** Null: no pass, or none whose end is near. */
  readonly renewal: RenewalOffer | null;
  /** What the giver is typing; asks for the amount even where they have chosen one. */
  readonly choice?: DonationChoice;
  readonly merchant: Merchant;
  readonly brand: Brand;
  readonly provider: Provider;
  readonly now: Date;
}

/** The states of the page; each has its template in views/states. */
export type PageState =
  | "choosing"
  | "waiting"
  | "interrupted"
  | "next"
  | "calling"
  | "paid"
  | "done"
  | "expired"
  | "cancelled";

/**
 * What the pay page prints, worked out from the facts alone. `query` carries the language the shopper chose («?lang=de»)
 * into every link.
 */
export function payView(facts: PayFacts, language: Language, query: string) {
  const { transaction, merchant, terms, now } = facts;
  const state = pageState(facts);
  const plan = callPlanView(facts, language);
  const block = blockView(facts, language);
  const isBlocked = state === "waiting" && block !== null;
  const heading = withoutStop(
    isBlocked ? block.what : state === "next" && plan ? plan.needed : headingOf(facts, state, language),
  );
  const live = liveState(facts, language, now);
  return {
    state,
    status: live.status,
    exception: live.exception,
    heading: halves(heading),
    title: `${heading.split(" – ")[0]} – ${merchant.name} – Phone2Pay`,
    links: linksOf(transaction, query),
    order: orderView(facts, state, language),
    donation: donationView(facts, language),
    pass: passView(facts, language),
    number: printedNumber(transaction.number, terms.segments, language),
    live: {
      ...live,
      billed: formatMoney(transaction.billedRappen),
      remaining: formatMoney(remainingRappen(transaction)),
      remainingClock: live.remainingSeconds === null ? "" : formatClock(live.remainingSeconds),
      watched: canBePaid(state) || state === "choosing" || state === "calling" || state === "paid",
    },
    plan,
    code: codeView(facts, language),
    block: block && { text: isBlocked ? block.advice : `${block.what} ${block.advice}` },
    call: callView(facts, state, language),
    exceptionNote: exceptionNote(facts, language),
    after: afterView(facts, state, language),
    id: idView(transaction.id),
    foot: footView(facts, { invites: canBePaid(state) && !block, keepsId: !isOver(facts, state) }, language),
    test: transaction.test,
    refreshes: canBePaid(state) || state === "calling",
  };
}

/** An id that may break after its dashes. */
function idView(id: string) {
  return { text: id, parts: id.split("-") };
}

/** A merchant's contact: a link when it is an e-mail address, and plain text whatever else it may say. */
function contactView(contact: string) {
  const isAddress = /^[\w.+-]{1,64}@[\w-]+(\.[\w-]+)+$/.test(contact);
  return { text: contact, href: isAddress ? `mailto:${contact}` : null };
}

function pageState(facts: PayFacts): PageState {
  const { transaction, now } = facts;
  const status = statusAt(transaction, now);
  switch (status) {
    case "open":
      if (facts.choice || whyNotPayable(transaction, now) === "amount_not_chosen") return "choosing";
      if (isNextCallDue(facts)) return "next";
      return transaction.exception === "underpaid" ? "interrupted" : "waiting";
    case "confirmed":
    case "redeemed":
      return "done";
    case "calling":
    case "paid":
    case "expired":
    case "cancelled":
      return status;
  }
}

/** The states in which a code is shown. */
function canBePaid(state: PageState): boolean {
  return state === "waiting" || state === "interrupted" || state === "next";
}

/** Whether nothing is left to be paid, or nothing can be any more. */
function isOver({ transaction, now }: PayFacts, state: PageState): boolean {
  if (state === "expired") return transaction.resumableUntil <= now;
  return state === "paid" || state === "done" || state === "cancelled";
}

/** A sentence as a heading, which ends without a full stop. */
function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

function headingOf({ transaction }: PayFacts, state: PageState, language: Language): string {
  if (state === "choosing") return message(language, "donation.choose");
  if (state === "calling") return message(language, "pay.status.charging");
  if (state === "done") return message(language, `pay.status.${transaction.status as "confirmed" | "redeemed"}`);
  return message(language, `pay.status.${state === "next" ? "interrupted" : state}`);
}

/** «A – b» as two halves that each stay on a line where they can. */
function halves(text: string): readonly string[] {
  const [first = "", ...rest] = text.split(" – ");
  return rest.length === 0 ? [first] : [`${first} –`, rest.join(" – ")];
}

function linksOf(transaction: Transaction, query: string) {
  const page = `/pay/${transaction.id}`;
  const back = statusWantsCancelUrl(transaction)
    ? (transaction.cancelUrl ?? transaction.returnUrl)
    : transaction.returnUrl;
  return {
    page: `${page}${query}`,
    code: `${page}/code${query}`,
    amount: `${page}/amount${query}`,
    confirm: `${page}/confirm${query}`,
    cancel: `${page}/cancel${query}`,
    receipt: `${page}/receipt${query}`,
    receiptPdf: `${page}/receipt.pdf${query}`,
    resume: `${page}/resume${query}`,
    progress: `${page}/progress${query}`,
    resumePage: `/resume${query}`,
    access: `/access${query}`,
    renew: `/access/renew${query}`,
    back: withTransaction(back, transaction.id),
  };
}

function statusWantsCancelUrl({ status }: Transaction): boolean {
  return !isPaid(status);
}

function orderView(facts: PayFacts, state: PageState, language: Language) {
  const { transaction, merchant } = facts;
  const { amountRappen, totalRappen, billedRappen } = transaction;
  const total = formatMoney(totalRappen);
  const settled = isPaid(transaction.status);
  const [label = ""] = message(language, "pay.billedTotal", { total }).split(":");
  const notes = [...boughtDays(facts, language)];
  const isChosen = state !== "choosing";
  if (isChosen && totalRappen > amountRappen)
    notes.push(message(language, "pay.billedTotal.why", { amount: formatMoney(amountRappen), total }));
  // Whole tens can't be rounded up (OST art. 39b): then the sentence would only raise a doubt.
  if (isChosen && (totalRappen % 10 !== 0 || billedRappen % 10 !== 0))
    notes.push(message(language, "pay.billedTotal.rounding"));
  return {
    merchant: merchant.name,
    address: merchant.address,
    contact: contactView(merchant.contact),
    providerLine: facts.brand.providerLine,
    description: transaction.description,
    items: transaction.items.map((item) => ({
      text: item.quantity === 1 ? item.description : `${item.quantity} × ${item.description}`,
      amount: formatMoney(item.amountRappen),
    })),
    totalLabel: settled
      ? message(language, "pay.label.paidByCall")
      : `${label}, ${message(language, "pay.vatIncluded")}`,
    total: settled ? formatMoney(billedRappen) : isChosen ? total : null,
    notes,
  };
}

function callView(facts: PayFacts, state: PageState, language: Language) {
  const { transaction, rules } = facts;
  const { segments, codeBeforeAnswer } = facts.terms;
  const { tel, text } = printedNumber(transaction.number, segments, language);
  const estimate = message(language, "pay.call.estimate", { duration: formatDuration(transaction.expectedSeconds) });
  const hangUp = hangUpTerms(segments, language);
  const duringCall = [`${estimate}.`, startOfBilling(segments, language), hangUp].filter((part) => part !== null);
  const billed = state === "interrupted" || state === "next" ? transaction.billedRappen : 0;
  return {
    orderWords: message(language, "pay.start.button", { total: formatMoney(transaction.totalRappen - billed) }),
    button: message(language, state === "next" ? "pay.multicall.button" : "pay.call.button", { number: text }),
    qr: qrOf(tel),
    estimate,
    hangUp,
    duringCall: duringCall.join(" "),
    credit: message(language, "pay.resume.credit", { billed: formatMoney(transaction.billedRappen) }),
    consent: rules && consentHint(segments, language, rules),
    codeBeforeAnswer: codeBeforeAnswer ? message(language, "pay.call.codeBeforeAnswer") : null,
  };
}

function exceptionNote({ transaction, merchant }: PayFacts, language: Language): string | null {
  const billed = formatMoney(transaction.billedRappen);
  const total = formatMoney(transaction.totalRappen);
  if (transaction.exception === "paid_late")
    return message(language, "pay.exception.paidLate", { merchant: merchant.name });
  if (transaction.exception === "overpaid")
    return message(language, "pay.exception.overpaid", { billed, total, merchant: merchant.name });
  return null;
}

/** What follows once the call is over, in whatever way. */
function afterView(facts: PayFacts, state: PageState, language: Language) {
  const { transaction, merchant, now, calls } = facts;
  const billed = formatMoney(transaction.billedRappen);
  const remaining = formatMoney(remainingRappen(transaction));
  const seconds = callSeconds(calls, transaction.paidAt ?? now);
  const nothing = transaction.billedRappen === 0;
  const until = formatDate(language, transaction.resumableUntil);
  return {
    settled: message(language, "pay.confirm.settled", { total: billed }),
    confirmText: message(language, "pay.confirm.text", { merchant: merchant.name }),
    autoConfirm: message(language, "pay.confirm.auto", { duration: timeToConfirm(transaction, now, language) }),
    callClock: seconds === null ? null : formatClock(seconds),
    callSpoken: seconds === null ? null : spellDuration(language, seconds),
    back: message(language, "pay.return", { merchant: merchant.name }),
    cancel: message(language, "pay.cancel.return", { merchant: merchant.name }),
    partial: nothing ? null : message(language, "pay.resume.partial", { billed, remaining }),
    warning: nothing ? null : message(language, "pay.cancel.warning", { billed, merchant: merchant.name }),
    over: message(language, "pay.resume.over", { merchant: `${merchant.name} (${merchant.contact})` }),
    resumeUntil: message(language, "pay.resume.until", { date: until }),
    resumable: state === "expired" && !isOver(facts, state),
  };
}

/** Rounded up to minutes, in the last one to tens of seconds: the sentence stands still while the page is open. */
function timeToConfirm({ paidAt, autoConfirmSeconds }: Transaction, now: Date, language: Language): string {
  const left = paidAt ? autoConfirmSeconds - (now.getTime() - paidAt.getTime()) / 1_000 : autoConfirmSeconds;
  const step = left > 60 ? 60 : 10;
  return spellDuration(language, Math.max(10, Math.ceil(left / step) * step));
}

function footView(
  { provider }: PayFacts,
  { invites, keepsId }: { readonly invites: boolean; readonly keepsId: boolean },
  language: Language,
) {
  const [before = "", after = ""] = message(language, "pay.info.complaint", { provider: provider.name }).split(
    "ombudscom",
  );
  return {
    keepsId,
    advice: invites
      ? [
          message(language, "pay.info.lineHolder"),
          message(language, "pay.info.barred"),
          message(language, "pay.info.abroad"),
        ].join(" ")
      : null,
    provider: `${message(language, "pay.info.provider", { provider: provider.name, address: provider.address })}.`,
    privacy: message(language, "pay.info.privacy"),
    complaint: { before, after },
  };
}

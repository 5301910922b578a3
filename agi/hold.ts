import { priceChanges } from "../core/price-changes.ts";
import { priceDuties } from "../core/price-duties.ts";
import type { CallPlan } from "../core/quote.ts";
import { speakPrompt } from "../core/speech.ts";
import type { Transaction } from "../core/transaction.ts";
import { type Call, say, sayInTime, until } from "./call.ts";

/** So often a waiting caller hears how long it still takes. */
const PROGRESS_EVERY_MS = 60_000;
/** Nearer to the end than this, progress isn't said any more. */
const PROGRESS_BEFORE_END_MS = 25_000;
/** Two announcements are never closer than this. */
const APART_MS = 15_000;
/** Silence between the goodbye that is said ahead and the end. */
const CLOSING_MARGIN_MS = 1_500;
/** The books get this long before the end of the window to say «paid»; then the call ends on time without a word. */
const SETTLE_MARGIN_MS = 150;
const MUSIC_CLASS = "phone2pay";

/** One announcement while the caller waits. */
interface Announcement {
  readonly atMs: number;
  readonly fragments: readonly string[];
}

/** What is known of a payment when its call starts to wait. */
interface Paying {
  readonly transaction: Transaction;
  readonly merchantNumber: string;
  readonly creditRappen: number;
  readonly plan: CallPlan;
}

/**
 * Names merchant and total, then keeps the caller until the pulse that pays has fallen, with music and now and then a
 * word. Comes back inside the safe window, with «paid» said if that fits before the next pulse. A call that can't
 * bring all of it is kept until its own last pulse in the same way, and told that another one is needed.
 */
export async function holdUntilPaid(call: Call, paying: Paying): Promise<void> {
  const { window, final } = paying.plan;
  // Whoever has to call again must hear so: that goes before a word about the wait.
  const lastWordMs = final ? window.opensAtMs : (closingAhead(call, paying.plan)?.atMs ?? window.opensAtMs);
  await sayInTime(call, orderSummary(call, paying), window.closesAtMs);
  const toWaitSeconds = Math.ceil((window.opensAtMs - call.metered.elapsedMs()) / 1_000);
  if (toWaitSeconds > 0) {
    const welcome = speakPrompt(call.language, "ivr.hold.start", { duration: toWaitSeconds });
    await sayInTime(call, welcome, lastWordMs);
  }
  await waitWithMusic(call, paying.plan);
  const settled = await Promise.race([
    call.metered.settle(window.opensAtMs),
    until(call, Math.max(window.closesAtMs - SETTLE_MARGIN_MS, call.metered.elapsedMs())).then(() => false),
  ]);
  if (settled) await sayGoodbye(call, paying.plan);
}

async function waitWithMusic(call: Call, plan: CallPlan): Promise<void> {
  const { channel } = call;
  const { window } = plan;
  if (call.metered.elapsedMs() >= window.opensAtMs) return;
  await channel.exec("StartMusicOnHold", MUSIC_CLASS);
  for (const { atMs, fragments } of announcements(call, plan)) {
    await until(call, atMs);
    await channel.exec("StopMusicOnHold");
    await say(call, fragments);
    await channel.exec("StartMusicOnHold", MUSIC_CLASS);
  }
  await until(call, window.opensAtMs);
}

/** What is said during the hold, worked out ahead: each ends well before the window opens. */
function announcements(call: Call, plan: CallPlan): readonly Announcement[] {
  const fromMs = call.metered.elapsedMs();
  const changes = priceAnnouncements(call, plan);
  const closing = closingAhead(call, plan);
  const musts = closing ? [...changes, closing] : changes;
  // The law comes first: nothing else is said where it would get in the way.
  const others = progressAnnouncements(call, plan, fromMs).filter(
    ({ atMs }) => !musts.some((must) => Math.abs(must.atMs - atMs) < APART_MS),
  );
  return [...musts, ...others].filter(({ atMs }) => atMs > fromMs).sort((a, b) => a.atMs - b.atMs);
}

/** Each price that changes and each fee that falls before the call is over, said so that the grace passes after it. */
function priceAnnouncements(call: Call, { window }: CallPlan): readonly Announcement[] {
  const { language, number, server, metered } = call;
  const { graceSeconds: seconds } = priceDuties(metered.segments, number);
  return priceChanges(metered.segments, window.opensAtMs / 1_000).map(({ kind, atSeconds, priceRappen }) => {
    const key = kind === "fee" ? "ivr.price.fixedFee" : "ivr.price.changes";
    const fragments = speakPrompt(language, key, { seconds, price: priceRappen });
    return { atMs: (atSeconds - seconds) * 1_000 - server.prompts.lengthMs(language, fragments), fragments };
  });
}

function progressAnnouncements(call: Call, { window }: CallPlan, fromMs: number): readonly Announcement[] {
  const planned: Announcement[] = [];
  for (
    let atMs = fromMs + PROGRESS_EVERY_MS;
    atMs < window.opensAtMs - PROGRESS_BEFORE_END_MS;
    atMs += PROGRESS_EVERY_MS
  ) {
    const duration = Math.ceil((window.opensAtMs - atMs) / 1_000);
    planned.push({ atMs, fragments: speakPrompt(call.language, "ivr.hold.remaining", { duration }) });
  }
  return planned;
}

/** The goodbye, said ahead where none fits between the last pulse and the next one; null where one does. */
function closingAhead(call: Call, { window, ...plan }: CallPlan): Announcement | null {
  const { language, server } = call;
  const length = (fragments: readonly string[]) => server.prompts.lengthMs(language, fragments);
  const shortest = goodbyes(call, plan).at(-1) ?? [];
  if (length(shortest) <= window.closesAtMs - window.opensAtMs) return null;
  const fragments = speakPrompt(language, plan.final ? "ivr.hold.closing" : "ivr.multicall.next", {});
  return { atMs: window.opensAtMs - CLOSING_MARGIN_MS - length(fragments), fragments };
}

/** As much of «paid», or of «another call is needed», as fits before the next pulse; on tariffs by the second that is nothing. */
async function sayGoodbye(call: Call, plan: CallPlan): Promise<void> {
  for (const goodbye of goodbyes(call, plan)) {
    if (await sayInTime(call, goodbye, plan.window.closesAtMs)) return;
  }
}

/** What may be said when all pulses are booked, longest first. */
function goodbyes({ language }: Call, plan: Pick<CallPlan, "final">): readonly (readonly string[])[] {
  if (!plan.final) return [speakPrompt(language, "ivr.multicall.next", {})];
  const done = speakPrompt(language, "ivr.paid.done", {});
  return [[...done, ...speakPrompt(language, "ivr.paid.next", {})], speakPrompt(language, "ivr.paid.short", {})];
}

function orderSummary(call: Call, paying: Paying): readonly string[] {
  const { plan } = paying;
  const order = paying.creditRappen === 0 ? orderOf(call, paying) : creditOf(call, paying);
  if (plan.final) return order;
  const { callNumber: n, calls: m } = plan;
  return [...order, ...speakPrompt(call.language, "ivr.multicall.number", { n, m })];
}

function orderOf(call: Call, paying: Paying): readonly string[] {
  const { language, server } = call;
  const recording = `merchant-${paying.merchantNumber}`;
  const merchant = server.prompts.has(language, recording) ? recording : undefined;
  const total = paying.transaction.totalRappen;
  const words = paying.transaction.donation ? "ivr.order.summaryDonation" : "ivr.order.summary";
  return speakPrompt(language, words, { ...(merchant === undefined ? {} : { merchant }), total });
}

function creditOf({ language }: Call, { transaction, creditRappen }: Paying): readonly string[] {
  const remaining = Math.max(0, transaction.totalRappen - creditRappen);
  return speakPrompt(language, "ivr.resume.found", { billed: creditRappen, remaining });
}

import type { ReleaseWindow } from "../core/quote.ts";
import { speakPrompt } from "../core/speech.ts";
import type { Transaction } from "../core/transaction.ts";
import { type Call, say, sayInTime, until } from "./call.ts";

/** So often a waiting caller hears how long it still takes. */
const PROGRESS_EVERY_MS = 60_000;
/** Nearer to the end than this, progress isn't said any more. */
const PROGRESS_BEFORE_END_MS = 25_000;
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

/**
 * Names merchant and total, then keeps the caller until the pulse that pays has fallen, with music and now and then a
 * word. Comes back inside the safe window, with «paid» said if that fits before the next pulse.
 */
export async function holdUntilPaid(
  call: Call,
  paying: {
    readonly transaction: Transaction;
    readonly merchantNumber: string;
    readonly creditRappen: number;
    readonly window: ReleaseWindow;
  },
): Promise<void> {
  const { window } = paying;
  const lastWordMs = window.opensAtMs;
  await sayInTime(call, orderSummary(call, paying), window.closesAtMs);
  const toWaitSeconds = Math.ceil((window.opensAtMs - call.metered.elapsedMs()) / 1_000);
  if (toWaitSeconds > 0) {
    const welcome = speakPrompt(call.language, "ivr.hold.start", { duration: toWaitSeconds });
    await sayInTime(call, welcome, lastWordMs);
  }
  await waitWithMusic(call, window);
  const settled = await Promise.race([
    call.metered.settle(window.opensAtMs),
    until(call, Math.max(window.closesAtMs - SETTLE_MARGIN_MS, call.metered.elapsedMs())).then(() => false),
  ]);
  if (settled) await sayPaid(call, window.closesAtMs);
}

async function waitWithMusic(call: Call, window: ReleaseWindow): Promise<void> {
  const { channel } = call;
  if (call.metered.elapsedMs() >= window.opensAtMs) return;
  await channel.exec("StartMusicOnHold", MUSIC_CLASS);
  for (const { atMs, fragments } of announcements(call, window)) {
    await until(call, atMs);
    await channel.exec("StopMusicOnHold");
    await say(call, fragments);
    await channel.exec("StartMusicOnHold", MUSIC_CLASS);
  }
  await until(call, window.opensAtMs);
}

/** What is said during the hold, worked out ahead: each ends well before the window opens. */
function announcements(call: Call, window: ReleaseWindow): readonly Announcement[] {
  const { language, server } = call;
  const length = (fragments: readonly string[]) => server.prompts.lengthMs(language, fragments);
  const planned: Announcement[] = [];
  const fromMs = call.metered.elapsedMs();
  for (
    let atMs = fromMs + PROGRESS_EVERY_MS;
    atMs < window.opensAtMs - PROGRESS_BEFORE_END_MS;
    atMs += PROGRESS_EVERY_MS
  ) {
    const duration = Math.ceil((window.opensAtMs - atMs) / 1_000);
    planned.push({ atMs, fragments: speakPrompt(language, "ivr.hold.remaining", { duration }) });
  }
  const closing = speakPrompt(language, "ivr.hold.closing", {});
  const closingAtMs = window.opensAtMs - CLOSING_MARGIN_MS - length(closing);
  const shortestGoodbye = length(speakPrompt(language, "ivr.paid.short", {}));
  const roomAfterPaid = window.closesAtMs - window.opensAtMs;
  if (roomAfterPaid < shortestGoodbye && closingAtMs > fromMs) planned.push({ atMs: closingAtMs, fragments: closing });
  return planned;
}

/** As much of «paid» as fits before the next pulse; on tariffs by the second that is nothing. */
async function sayPaid(call: Call, closesAtMs: number): Promise<void> {
  const done = speakPrompt(call.language, "ivr.paid.done", {});
  const next = speakPrompt(call.language, "ivr.paid.next", {});
  if (await sayInTime(call, [...done, ...next], closesAtMs)) return;
  await sayInTime(call, speakPrompt(call.language, "ivr.paid.short", {}), closesAtMs);
}

function orderSummary(
  call: Call,
  paying: { readonly transaction: Transaction; readonly merchantNumber: string; readonly creditRappen: number },
): readonly string[] {
  const { language, server } = call;
  const recording = `merchant-${paying.merchantNumber}`;
  const merchant = server.prompts.has(language, recording) ? recording : undefined;
  const total = paying.transaction.totalRappen;
  const summary = speakPrompt(language, "ivr.order.summary", {
    ...(merchant === undefined ? {} : { merchant }),
    total,
  });
  if (paying.creditRappen === 0) return summary;
  return speakPrompt(language, "ivr.resume.found", {
    billed: paying.creditRappen,
    remaining: Math.max(0, total - paying.creditRappen),
  });
}

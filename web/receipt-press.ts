import path from "node:path";
import { Piscina } from "piscina";
import type { Receipt } from "./receipt-view.ts";

/** To lay a page out is work for a processor. One thread does it, behind pages and calls, so it never takes more than one. */
const THREADS_MAX = 1;
const NICENESS = 10;
/** Some 50 ms each: who waits behind all of them still waits for about a second. */
const WAITING_MAX = 20;
/** Far beyond what any receipt takes: a thread that hangs is ended. */
const MAKING_MS_MAX = 15_000;
const HEAP_MEGABYTES_MAX = 128;
/** A thread that nobody needed for so long gives its memory back. */
const IDLE_MS_MAX = 60_000;

export interface ReceiptPress extends AsyncDisposable {
  /** The receipt as a PDF; null when too many are waiting already. */
  print(receipt: Receipt): Promise<Uint8Array | null>;
}

/** Makes PDFs beside the process's own work: pulses and pages don't wait for them. The first one starts its thread. */
export function openReceiptPress(): ReceiptPress {
  const pool = new Piscina<Receipt, Uint8Array>({
    filename: path.join(import.meta.dirname, "receipt-pdf.ts"),
    minThreads: 0,
    maxThreads: THREADS_MAX,
    niceIncrement: NICENESS,
    maxQueue: WAITING_MAX,
    idleTimeout: IDLE_MS_MAX,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES_MAX },
  });
  return {
    async print(receipt) {
      if (pool.queueSize >= WAITING_MAX) return null;
      return pool.run(receipt, { signal: AbortSignal.timeout(MAKING_MS_MAX) });
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

import type { WebhookEvent } from "../sdk/typescript/phone2pay.ts";
import type { Exchange } from "./recording-fetch.ts";

/** What is remembered, all of it in memory: a demo, which shows its merchant what has just happened. */
export const SALES_MAX = 20;
export const EXCHANGES_MAX = 30;
const WEBHOOKS_MAX = 40;
const STRAYS_MAX = 20;
/** Of a body; the others are cut. */
export const BODY_CHARACTERS_MAX = 8_192;
const NAME_CHARACTERS_MAX = 80;

/** A webhook that was verified, however often it came. */
export interface HeardWebhook {
  readonly id: string;
  readonly type: string;
  readonly sequence: number;
  readonly at: Date;
  readonly count: number;
}

/** One that belongs to no sale: it tells of something else, or proves nothing. */
export interface StrayWebhook {
  /** As it says itself. */
  readonly id: string;
  readonly at: Date;
  /** Null when it was refused: then nothing of its content counts. */
  readonly type: string | null;
  /** The code of the refusal. */
  readonly refusal: string | null;
}

export interface Sale {
  /** The transaction's id. */
  readonly id: string;
  readonly openedAt: Date;
  readonly exchanges: readonly Exchange[];
  /** In the order in which things happened, which needn't be that in which they were told. */
  readonly webhooks: readonly HeardWebhook[];
}

interface KeptSale extends Sale {
  readonly exchanges: Exchange[];
  webhooks: HeardWebhook[];
}

export interface SaleBook {
  readonly noteExchange: (exchange: Exchange) => void;
  /** Only what was verified. */
  readonly noteWebhook: (id: string, event: WebhookEvent) => void;
  readonly noteRefusedWebhook: (id: string, refusal: string) => void;
  /** Newest first. */
  readonly sales: () => readonly Sale[];
  readonly findSale: (id: string) => Sale | null;
  /** Newest first. */
  readonly strays: () => readonly StrayWebhook[];
}

/** What the shop remembers of its latest sales: the oldest makes room for a new one. */
export function saleBook(): SaleBook {
  const sales = new Map<string, KeptSale>();
  const strays: StrayWebhook[] = [];

  function openSale(id: string, at: Date): KeptSale {
    const found = sales.get(id);
    if (found) return found;
    const [oldest] = sales.keys();
    if (oldest !== undefined && sales.size >= SALES_MAX) sales.delete(oldest);
    const opened: KeptSale = { id, openedAt: at, exchanges: [], webhooks: [] };
    sales.set(id, opened);
    return opened;
  }

  function noteStray(stray: StrayWebhook): void {
    strays.unshift({ ...stray, id: stray.id.slice(0, NAME_CHARACTERS_MAX) });
    strays.splice(STRAYS_MAX);
  }

  return {
    noteExchange(exchange) {
      const about = transactionOf(exchange);
      // Whoever visits with an invented id must not push a sale out: only an answer opens one.
      const sale = about.told ? openSale(about.told, exchange.at) : sales.get(about.asked ?? "");
      if (!sale) return;
      const { request, answer } = exchange;
      sale.exchanges.push({ ...exchange, request: request === null ? null : cut(request), answer: cut(answer) });
      // The first one, which opened the transaction, stays.
      if (sale.exchanges.length > EXCHANGES_MAX) sale.exchanges.splice(1, 1);
    },
    noteWebhook(id, event) {
      const at = new Date();
      const type = String(event.type).slice(0, NAME_CHARACTERS_MAX);
      const about = type.startsWith("transaction.") ? event.data?.id : null;
      if (typeof about !== "string") return noteStray({ id, at, type, refusal: null });
      const sale = openSale(about.toUpperCase(), at);
      const known = sale.webhooks.find((webhook) => webhook.id === id);
      const heard = known ? { ...known, count: known.count + 1 } : { id, type, sequence: event.sequence, at, count: 1 };
      sale.webhooks = [...sale.webhooks.filter((webhook) => webhook !== known), heard]
        .sort((a, b) => a.sequence - b.sequence)
        .slice(-WEBHOOKS_MAX);
    },
    noteRefusedWebhook: (id, refusal) => noteStray({ id, at: new Date(), type: null, refusal }),
    sales: () => [...sales.values()].reverse(),
    findSale: (id) => sales.get(id.toUpperCase()) ?? null,
    strays: () => strays,
  };
}

/** Which transaction an exchange is about: by what was answered, or else only by what was asked for. */
function transactionOf({ path, status, answer }: Exchange): { readonly told?: string; readonly asked?: string } {
  const [, asked] = /\/transactions\/([0-9A-Za-z-]+)/.exec(path) ?? [];
  const answered = status !== null && status < 300 ? readObject(answer) : null;
  // What a pass is worth is answered with the transaction inside.
  const { id } = readObject(answered?.transaction) ?? answered ?? {};
  return {
    ...(typeof id === "string" ? { told: id.toUpperCase() } : {}),
    ...(asked === undefined ? {} : { asked: asked.toUpperCase() }),
  };
}

function readObject(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== "string") return typeof value === "object" ? (value as Record<string, unknown> | null) : null;
  try {
    return readObject(JSON.parse(value) ?? null);
  } catch {
    return null;
  }
}

function cut(body: string): string {
  return body.length > BODY_CHARACTERS_MAX ? `${body.slice(0, BODY_CHARACTERS_MAX)}…` : body;
}

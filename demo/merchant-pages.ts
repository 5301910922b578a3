import type { FastifyInstance } from "fastify";
import { type Client, findPayment } from "./delivery.ts";
import { frame, languageOf, notice } from "./frame.ts";
import { findGood } from "./goods.ts";
import type { SaleBook } from "./sale-book.ts";
import { viewSale } from "./sale-view.ts";
import { formatMoney, formatTime, translator } from "./texts.ts";

const REFRESH_SECONDS = 4;

interface Query {
  readonly lang?: string;
  /** The page is read and shall not change under its reader's eyes. */
  readonly still?: string;
}

const QUERY = {
  type: "object",
  properties: { lang: { type: "string", maxLength: 10 }, still: { type: "string", maxLength: 1 } },
} as const;
const PARAMETERS = { type: "object", properties: { id: { type: "string", maxLength: 64 } } } as const;

/**
 * The merchant's side of the shop. `observer` asks without being recorded: who looks at a sale does nothing to it. A real
 * shop would ask for a password here; this one is on one's own machine.
 */
export async function merchantPages(
  app: FastifyInstance,
  scope: { readonly observer: Client; readonly book: SaleBook },
): Promise<void> {
  const { observer, book } = scope;

  app.get<{ Querystring: Query }>("/merchant", { schema: { querystring: QUERY } }, async (request, reply) => {
    const language = languageOf(request);
    const t = translator(language);
    const sales = await Promise.all(
      book.sales().map(async ({ id, openedAt, exchanges, webhooks }) => {
        const payment = await observer.checkTransaction(id);
        return {
          payment,
          item: findGood(payment.metadata.item)?.name ?? payment.description,
          amount: formatMoney(payment.amount),
          time: formatTime(language, openedAt),
          counts: t("merchant.counts", { requests: String(exchanges.length), webhooks: String(webhooks.length) }),
        };
      }),
    );
    const strays = book.strays().map((stray) => ({ ...stray, time: formatTime(language, stray.at) }));
    return reply.view("merchant.njk", { ...frame(request, language), sales, strays });
  });

  app.get<{ Params: { readonly id: string }; Querystring: Query }>(
    "/merchant/:id",
    { schema: { params: PARAMETERS, querystring: QUERY } },
    async (request, reply) => {
      const language = languageOf(request);
      const known = await findPayment(observer, request.params.id);
      if (!known) return notice(request, reply, 404, "demo.unknown");
      const sale = await viewSale(scope, known.id, language);
      const still = request.query.still !== undefined;
      return reply.view("sale.njk", {
        ...frame(request, language),
        sale,
        item: findGood(sale.payment.metadata.item)?.name ?? sale.payment.description,
        still,
        refreshSeconds: sale.isOver || still ? null : REFRESH_SECONDS,
      });
    },
  );
}

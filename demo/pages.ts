import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type NewTransaction, Phone2PayError } from "../sdk/typescript/phone2pay.ts";
import { type Client, type Delivery, deliver, findPayment } from "./delivery.ts";
import { frame, languageOf, notice, QUERY, type Query } from "./frame.ts";
import { findGood, GOODS, type Good } from "./goods.ts";
import { merchantPages } from "./merchant-pages.ts";
import { phonePages } from "./phone-pages.ts";
import { lineOf, phoneView } from "./phone-view.ts";
import type { SaleBook } from "./sale-book.ts";
import { viewSale } from "./sale-view.ts";
import type { DemoShopOptions } from "./shop.ts";
import { chooseLanguage, formatMoment, formatMoney, type Language, translator } from "./texts.ts";

const ORDER = {
  type: "object",
  required: ["item"],
  properties: { item: { type: "string", maxLength: 40 }, lang: { type: "string", maxLength: 10 } },
} as const;

const RENEWAL = {
  type: "object",
  required: ["transaction"],
  properties: { transaction: { type: "string", maxLength: 64 }, lang: { type: "string", maxLength: 10 } },
} as const;

/** The shop's pages: goods, order, what happens after, the telephone, and the merchant's side. */
export async function shopPages(
  app: FastifyInstance,
  options: DemoShopOptions & {
    readonly client: Client;
    /** Asks for the merchant's side. */
    readonly observer: Client;
    readonly book: SaleBook;
    readonly shopUrl: () => string;
  },
): Promise<void> {
  const { client, shopUrl } = options;

  app.get<{ Querystring: Query }>("/", { schema: { querystring: QUERY } }, async (request, reply) => {
    const language = languageOf(request);
    const t = translator(language);
    const goods = GOODS.map((good) => ({
      ...good,
      kind: t(good.kind),
      amount: good.donation ? t("demo.chosenAmount") : formatMoney(good.amountRappen),
      contents: (good.items ?? []).map(contentsLine).join(", "),
      buy: good.donation ? t("demo.donate") : t("demo.pay", { amount: formatMoney(good.amountRappen) }),
      line: lineOf(language, good.number),
    }));
    return reply.view("goods.njk", {
      ...frame(request, language),
      phone: phoneView(options, request.query, language),
      goods,
      accessUrl: accessUrl(options, language),
    });
  });

  app.post<{ Body: { readonly item: string; readonly lang?: string } }>(
    "/buy",
    { schema: { body: ORDER } },
    async (request, reply) => {
      const good = findGood(request.body.item);
      if (!good) return reply.redirect("/", 303);
      const language = chooseLanguage(request.body.lang, request.headers["accept-language"]);
      const created = await client.createTransaction(orderOf(good, language));
      return reply.redirect(created.payUrl, 303);
    },
  );

  // A double click, or one on the renewal that Phone2Pay's own pages offer, finds the renewal that is open already.
  app.post<{ Body: { readonly transaction: string; readonly lang?: string } }>(
    "/renew",
    { schema: { body: RENEWAL } },
    async (request, reply) => {
      const pass = await findPayment(client, request.body.transaction);
      const good = findGood(pass?.metadata?.item);
      if (!pass || !good) return reply.redirect("/", 303);
      const language = chooseLanguage(request.body.lang, request.headers["accept-language"]);
      try {
        const renewal = await client.createTransaction({ ...orderOf(good, language), renews: pass.id });
        return reply.redirect(renewal.payUrl, 303);
      } catch (error) {
        if (!(error instanceof Phone2PayError) || !error.code.startsWith("renewal_")) throw error;
        return reply.redirect(`/back?transaction=${pass.id}&lang=${language}`, 303);
      }
    },
  );

  // What the shopper's browser says proves nothing: the shop asks, and delivers only what redeeming hands out, once.
  app.get<{ Querystring: Query }>("/back", { schema: { querystring: QUERY } }, async (request, reply) => {
    const payment = await findPayment(client, request.query.transaction);
    if (!payment) return notice(request, reply, 404, "demo.unknown");
    return showOrder(request, reply, await deliver(client, payment));
  });

  app.get<{ Querystring: Query }>("/cancelled", { schema: { querystring: QUERY } }, async (request, reply) =>
    notice(request, reply, 200, "demo.cancelled"),
  );

  // Browsers ask by themselves; the shop has no icon, and that is no error.
  app.get("/favicon.ico", async (_, reply) => reply.code(204).send());

  app.setNotFoundHandler(async (request, reply) => notice(request, reply, 404, "demo.unknown"));
  app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
    if (error.statusCode && error.statusCode < 500) return notice(request, reply, error.statusCode, "demo.unavailable");
    const known = error instanceof Phone2PayError;
    const { onError = console.error } = options;
    onError(`demo shop: ${request.method} ${request.routeOptions.url ?? "?"}: ${known ? error.code : error.stack}`);
    return notice(request, reply, 502, "demo.unavailable", known ? `${error.code}: ${error.detail}` : undefined);
  });
  await app.register(merchantPages, options);
  await app.register(phonePages, options);

  function orderOf(good: Good, language: Language): NewTransaction {
    return {
      amount: good.amountRappen,
      currency: "CHF",
      description: good.name,
      reference: `D-${randomBytes(5).toString("hex")}`,
      returnUrl: `${shopUrl()}/back?lang=${language}`,
      cancelUrl: `${shopUrl()}/cancelled?lang=${language}`,
      language,
      number: good.number,
      ...(good.accessDays ? { accessDays: good.accessDays } : {}),
      ...(good.items ? { items: good.items } : {}),
      ...(good.donation ? { donation: good.donation } : {}),
      // What was ordered travels with the payment, so that the shop needs no memory of its own.
      metadata: { item: good.id },
    };
  }

  async function showOrder(request: FastifyRequest<{ Querystring: Query }>, reply: FastifyReply, delivery: Delivery) {
    const language = languageOf(request);
    const t = translator(language);
    const { payment, access } = delivery;
    // It is shown beside the order, and must not keep a shopper from what was just handed out.
    const sale = await viewSale(options, payment.id, language).catch(() => null);
    const good = findGood(payment.metadata?.item);
    return reply.view("order.njk", {
      ...frame(request, language),
      sale,
      delivered: delivery.kind !== "none",
      // A pass is there to come back with: nothing about it is over when it was used once.
      deliveredBefore: delivery.kind === "before" && !access,
      access: access && { valid: access.valid, until: formatMoment(language, access.accessUntil) },
      accessUrl: accessUrl(options, language),
      renewLabel: good && t("demo.renew", { amount: formatMoney(good.amountRappen) }),
      renewable: access?.transaction.accessDays !== 1 && !payment.renewedBy,
      payment,
      item: good?.name ?? "",
      amount: formatMoney(payment.amount),
      total: payment.total === payment.amount ? null : formatMoney(payment.total),
      billed: formatMoney(payment.billed),
      line: payment.number.national.replaceAll(" ", ""),
      state: t(`demo.status.${payment.status}`),
      redeemedAt: formatMoment(language, payment.redeemedAt),
      resumable: payment.status === "open" || payment.status === "calling" || payment.status === "expired",
    });
  }
}

/** Where Phone2Pay opens a pass again; the shop links to it and keeps no codes. */
function accessUrl({ phone2pay }: DemoShopOptions, language: Language): string {
  return `${phone2pay.baseUrl}/access?lang=${language}`;
}

function contentsLine({ description, quantity }: { readonly description: string; readonly quantity: number }): string {
  return quantity === 1 ? description : `${quantity} × ${description}`;
}

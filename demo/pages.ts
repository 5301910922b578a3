import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type NewTransaction, Phone2PayError } from "../sdk/typescript/phone2pay.ts";
import { type Client, type Delivery, deliver, findPayment } from "./delivery.ts";
import { frame, languageOf, notice, QUERY, type Query } from "./frame.ts";
import { DEMO_NUMBERS, findGood, GOODS, type Good } from "./goods.ts";
import { merchantPages } from "./merchant-pages.ts";
import type { SaleBook } from "./sale-book.ts";
import { viewSale } from "./sale-view.ts";
import type { DemoShopOptions } from "./shop.ts";
import {
  chooseLanguage,
  formatMoment,
  formatMoney,
  formatNumber,
  type Language,
  template,
  translator,
} from "./texts.ts";

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

/** The texts that the telephone's script shows, with their placeholders. */
const PHONE_TEXTS = [
  "phone.ready",
  "phone.connecting",
  "phone.ringing",
  "phone.beforeAnswer",
  "phone.inCall",
  "phone.ended",
  "phone.busy",
  "phone.refused",
  "phone.failed",
  "phone.microphoneOn",
  "phone.microphoneOff",
  "phone.microphoneDenied",
  "phone.noLine",
] as const;

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
      phone: phoneOf(request.query, language),
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

  app.get<{ Querystring: Query }>("/phone", { schema: { querystring: QUERY } }, async (request, reply) => {
    const language = languageOf(request);
    const numbers = DEMO_NUMBERS.map(({ number }) => ({ number, ...lineOf(language, number) }));
    return reply.view("phone.njk", {
      ...frame(request, language),
      phone: phoneOf(request.query, language),
      numbers,
      softphone: options.softphone,
    });
  });
  // Browsers ask by themselves; the shop has no icon, and that is no error.
  app.get("/favicon.ico", async (_, reply) => reply.code(204).send());
  app.get("/how-to-call", async (_, reply) => reply.redirect("/phone#how-to-call", 303));

  app.setNotFoundHandler(async (request, reply) => notice(request, reply, 404, "demo.unknown"));
  app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
    if (error.statusCode && error.statusCode < 500) return notice(request, reply, error.statusCode, "demo.unavailable");
    const known = error instanceof Phone2PayError;
    const { onError = console.error } = options;
    onError(`demo shop: ${request.method} ${request.routeOptions.url ?? "?"}: ${known ? error.code : error.stack}`);
    return notice(request, reply, 502, "demo.unavailable", known ? `${error.code}: ${error.detail}` : undefined);
  });
  await app.register(merchantPages, options);

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

  function phoneOf(query: Query, language: Language) {
    const account =
      options.softphone?.accounts.find(({ user }) => user === query.account) ?? options.softphone?.accounts[0];
    const settings =
      options.asterisk === "simulated"
        ? { kind: "simulated", url: options.simulatedLineUrl ?? null }
        : { kind: "sip", url: options.softphone?.webSocketUrl ?? null, ...account, host: sipHost(options) };
    return {
      number: /^[\d+*#]{1,20}$/.test(query.number ?? "") ? query.number : GOODS[0]!.number,
      settings,
      simulated: options.asterisk === "simulated",
      texts: Object.fromEntries(PHONE_TEXTS.map((key) => [key.slice("phone.".length), template(language, key)])),
      prices: Object.fromEntries(DEMO_NUMBERS.map(({ number }) => [number, lineOf(language, number).price])),
      keys: KEYS.map(([key, letters]) => ({ key, letters })),
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
      state: t(`demo.status.${payment.status}`),
      redeemedAt: formatMoment(language, payment.redeemedAt),
      resumable: payment.status === "open" || payment.status === "calling" || payment.status === "expired",
    });
  }
}

function lineOf(language: Language, number: string): { readonly shown: string; readonly price: string } {
  const found = DEMO_NUMBERS.find((known) => known.number === number);
  if (!found) throw new Error(`no price is known for ${number}`);
  const price = translator(language)(found.price.key, { price: formatMoney(found.price.rappen) });
  return { shown: formatNumber(number), price };
}

/** Where Phone2Pay opens a pass again; the shop links to it and keeps no codes. */
function accessUrl({ phone2pay }: DemoShopOptions, language: Language): string {
  return `${phone2pay.baseUrl}/access?lang=${language}`;
}

function contentsLine({ description, quantity }: { readonly description: string; readonly quantity: number }): string {
  return quantity === 1 ? description : `${quantity} × ${description}`;
}

function sipHost({ softphone }: DemoShopOptions): string | null {
  return softphone ? softphone.sipAddress.replace(/:\d+$/, "") : null;
}

const KEYS = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", ""],
  ["#", ""],
] as const;

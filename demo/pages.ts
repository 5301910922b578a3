import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Phone2PayError, type phone2pay } from "../sdk/typescript/phone2pay.ts";
import { DEMO_NUMBERS, findGood, GOODS } from "./goods.ts";
import type { DemoShopOptions } from "./shop.ts";
import {
  chooseLanguage,
  formatMoment,
  formatMoney,
  formatNumber,
  LANGUAGES,
  type Language,
  template,
  translator,
} from "./texts.ts";

type Client = ReturnType<typeof phone2pay>;
type Payment = Awaited<ReturnType<Client["checkTransaction"]>>;

interface Query {
  readonly lang?: string;
  readonly transaction?: string;
  readonly number?: string;
  readonly account?: string;
}

const QUERY = {
  type: "object",
  properties: {
    lang: { type: "string", maxLength: 10 },
    transaction: { type: "string", maxLength: 64 },
    number: { type: "string", maxLength: 20 },
    account: { type: "string", maxLength: 20 },
  },
} as const;
const ORDER = {
  type: "object",
  required: ["item"],
  properties: { item: { type: "string", maxLength: 40 }, lang: { type: "string", maxLength: 10 } },
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

/** The shop's pages: goods, order, what happens after, and the telephone. */
export async function shopPages(
  app: FastifyInstance,
  options: DemoShopOptions & { readonly client: Client; readonly shopUrl: () => string },
): Promise<void> {
  const { client, shopUrl } = options;

  app.get<{ Querystring: Query }>("/", { schema: { querystring: QUERY } }, async (request, reply) => {
    const language = languageOf(request);
    const t = translator(language);
    const goods = GOODS.map((good) => ({
      ...good,
      kind: t(good.kind),
      amount: formatMoney(good.amountRappen),
      line: lineOf(language, good.number),
    }));
    return reply.view("goods.njk", {
      ...frame(request, language),
      phone: phoneOf(request.query, language),
      goods,
      payTemplate: template(language, "demo.pay"),
    });
  });

  app.post<{ Body: { readonly item: string; readonly lang?: string } }>(
    "/buy",
    { schema: { body: ORDER } },
    async (request, reply) => {
      const good = findGood(request.body.item);
      if (!good) return reply.redirect("/", 303);
      const language = chooseLanguage(request.body.lang, request.headers["accept-language"]);
      const created = await client.createTransaction({
        amount: good.amountRappen,
        currency: "CHF",
        description: good.name,
        reference: `D-${randomBytes(5).toString("hex")}`,
        returnUrl: `${shopUrl()}/back?lang=${language}`,
        cancelUrl: `${shopUrl()}/cancelled?lang=${language}`,
        language,
        number: good.number,
        ...(good.accessDays ? { accessDays: good.accessDays } : {}),
        // What was ordered travels with the payment, so that the shop needs no memory of its own.
        metadata: { item: good.id },
      });
      return reply.redirect(created.payUrl, 303);
    },
  );

  // What the shopper's browser says proves nothing: the shop asks, and delivers only what redeeming hands out, once.
  app.get<{ Querystring: Query }>("/back", { schema: { querystring: QUERY } }, async (request, reply) => {
    const payment = await findPayment(client, request.query.transaction);
    if (!payment) return notice(request, reply, 404, "demo.unknown");
    const delivery = await deliver(client, payment);
    return showOrder(request, reply, delivery);
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

  function showOrder(request: FastifyRequest<{ Querystring: Query }>, reply: FastifyReply, delivery: Delivery) {
    const language = languageOf(request);
    const t = translator(language);
    const { payment } = delivery;
    const good = findGood(payment.metadata?.item);
    return reply.view("order.njk", {
      ...frame(request, language),
      delivered: delivery.kind !== "none",
      deliveredBefore: delivery.kind === "before",
      payment,
      item: good?.name ?? "",
      amount: formatMoney(payment.amount),
      total: payment.total === payment.amount ? null : formatMoney(payment.total),
      billed: formatMoney(payment.billed),
      state: t(`demo.status.${payment.status}`),
      redeemedAt: payment.redeemedAt ? formatMoment(language, payment.redeemedAt) : null,
      accessUntil: payment.accessUntil ? formatMoment(language, payment.accessUntil) : null,
      resumable: payment.status === "open" || payment.status === "calling" || payment.status === "expired",
    });
  }
}

/** `now`: this request redeemed it; `before`: an earlier one did; `none`: not paid. */
interface Delivery {
  readonly kind: "now" | "before" | "none";
  readonly payment: Payment;
}

/** Redeems what is paid. Of two requests at once only one is told «now»; the other is refused, and looks again. */
async function deliver(client: Client, payment: Payment): Promise<Delivery> {
  if (payment.status === "redeemed") return { kind: "before", payment };
  if (payment.status !== "paid" && payment.status !== "confirmed") return { kind: "none", payment };
  try {
    return { kind: "now", payment: await client.redeemTransaction(payment.id) };
  } catch (error) {
    if (!(error instanceof Phone2PayError) || error.code !== "transaction_already_redeemed") throw error;
    return { kind: "before", payment: await client.checkTransaction(payment.id) };
  }
}

async function findPayment(client: Client, id: string | undefined): Promise<Payment | null> {
  if (!id || !/^[0-9a-fA-F-]{32,36}$/.test(id)) return null;
  try {
    return await client.checkTransaction(id);
  } catch (error) {
    if (error instanceof Phone2PayError && error.status === 404) return null;
    throw error;
  }
}

function notice(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  key: "demo.unknown" | "demo.unavailable" | "demo.cancelled",
  detail?: string,
) {
  const language = languageOf(request);
  return reply
    .status(status)
    .view("notice.njk", { ...frame(request, language), text: translator(language)(key), detail });
}

function languageOf(request: FastifyRequest): Language {
  return chooseLanguage((request.query as Query | undefined)?.lang, request.headers["accept-language"]);
}

/** What every page needs: its texts, and links to itself in the other languages. */
function frame(request: FastifyRequest, language: Language) {
  const links = LANGUAGES.map((other) => {
    const query = new URLSearchParams(request.query as Record<string, string>);
    query.set("lang", other);
    return { language: other, href: `?${query.toString()}`, current: other === language };
  });
  return { t: translator(language), language, links };
}

function lineOf(language: Language, number: string): { readonly shown: string; readonly price: string } {
  const found = DEMO_NUMBERS.find((known) => known.number === number);
  if (!found) throw new Error(`no price is known for ${number}`);
  const price = translator(language)(found.price.key, { price: formatMoney(found.price.rappen) });
  return { shown: formatNumber(number), price };
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

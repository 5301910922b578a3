import type { FastifyInstance } from "fastify";
import { frame, languageOf, QUERY, type Query } from "./frame.ts";
import { DEMO_NUMBERS } from "./goods.ts";
import { lineOf, phoneView } from "./phone-view.ts";
import type { DemoShopOptions } from "./shop.ts";

/** The telephone on a page of its own, and beside the shop in one window. */
export async function phonePages(
  app: FastifyInstance,
  options: DemoShopOptions & { readonly shopUrl: () => string },
): Promise<void> {
  app.get<{ Querystring: Query }>("/phone", { schema: { querystring: QUERY } }, async (request, reply) => {
    const language = languageOf(request);
    return reply.view("phone.njk", {
      ...frame(request, language),
      phone: phoneView(options, request.query, language),
      numbers: DEMO_NUMBERS.map(({ number }) => ({ number, ...lineOf(language, number) })),
      softphone: options.softphone,
    });
  });
  app.get("/how-to-call", async (_, reply) => reply.redirect("/phone#how-to-call", 303));

  app.get<{ Querystring: Query }>("/side-by-side", { schema: { querystring: QUERY } }, async (request, reply) => {
    // The shop's pages come back into the frame under one name, and may be framed by that name alone.
    if (request.host !== new URL(options.shopUrl()).host) return reply.redirect(`${options.shopUrl()}${request.url}`);
    const language = languageOf(request);
    return reply.view("side-by-side.njk", {
      ...frame(request, language),
      payOrigin: new URL(options.phone2pay.baseUrl).origin,
      phone: phoneView(options, request.query, language),
    });
  });
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { accessAt, type Pass } from "../core/access.ts";
import { parseAccessKey } from "../core/access-key.ts";
import { formatDate } from "../core/durations.ts";
import { ACCESS_CODE_GUESSES } from "../core/guess-budget.ts";
import { type Language, message } from "../core/messages.ts";
import { findBrand } from "../db/brands.ts";
import { type Db, databaseNow } from "../db/database.ts";
import { findMerchant } from "../db/merchants.ts";
import { findPass } from "../db/passes.ts";
import { type AccessBlock, type AccessTries, accessTries } from "./access-tries.ts";
import { type BrandView, brandOf } from "./brand.ts";
import { allowFormsAnywhere } from "./headers.ts";
import { languageOf, languageQuery } from "./language.ts";
import type { WebOptions } from "./options.ts";
import { renewalView, untilView } from "./pass-view.ts";
import { ENTRIES, PAGE_VIEWS } from "./rate-limits.ts";
import { offerRenewal, takeUpRenewal } from "./renewal.ts";
import { withTransaction } from "./return-url.ts";
import { frame } from "./templates.ts";

/** Longest text that is read as an id or a code, and printed back. */
const TYPED_CHARACTERS_MAX = 60;

/** What the page tells of what was entered; all of it may be missing. */
interface Told {
  readonly error?: string;
  /** An unpaid transaction, to be taken up again. */
  readonly resumeId?: string;
  readonly pass?: ReturnType<typeof untilView>;
  readonly renewal?: ReturnType<typeof renewalView> | null;
  readonly onward?: { readonly href: string; readonly text: string };
}

/** Of a pass that was found: its language, and its merchant's look. */
interface PageOf {
  readonly language: Language;
  readonly brand: BrandView;
}

/**
 * Where a pass opens again, without being billed: its code or id leads to the merchant's return address, as after the
 * payment. What is entered travels in the form's body alone, so that no log, history or Referer holds it.
 */
export function accessRoutes(app: FastifyInstance, { db, accessCodeGuesses }: WebOptions): void {
  const tries = accessTries(app, accessCodeGuesses ?? ACCESS_CODE_GUESSES);
  app.get("/access", { config: { rateLimit: PAGE_VIEWS } }, async (request, reply) => showForm(request, reply, {}));
  app.get("/access/renew", { config: { rateLimit: PAGE_VIEWS } }, async (request, reply) =>
    reply.redirect(`/access${languageQuery(request)}`, 303),
  );
  app.post("/access", { config: { rateLimit: ENTRIES } }, async (request, reply) => {
    const found = await findTyped(db, request, tries);
    return "pass" in found ? openPass(db, request, reply, found.pass) : refuse(request, reply, found);
  });
  app.post("/access/renew", { config: { rateLimit: ENTRIES } }, async (request, reply) => {
    const found = await findTyped(db, request, tries);
    if (!("pass" in found)) return refuse(request, reply, found);
    const renewal = await takeUpRenewal(db, found.pass.newest);
    if (!renewal) return openPass(db, request, reply, found.pass);
    return reply.redirect(`/pay/${renewal.id}${languageQuery(request)}`, 303);
  });
}

type Found = { readonly pass: Pass } | { readonly blocked: AccessBlock } | { readonly unknown: true };

/** Looks up what was entered: an id always, a code if its address may still try. */
async function findTyped(db: Db, request: FastifyRequest, tries: AccessTries): Promise<Found> {
  const key = parseAccessKey(typedAccess(request));
  if (!key) return { unknown: true };
  const find = () => findPass(db, key);
  // Whoever has an id gets in, whoever else tries what.
  const looked = "id" in key ? { found: await find() } : await tries.tryCode(request, find);
  if ("blocked" in looked) return looked;
  return looked.found ? { pass: looked.found } : { unknown: true };
}

/** Sends the holder on to the merchant; near the pass's end they are asked whether to renew it first. */
async function openPass(db: Db, request: FastifyRequest, reply: FastifyReply, pass: Pass): Promise<FastifyReply> {
  const { asked, newest } = pass;
  const now = await databaseNow(db);
  const { refusal, until } = accessAt(pass, now);
  const language = languageOf(request, asked.language);
  const [merchant, brand, offer] = await Promise.all([
    findMerchant(db, asked.merchantId),
    findBrand(db, asked.merchantId),
    offerRenewal(db, newest, now),
  ]);
  const pageOf = { language, brand: brandOf({ merchant, brand }) };
  const renewal = offer && renewalView(offer, language);
  const href = withTransaction(asked.returnUrl, asked.id);
  const named = `${merchant.name} (${merchant.contact})`;
  switch (refusal) {
    case "no_access":
      return showForm(request, reply.code(409), { error: message(language, "access.none") }, pageOf);
    case "cancelled": {
      const error = message(language, "access.cancelled", { merchant: named });
      return showForm(request, reply.code(409), { error }, pageOf);
    }
    case "not_paid": {
      const error = message(language, "access.notPaid");
      return showForm(request, reply.code(409), { error, resumeId: asked.id }, pageOf);
    }
    case "expired": {
      const error = message(language, "access.expired", { date: until ? formatDate(language, until, true) : "" });
      return showForm(request, reply.code(409), { error, renewal }, pageOf);
    }
    case null: {
      if (!renewal || !until) return reply.redirect(href, 303);
      const onward = { href, text: message(language, "access.continue", { merchant: merchant.name }) };
      return showForm(request, reply, { pass: untilView(until, now, language), renewal, onward }, pageOf);
    }
  }
}

function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  found: Exclude<Found, { readonly pass: Pass }>,
): FastifyReply {
  const language = languageOf(request);
  if ("unknown" in found) return showForm(request, reply.code(404), { error: message(language, "access.notFound") });
  const { blocked } = found;
  if (blocked.kind === "only_id")
    return showForm(request, reply.code(429), { error: message(language, "access.onlyId") });
  const duration = message(language, "unit.seconds", { n: blocked.seconds });
  const error = message(language, "access.tooMany", { duration });
  return showForm(request, reply.code(429).header("retry-after", blocked.seconds), { error });
}

function showForm(request: FastifyRequest, reply: FastifyReply, told: Told, pageOf?: PageOf): FastifyReply {
  const language = pageOf?.language ?? languageOf(request);
  const query = languageQuery(request);
  allowFormsAnywhere(reply);
  return reply.view("access.njk", {
    ...frame(language, `${message(language, "access.title")} – Phone2Pay`, pageOf?.brand),
    links: { access: `/access${query}`, renew: `/access/renew${query}`, resume: `/resume${query}` },
    hasLanguages: request.method === "GET",
    typed: told.pass ? "" : typedAccess(request),
    told: { error: null, resumeId: null, pass: null, renewal: null, onward: null, ...told },
  });
}

function typedAccess({ body }: FastifyRequest): string {
  const { access } = (body ?? {}) as { readonly access?: unknown };
  return typeof access === "string" ? access.trim().slice(0, TYPED_CHARACTERS_MAX) : "";
}

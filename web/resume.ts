import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Language, message } from "../core/messages.ts";
import { ID_DIGITS, parseTransactionId } from "../core/transaction-id.ts";
import { resume } from "../core/transitions.ts";
import { changeTransaction, findTransaction } from "../db/transactions.ts";
import { showErrorPage } from "./error-page.ts";
import { languageOf, languageQuery } from "./language.ts";
import type { WebOptions } from "./options.ts";
import { ENTRIES, PAGE_VIEWS, UNKNOWN_IDS } from "./rate-limits.ts";
import { showResumeRefusal } from "./resume-refusal.ts";
import { frame } from "./templates.ts";

/** Longest text that is read as an id, and printed back: dashes, blanks and slips of the finger included. */
const TYPED_ID_CHARACTERS_MAX = 60;

/** The page where an interrupted payment is taken up again by its id. */
export function resumeRoutes(app: FastifyInstance, { db }: WebOptions): void {
  app.get("/resume", { config: { rateLimit: PAGE_VIEWS } }, async (request, reply) =>
    showForm(request, reply, typedId(request.query), null),
  );
  const countUnknown = app.createRateLimit(UNKNOWN_IDS);
  app.post("/resume", { config: { rateLimit: ENTRIES } }, async (request, reply) => {
    const typed = typedId(request.body);
    const language = languageOf(request);
    const id = parseTransactionId(typed);
    if (!id) return showForm(request, reply.code(422), typed, whatIsWrong(typed, language));
    // Looked up before a database transaction is opened for it: whoever guesses costs no more than one look.
    const changed = (await findTransaction(db, id)) && (await changeTransaction(db, id, resume));
    if (!changed) {
      const tried = await countUnknown(request);
      if (!tried.isAllowed && tried.isExceeded)
        return showErrorPage(request, reply.header("retry-after", tried.ttlInSeconds), { status: 429 });
      return showForm(request, reply.code(404), typed, message(language, "pay.error.unknown"));
    }
    const { transaction, refusal } = changed;
    if (refusal === "reference_in_use" || refusal === "transaction_over")
      return showResumeRefusal(request, reply, { db, transaction, refusal });
    return reply.redirect(`/pay/${id}${languageQuery(request)}`, 303);
  });
}

function showForm(request: FastifyRequest, reply: FastifyReply, typed: string, error: string | null): FastifyReply {
  const language = languageOf(request);
  const title = message(language, error ? "pay.resume.errorTitle" : "pay.resume.title");
  const action = `/resume${languageQuery(request)}`;
  return reply.view("resume.njk", { ...frame(language, `${title} – Phone2Pay`), typed, error, action });
}

function typedId(form: unknown): string {
  const { id } = (form ?? {}) as { readonly id?: unknown };
  return typeof id === "string" ? id.trim().slice(0, TYPED_ID_CHARACTERS_MAX) : "";
}

function whatIsWrong(typed: string, language: Language): string {
  const characters = typed.replace(/[\s-]/g, "").length;
  return characters === ID_DIGITS
    ? message(language, "pay.error.unknown")
    : message(language, "pay.resume.length", { n: characters });
}

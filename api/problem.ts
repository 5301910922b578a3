import type { FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { z } from "zod";
import { ERRORS, type ErrorCode, type FieldError, PublicError } from "../core/errors.ts";
import type { Db } from "../db/database.ts";
import { isDatabaseAway } from "../db/unavailable.ts";

/** Broken fields that one problem lists, and how much it quotes of each: what was sent isn't sent back whole. */
const FIELD_ERRORS_MAX = 20;
const QUOTED_LENGTH_MAX = 200;
/** How soon a client may ask again while the database is away. */
const RETRY_AFTER_SECONDS = 5;
const PROBLEM_TYPE = "application/problem+json";

/** RFC 9457, with our code, the broken fields and the request's id. */
export const problemSchema = z
  .object({
    type: z.string().describe("Where the code is explained."),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("What was wrong with this request, and what mends it."),
    code: z.string().describe("For programs: branch on this, never on the texts."),
    errors: z.array(z.object({ path: z.string().describe("JSON pointer into the request."), message: z.string() })),
    requestId: z.string().describe("Quote it to support; also in the header x-request-id."),
    redeemedAt: z.string().optional().describe("With transaction_already_redeemed: when the first redeem was."),
    redeemedBy: z.string().optional().describe("With transaction_already_redeemed: the name of the key that redeemed."),
  })
  .meta({
    id: "Problem",
    examples: [
      {
        type: "https://pay.example/docs/errors#amount_invalid",
        title: "The amount isn't a positive whole number of rappen",
        status: 422,
        detail: "/amount: Too small: expected number to be >=1. Send CHF 9.90 as 990.",
        code: "amount_invalid",
        errors: [{ path: "/amount", message: "Too small: expected number to be >=1" }],
        requestId: "kX2mB0c1Yw9z",
      },
    ],
  });
type Problem = z.infer<typeof problemSchema>;

/** A refusal whose problem tells more than its code. */
export class ToldRefusal extends PublicError {
  readonly members: Readonly<Record<string, string>>;
  constructor(code: ErrorCode, members: Readonly<Record<string, string>>) {
    super(code);
    this.members = members;
  }
}

/** What every authenticated route can answer instead. */
export const ANY_ROUTE_CODES = [
  "api_key_missing",
  "api_key_invalid",
  "not_acceptable",
  "too_many_requests",
  "internal_error",
  "service_unavailable",
] as const satisfies readonly ErrorCode[];
/** What a route with a body can answer besides. */
export const ANY_BODY_CODES = [
  "request_malformed",
  "body_too_large",
  "media_type_unsupported",
  "field_invalid",
] as const satisfies readonly ErrorCode[];

/** The answers that a route can refuse with, for its `response` schema: one entry for each status, codes in its text. */
export function problemAnswers(codes: readonly ErrorCode[]): Record<number, ReturnType<typeof problemAnswer>> {
  const ofStatus = Map.groupBy(codes, (code) => ERRORS[code].status);
  return Object.fromEntries([...ofStatus].map(([status, all]) => [status, problemAnswer(all)]));
}

function problemAnswer(codes: readonly ErrorCode[]) {
  const lines = codes.map((code) => `\`${code}\`: ${ERRORS[code].title}.`);
  return { description: lines.join("\n\n"), content: { [PROBLEM_TYPE]: { schema: problemSchema } } };
}

/** Answers any error as a problem. What isn't a refusal is logged with its request id, and told to nobody. */
export async function answerProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  options: { readonly baseUrl: string; readonly db: Db },
): Promise<FastifyReply> {
  const refusal = await refusalOf(error, options.db);
  if (refusal.status >= 500) request.log.error({ error: refusal.cause ?? refusal, code: refusal.code }, "api.failed");
  if (refusal.code === "service_unavailable") reply.header("retry-after", RETRY_AFTER_SECONDS);
  if (refusal.code === "api_key_missing") reply.header("www-authenticate", 'Bearer realm="phone2pay"');
  if (refusal.code === "api_key_invalid")
    reply.header("www-authenticate", 'Bearer realm="phone2pay", error="invalid_token"');
  // A string: no response schema stands between an error and its answer.
  return reply
    .code(refusal.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemOf(refusal, { baseUrl: options.baseUrl, requestId: request.id })));
}

function problemOf(
  refusal: PublicError,
  context: { readonly baseUrl: string; readonly requestId: string },
): Problem & Readonly<Record<string, unknown>> {
  const { status, title, mend } = ERRORS[refusal.code];
  return {
    type: `${context.baseUrl}/docs/errors#${refusal.code}`,
    title,
    status,
    detail: refusal.message === title ? mend : `${refusal.message} ${mend}`,
    code: refusal.code,
    errors: [...refusal.fields],
    requestId: context.requestId,
    ...(refusal instanceof ToldRefusal ? refusal.members : {}),
  };
}

/** Fastify's codes for what a client can do wrong; any other 4xx is a request that can't be read. */
const OF_FASTIFY: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "body_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "media_type_unsupported",
  FST_ERR_MAX_PARAM_LENGTH: "route_unknown",
};

async function refusalOf(error: unknown, db: Db): Promise<PublicError> {
  if (error instanceof PublicError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return refusalOfFields(error.validation);
  const { code, statusCode } = (error ?? {}) as { readonly code?: unknown; readonly statusCode?: unknown };
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    const known = typeof code === "string" ? OF_FASTIFY[code] : undefined;
    return new PublicError(known ?? "request_malformed", undefined, { cause: error });
  }
  const away = await isDatabaseAway(db, error);
  return new PublicError(away ? "service_unavailable" : "internal_error", undefined, { cause: error });
}

/** A broken field that has a code of its own. The first broken field names the problem; all of them are listed. */
const OF_FIELD: Readonly<Record<string, ErrorCode>> = {
  "/amount": "amount_invalid",
  "/currency": "currency_unsupported",
  "/returnUrl": "return_url_invalid",
  "/cancelUrl": "return_url_invalid",
  "/url": "webhook_url_invalid",
};

interface BrokenField {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message?: string;
  readonly params?: unknown;
}

function refusalOfFields(broken: readonly BrokenField[]): PublicError {
  // One rule for each field is enough: an empty text breaks several at once.
  const byPath = new Map(
    broken
      .flatMap(fieldErrors)
      .reverse()
      .map((field) => [field.path, field]),
  );
  const fields = [...byPath.values()].reverse().slice(0, FIELD_ERRORS_MAX);
  const first = fields[0];
  const code = (first && OF_FIELD[first.path]) ?? "field_invalid";
  const detail = first && `${first.path === "" ? "The request" : first.path}: ${first.message}.`;
  return new PublicError(code, detail, { fields });
}

function fieldErrors(broken: BrokenField): readonly FieldError[] {
  const path = broken.instancePath === "/" ? "" : broken.instancePath.slice(0, QUOTED_LENGTH_MAX);
  const { keys } = (broken.params ?? {}) as { readonly keys?: readonly string[] };
  if (broken.keyword !== "unrecognized_keys" || !keys)
    return [{ path, message: (broken.message ?? "has a wrong value").slice(0, QUOTED_LENGTH_MAX) }];
  return keys.map((key) => ({
    path: `${path}/${key}`.slice(0, QUOTED_LENGTH_MAX),
    message: "there is no such field",
  }));
}

import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { ERRORS, type ErrorCode, type PublicError } from "../core/errors.ts";
import { problemOf } from "../core/problem.ts";
import type { Db } from "../db/database.ts";
import { wantsXmlProblem } from "./answer-format.ts";
import { detailOf, refusalOf, ToldRefusal, TooOften } from "./refusal.ts";
import { shapeOf } from "./xml-shape.ts";
import { writeXml } from "./xml-writer.ts";

/** How soon a client may ask again while the database is away. */
const RETRY_AFTER_SECONDS = 5;
const PROBLEM_TYPE = "application/problem+json";
const PROBLEM_TYPE_XML = "application/problem+xml";
/** Namespace and names of lists in problems are the RFC's own (RFC 9457, appendix B). */
const PROBLEM_XML = { root: "problem", namespace: "urn:ietf:rfc:7807", item: "i" } as const;

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
  "encoding_unsupported",
  "field_invalid",
] as const satisfies readonly ErrorCode[];

/** The answers that a route can refuse with, for its `response` schema: one entry for each status, codes in its text. */
export function problemAnswers(codes: readonly ErrorCode[]): Record<number, ReturnType<typeof problemAnswer>> {
  const ofStatus = Map.groupBy(codes, (code) => ERRORS[code].status);
  return Object.fromEntries([...ofStatus].map(([status, all]) => [status, problemAnswer(all)]));
}

function problemAnswer(codes: readonly ErrorCode[]) {
  const described = { schema: problemSchema };
  const lines = codes.map((code) => `\`${code}\`: ${ERRORS[code].title}.`);
  return { description: lines.join("\n\n"), content: { [PROBLEM_TYPE]: described, [PROBLEM_TYPE_XML]: described } };
}

/** Answers any error as a problem. What isn't a refusal is logged with its request id, and told to nobody. */
export async function answerProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  options: { readonly baseUrl: string; readonly db: Db },
): Promise<FastifyReply> {
  const refusal = await refusalOf(error, options.db);
  noteRefusal(refusal, request, reply);
  const { baseUrl } = options;
  const told = { baseUrl, requestId: request.id, detail: detailOf(refusal), errors: refusal.fields };
  const members = refusal instanceof ToldRefusal ? refusal.members : {};
  const problem: Problem = { ...problemOf(refusal.code, told), ...members };
  const inXml = wantsXmlProblem(request);
  // A string: no response schema stands between an error and its answer.
  return reply
    .code(refusal.status)
    .type(inXml ? `${PROBLEM_TYPE_XML}; charset=utf-8` : PROBLEM_TYPE)
    .send(
      inXml ? writeXml({ ...PROBLEM_XML, shape: shapeOf(problemSchema), value: problem }) : JSON.stringify(problem),
    );
}

/** Logs what was our fault, and sets the headers that a status owes its clients. */
export function noteRefusal(refusal: PublicError, request: FastifyRequest, reply: FastifyReply): void {
  if (refusal.status >= 500) request.log.error({ error: refusal.cause ?? refusal, code: refusal.code }, "api.failed");
  if (refusal.code === "service_unavailable") reply.header("retry-after", RETRY_AFTER_SECONDS);
  if (refusal instanceof TooOften) reply.header("retry-after", refusal.retryAfterSeconds);
  if (refusal.status === 401) {
    const why = refusal.code === "api_key_invalid" ? ', error="invalid_token"' : "";
    reply.header("www-authenticate", `Bearer realm="phone2pay"${why}`);
  }
}

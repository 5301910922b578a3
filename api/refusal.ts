import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import type { z } from "zod";
import { ERRORS, type ErrorCode, type FieldError, PublicError } from "../core/errors.ts";
import type { Db } from "../db/database.ts";
import { isDatabaseAway } from "../db/unavailable.ts";

/** Broken fields that one refusal lists, and how much it quotes of each: what was sent isn't sent back whole. */
const FIELD_ERRORS_MAX = 20;
const QUOTED_LENGTH_MAX = 200;

/** A refusal whose problem tells more than its code. */
export class ToldRefusal extends PublicError {
  readonly members: Readonly<Record<string, string>>;
  constructor(code: ErrorCode, members: Readonly<Record<string, string>>) {
    super(code);
    this.members = members;
  }
}

/** Refused for being too often; how long to wait is told in `Retry-After`. */
export class TooOften extends PublicError {
  readonly retryAfterSeconds: number;
  constructor(waitMs: number) {
    super("too_many_requests");
    this.retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000));
  }
}

/** What was wrong with this request, where the refusal knows more than its title, and what mends it. */
export function detailOf(refusal: PublicError): string {
  const { title, mend } = ERRORS[refusal.code];
  return refusal.message === title ? mend : `${refusal.message} ${mend}`;
}

/** A refusal for one field; `path` is a JSON pointer into the request. */
export function refusedField(code: ErrorCode, path: `/${string}`, message: string): PublicError {
  return new PublicError(code, `${path}: ${message}.`, { fields: [{ path, message }] });
}

/** Fastify's codes for what a client can do wrong; any other 4xx is a request that can't be read. */
const OF_FASTIFY: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "body_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "media_type_unsupported",
  FST_ERR_MAX_PARAM_LENGTH: "route_unknown",
};

/** What an error is to the client who caused it: a refusal, or `internal_error` with it as the cause. */
export async function refusalOf(error: unknown, db: Db): Promise<PublicError> {
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
  "/idempotency-key": "idempotency_key_invalid",
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

/** What a schema found broken, where no route's own validation did: the same words, and the same codes. */
export function refusalOfIssues({ issues }: z.core.$ZodError): PublicError {
  return refusalOfFields(
    issues.map(({ code, path, message, ...params }) => ({
      instancePath: `/${path.map(String).join("/")}`,
      keyword: code,
      message,
      params,
    })),
  );
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

import { ERRORS, type ErrorCode, type FieldError } from "./errors.ts";

/** RFC 9457: what every surface answers to programs for a code of the table, `errors` naming broken fields. */
export function problemOf(
  code: ErrorCode,
  told: {
    readonly baseUrl: string;
    readonly requestId: string;
    /** What was wrong with this request and what mends it; the table's words unless told. */
    readonly detail?: string;
    readonly errors?: readonly FieldError[];
  },
) {
  const { status, title, mend } = ERRORS[code];
  const { baseUrl, requestId, detail = mend, errors = [] } = told;
  return { type: `${baseUrl}/docs/errors#${code}`, title, status, detail, code, errors: [...errors], requestId };
}

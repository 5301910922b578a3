import type { z } from "zod";
import type { ErrorCode } from "../core/errors.ts";
import { ANY_ROUTE_CODES, problemAnswers } from "./problem.ts";

/** The `response` schema of a route: its success, what it can refuse with, and what every route can. */
export function answers<Status extends 200 | 201 | 202, Schema extends z.ZodType>(
  status: Status,
  description: string,
  schema: Schema,
  codes: readonly ErrorCode[],
) {
  const success = { description, content: { "application/json": { schema } } };
  return { ...problemAnswers([...codes, ...ANY_ROUTE_CODES]), [status]: success } as Record<Status, typeof success>;
}

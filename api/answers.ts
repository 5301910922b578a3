import type { z } from "zod";
import type { ErrorCode } from "../core/errors.ts";
import { ANY_ROUTE_CODES, problemAnswers } from "./problem.ts";

/** What a route answers, for its `response` schema: one success, and the problems of its own beside those of any route. */
export function answers<Status extends 200 | 201, Schema extends z.ZodType>(
  status: Status,
  description: string,
  schema: Schema,
  codes: readonly ErrorCode[],
) {
  const success = { description, content: { "application/json": { schema } } };
  return { ...problemAnswers([...codes, ...ANY_ROUTE_CODES]), [status]: success } as Record<Status, typeof success>;
}

import type { FastifyInstance, FastifyRequest } from "fastify";
import { parseAccessCode } from "../core/access-code.ts";
import { PublicError } from "../core/errors.ts";
import { clientOf } from "./authentication.ts";
import { TooOften } from "./refusal.ts";

/**
 * Wrong access codes of one key. A shop that passes on what its visitors enter passes on their guesses, too: so many,
 * kept up for a month, find one of 100,000 passes. Ids, which nobody can guess, are answered all the same.
 */
export const WRONG_ACCESS_CODES_OF_KEY = { max: 200, timeWindow: 60_000 } as const;

export interface AccessTries {
  /** Answers as `check` does, and counts a code that is unknown. Throws TooOften, without asking, when there were too many. */
  tryAccess<T>(request: FastifyRequest, access: string, check: () => Promise<T>): Promise<T>;
}

export function accessTries(app: FastifyInstance): AccessTries {
  const count = app.createRateLimit({
    ...WRONG_ACCESS_CODES_OF_KEY,
    keyGenerator: (request) => clientOf(request).keyId,
  });
  return {
    async tryAccess(request, access, check) {
      if (parseAccessCode(access) === null) return check();
      const tried = await count(request, { increment: false });
      if (!tried.isAllowed && tried.remaining === 0) throw new TooOften(tried.ttl);
      try {
        return await check();
      } catch (error) {
        if (error instanceof PublicError && error.code === "access_unknown") await count(request);
        throw error;
      }
    },
  };
}

import type { FastifyRequest } from "fastify";
import { parseAccessCode } from "../core/access-code.ts";
import { PublicError } from "../core/errors.ts";
import { GuessBudget, type GuessLimits } from "../core/guess-budget.ts";
import { clientOf } from "./authentication.ts";
import { TooOften } from "./refusal.ts";

export interface AccessTries {
  /** Answers as `check` does, and counts a code that is unknown. Throws TooOften, without asking, when there were too many. */
  tryAccess<T>(request: FastifyRequest, access: string, check: () => Promise<T>): Promise<T>;
}

/**
 * Counts wrong access codes by key: a shop that passes on what its visitors enter passes on their guesses, too. Ids,
 * which nobody can guess, are answered all the same.
 */
export function accessTries(limits: GuessLimits): AccessTries {
  const budgets = new Map<number, GuessBudget>(); // keys that exist, so there is an end to them
  return {
    async tryAccess(request, access, check) {
      if (parseAccessCode(access) === null) return check();
      const { keyId } = clientOf(request);
      const budget = budgets.get(keyId) ?? new GuessBudget(limits);
      budgets.set(keyId, budget);
      const waitMs = budget.waitMs(performance.now());
      if (waitMs > 0) throw new TooOften(waitMs);
      try {
        return await check();
      } catch (error) {
        if (error instanceof PublicError && error.code === "access_unknown") budget.spend(performance.now());
        throw error;
      }
    },
  };
}

import type { FastifyInstance, FastifyRequest } from "fastify";
import { WRONG_ACCESS_CODES_OF_ALL, WRONG_ACCESS_TRIES } from "./rate-limits.ts";

/** Why a try isn't looked up: its address has to wait, or no codes are taken for now. */
export type AccessBlock = { readonly kind: "wait"; readonly seconds: number } | { readonly kind: "only_id" };

export interface AccessTries {
  /** Null: it may be looked up. Asking counts nothing. */
  whyBlocked(request: FastifyRequest, typed: { readonly isCode: boolean }): Promise<AccessBlock | null>;
  noteWrong(request: FastifyRequest, typed: { readonly isCode: boolean }): Promise<void>;
}

/**
 * Counts what opened nothing, by client address and over all, so that codes can't be guessed. What opens is free, and an
 * address that has to wait keeps nobody else waiting: its further tries count for nothing.
 */
export function accessTries(app: FastifyInstance): AccessTries {
  const ofAddress = app.createRateLimit(WRONG_ACCESS_TRIES);
  const ofAll = app.createRateLimit(WRONG_ACCESS_CODES_OF_ALL);
  const look = { increment: false } as const;
  return {
    async whyBlocked(request, { isCode }) {
      const own = await ofAddress(request, look);
      if (!own.isAllowed && own.remaining === 0) return { kind: "wait", seconds: own.ttlInSeconds };
      const all = isCode ? await ofAll(request, look) : null;
      return all && !all.isAllowed && all.remaining === 0 ? { kind: "only_id" } : null;
    },
    async noteWrong(request, { isCode }) {
      await ofAddress(request);
      if (isCode) await ofAll(request);
    },
  };
}

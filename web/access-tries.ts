import { normalizeIP } from "@fastify/rate-limit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { GuessBudget, type GuessLimits } from "../core/guess-budget.ts";
import { WRONG_ACCESS_CODES, WRONG_ACCESS_CODES_OF_NETWORK } from "./rate-limits.ts";

/** What a hobbyist gets for nothing: 65,536 subscribers' networks. */
const NETWORK_BITS_IPV6 = 48;

/** Why a code isn't looked up: its address has to wait, or no codes are taken for now. */
export type AccessBlock = { readonly kind: "wait"; readonly seconds: number } | { readonly kind: "only_id" };

export interface AccessTries {
  /** Looks a code up by `find`, which answers null for a wrong one, unless there were too many of those. */
  tryCode<T>(
    request: FastifyRequest,
    find: () => Promise<T | null>,
  ): Promise<{ readonly found: T | null } | { readonly blocked: AccessBlock }>;
}

/**
 * Counts codes that opened nothing, by client address, by network and over all, so that they can't be guessed. What opens
 * is free, and an address that has to wait keeps nobody else waiting: its further tries count for nothing. Tries that
 * are being looked up count as wrong until it is known, or a thousand at the same moment would all be let through.
 */
export function accessTries(app: FastifyInstance, ofAll: GuessLimits): AccessTries {
  const limits = [
    app.createRateLimit(WRONG_ACCESS_CODES),
    app.createRateLimit({ ...WRONG_ACCESS_CODES_OF_NETWORK, keyGenerator: networkOf }),
  ].map((count) => ({ count, underWay: new Map<string, number>() }));
  const everybody = new GuessBudget(ofAll);
  let allUnderWay = 0;

  return {
    async tryCode(request, find) {
      const seen = await Promise.all(
        limits.map(async (limit) => ({ ...limit, ...(await limit.count(request, { increment: false })) })),
      );
      for (const { underWay, key, ...state } of seen) {
        if (state.isAllowed || state.remaining > (underWay.get(key) ?? 0)) continue;
        return { blocked: { kind: "wait", seconds: Math.max(1, state.ttlInSeconds) } };
      }
      if (everybody.left(performance.now()) <= allUnderWay) return { blocked: { kind: "only_id" } };
      allUnderWay += 1;
      for (const { underWay, key } of seen) underWay.set(key, (underWay.get(key) ?? 0) + 1);
      try {
        const found = await find();
        if (found !== null) return { found };
        everybody.spend(performance.now());
        await Promise.all(limits.map(({ count }) => count(request)));
        return { found };
      } finally {
        allUnderWay -= 1;
        for (const { underWay, key } of seen) leave(underWay, key);
      }
    },
  };
}

function leave(underWay: Map<string, number>, key: string): void {
  const left = (underWay.get(key) ?? 1) - 1;
  if (left === 0) underWay.delete(key);
  else underWay.set(key, left);
}

function networkOf({ ip }: FastifyRequest): string {
  return normalizeIP(ip, NETWORK_BITS_IPV6).replace(/\.[0-9]+$/, "");
}

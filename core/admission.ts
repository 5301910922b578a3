import type { CallerKind, CallerPolicy } from "./caller.ts";
import { type CallerLimits, type CallerSpending, isSpent } from "./caller-limits.ts";
import { isGuarded, isLockedOut, type WrongCodes } from "./lock-outs.ts";
import type { RefusalReason } from "./refusals.ts";

/** All that decides on a call to a number in service, read before it is answered. */
export interface CallFacts {
  readonly kind: CallerKind;
  readonly barred: boolean;
  readonly spent: CallerSpending;
  readonly wrong: WrongCodes;
}

/** Why a caller isn't let in, or null: the first reason that holds, from what can't be helped to what passes by itself. */
export function whyRefused(facts: CallFacts, trunk: CallerPolicy & CallerLimits): RefusalReason | null {
  const { kind, wrong } = facts;
  if (kind === "hidden" && trunk.hiddenCallers === "refuse") return "caller_hidden";
  if (kind === "unknown" && trunk.unknownCallers === "refuse") return "caller_unknown";
  if (kind === "foreign" && trunk.foreignCallers === "refuse") return "caller_abroad";
  if (facts.barred) return "caller_barred";
  const callerIsKnown = kind === "home" || kind === "foreign";
  if (isLockedOut(wrong, callerIsKnown)) return "caller_locked_out";
  if (!callerIsKnown && isGuarded(wrong)) return "number_guarded";
  return isSpent(trunk, facts.spent) ? "caller_over_limit" : null;
}

import { planCall } from "../../core/quote.ts";
import type { Segment } from "../../core/tariff.ts";
import { type Exchange, NUMBERS, type NumberName } from "../telephony/exchange.ts";

/** Callers of one group do the same on their telephone: one SIPp plays them all. */
export type Behaviour =
  | "keys the code"
  | "keys before the answer"
  | "accepts the price"
  | "keys a wrong code first"
  | "hangs up half-way";

/** What one caller is going to do. */
export interface Plan {
  readonly behaviour: Behaviour;
  readonly name: NumberName;
  readonly amountRappen: number;
}

/** A caller with a purchase to pay and its code. */
export interface Caller extends Plan {
  readonly transactionId: string;
  readonly code: string;
  readonly callerId: string;
}

/**
 * Everybody on the line at once, all five tariffs: each call lasts until well after the last one has begun, and those
 * that are paid at the answer come last. Groups begin in the order of their first caller.
 */
export function plansAtOnce(calls: number): readonly Plan[] {
  const order: readonly Plan[] = [
    { behaviour: "accepts the price", name: "consent", amountRappen: 500 },
    { behaviour: "keys before the answer", name: "early", amountRappen: 100 },
    { behaviour: "keys the code", name: "minutes", amountRappen: 426 },
    { behaviour: "keys the code", name: "pulses", amountRappen: 120 },
    { behaviour: "keys the code", name: "perCall", amountRappen: 300 },
  ];
  const each = order.map((_, index) => Math.floor((calls + order.length - 1 - index) / order.length));
  return order.flatMap((plan, index) => Array.from({ length: each[index] ?? 0 }, () => plan));
}

/** Every fiftieth caller of a soak keys a wrong code first: more would put the number under guard (core/lock-outs.ts). */
const WRONG_CODE_EVERY = 50;
const KEYS_WRONG_CODE: Plan = { behaviour: "keys a wrong code first", name: "pulses", amountRappen: 80 };
/** Ten callers as a soak repeats them: every tenth hangs up half-way. */
const SOAK_TEN: readonly Plan[] = [
  { behaviour: "keys the code", name: "pulses", amountRappen: 70 },
  { behaviour: "keys before the answer", name: "early", amountRappen: 50 },
  { behaviour: "keys the code", name: "perCall", amountRappen: 300 },
  { behaviour: "accepts the price", name: "consent", amountRappen: 250 },
  { behaviour: "keys the code", name: "pulses", amountRappen: 80 },
  { behaviour: "keys the code", name: "minutes", amountRappen: 426 },
  { behaviour: "keys before the answer", name: "early", amountRappen: 60 },
  { behaviour: "keys the code", name: "perCall", amountRappen: 200 },
  { behaviour: "accepts the price", name: "consent", amountRappen: 300 },
  { behaviour: "hangs up half-way", name: "minutes", amountRappen: 426 },
];

export function plansOfSoak(calls: number, from: number): readonly Plan[] {
  return Array.from({ length: calls }, (_, index) =>
    (from + index) % WRONG_CODE_EVERY === 0 ? KEYS_WRONG_CODE : SOAK_TEN[(from + index) % SOAK_TEN.length]!,
  );
}

/** Opens a purchase for each plan. Each caller has a number of their own, so that no limit on one caller strikes. */
export async function openPurchases(
  exchange: Exchange,
  plans: readonly Plan[],
  firstCaller: number,
): Promise<readonly Caller[]> {
  const callers: Caller[] = [];
  for (const [index, plan] of plans.entries()) {
    const { id, code } = await exchange.openPayment(plan.name, { amountRappen: plan.amountRappen });
    callers.push({ ...plan, transactionId: id, code, callerId: `079${String(firstCaller + index).padStart(7, "0")}` });
  }
  return callers;
}

/** A code that nobody has: live codes differ in two digits at least (docs/decisions/0002). */
export function wrongCode(code: string): string {
  return code.slice(0, -1) + ((Number(code.at(-1)) + 1) % 10);
}

/** When the call that pays a purchase in one may be ended, in ms since answer. */
export function windowOf({ name, amountRappen }: Plan) {
  const segments: readonly Segment[] = NUMBERS[name].segments;
  const plan = planCall({ segments, codeBeforeAnswer: name === "early", neededRappen: amountRappen });
  if (!plan?.final) throw new Error(`one call doesn't pay ${amountRappen} on ${name}`);
  return plan.window;
}

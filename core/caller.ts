import { createHmac } from "node:crypto";

/**
 * What is known of who calls: the number is hidden, there is none that could be one, or it is one of the trunk's home
 * countries or of another.
 */
export type CallerKind = "hidden" | "unknown" | "home" | "foreign";

/** What a trunk does with callers of each kind; those of its home countries are always let in. */
export interface CallerPolicy {
  readonly hiddenCallers: "accept" | "refuse";
  readonly unknownCallers: "accept" | "refuse";
  readonly foreignCallers: "accept" | "refuse";
  /** Country codes without a plus: 41 is Switzerland. */
  readonly homeCodes: readonly string[];
}

/** The forms in which networks write a number. The national form is Switzerland's, as our numbers are. */
const FORMS: readonly { readonly form: RegExp; readonly plus: string }[] = [
  { form: /^\+([1-9][0-9]{6,14})$/, plus: "+" },
  { form: /^00([1-9][0-9]{6,14})$/, plus: "+" },
  { form: /^0([1-9][0-9]{8})$/, plus: "+41" },
  { form: /^(41[1-9][0-9]{8})$/, plus: "+" },
];
/** Within +41 a number has nine digits; what has more or fewer is none. */
const SWISS = /^\+41(?![1-9][0-9]{8}$)/;

/** A caller's number in its one form (E.164: +41441234567), or null for what can be none: `sipp`, `1000`, nothing. */
export function readCallerNumber(text: string): string | null {
  for (const { form, plus } of FORMS) {
    const digits = form.exec(text)?.[1];
    if (digits === undefined) continue;
    const number = `${plus}${digits}`;
    return SWISS.test(number) ? null : number;
  }
  return null;
}

export function callerKind(
  caller: { readonly hidden: boolean; readonly number: string | null },
  homeCodes: readonly string[],
): CallerKind {
  if (caller.hidden) return "hidden";
  const { number } = caller;
  if (number === null) return "unknown";
  return homeCodes.some((code) => number.startsWith(`+${code}`)) ? "home" : "foreign";
}

/** What callers are told apart by once their numbers are gone. Takes a number in its one form only. */
export function hashCaller(number: string, key: string): Buffer {
  if (!/^\+[1-9][0-9]{6,14}$/.test(number))
    throw new RangeError("only a number as readCallerNumber gives it is hashed");
  return createHmac("sha256", key).update(number).digest();
}

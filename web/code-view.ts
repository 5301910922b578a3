import { formatDuration } from "../core/durations.ts";
import { type Language, message } from "../core/messages.ts";
import type { PayFacts } from "./view-model.ts";

/** Below this the countdown moves second by second; above it by tens, so that nobody is hurried. */
const CALM_ABOVE_SECONDS = 30;

/** The code as it is shown: digits and time left, or that it has run out, or why there is none. */
export function codeView(
  { code, codeRefusal, now }: Pick<PayFacts, "code" | "codeRefusal" | "now">,
  language: Language,
) {
  const leftSeconds = code ? Math.max(0, Math.floor((code.expiresAt.getTime() - now.getTime()) / 1_000)) : 0;
  const expired = code !== null && leftSeconds === 0;
  return {
    digits: code && !expired ? code.code : null,
    spelled: code ? message(language, "pay.a11y.code", { digits: code.code.split("").join(", ") }) : "",
    expired,
    leftSeconds,
    lifeSeconds: code ? Math.round((code.expiresAt.getTime() - code.issuedAt.getTime()) / 1_000) : 1,
    validText: message(language, "pay.code.validFor", { duration: formatDuration(calm(leftSeconds)) }),
    /** The same sentence for the script, which fills in the time. */
    validPattern: message(language, "pay.code.validFor", { duration: "%" }),
    isBusy: codeRefusal === "busy",
  };
}

/**
 * Why nobody should call now: first what is so, which the page has as its heading while there is nothing else to say,
 * then what to do.
 */
export function blockView(
  { codeRefusal, merchant }: Pick<PayFacts, "codeRefusal" | "merchant">,
  language: Language,
): { readonly what: string; readonly advice: string } | null {
  if (codeRefusal === null) return null;
  const why =
    codeRefusal === "busy"
      ? message(language, "pay.error.busy")
      : message(language, "pay.error.noNumber", { merchant: `${merchant.name} (${merchant.contact})` });
  const [what = "", ...advice] = why.split(/(?<=\.) /);
  return { what, advice: advice.join(" ") };
}

function calm(seconds: number): number {
  return seconds > CALM_ABOVE_SECONDS ? Math.ceil(seconds / 10) * 10 : seconds;
}

import { parseAccessCode } from "./access-code.ts";
import { parseTransactionId } from "./transaction-id.ts";

/** What opens a pass: its access code, or the id of its transaction. */
export type AccessKey = { readonly accessCode: string } | { readonly id: string };

/** Reads either as people type it; null when it is neither. */
export function parseAccessKey(text: string): AccessKey | null {
  const accessCode = parseAccessCode(text);
  if (accessCode !== null) return { accessCode };
  const id = parseTransactionId(text);
  return id === null ? null : { id };
}

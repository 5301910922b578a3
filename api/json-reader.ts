import { PublicError } from "../core/errors.ts";

/** Of lists and objects in each other; an item of a transaction is at three. */
const DEPTH_MAX = 16;
/** In a document that is known to be JSON: its texts, and what opens, closes and separates. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/gs;

/**
 * The refusal of what JSON.parse lets pass silently, or null: a field that is there twice, of which the last one would win and a proxy
 * or a log may have believed the first (RFC 8259 §4), and nesting without end. `text` is a document that JSON.parse has read.
 */
export function whyAmbiguous(text: string): PublicError | null {
  const open: (Set<string> | null)[] = [];
  let keyComes = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const names = open.at(-1);
    if (token === "{" || token === "[") {
      if (open.length >= DEPTH_MAX) return malformed(`Values are nested deeper than ${DEPTH_MAX}.`);
      open.push(token === "{" ? new Set() : null);
      keyComes = token === "{";
    } else if (token === "}" || token === "]") {
      open.pop();
      keyComes = false;
    } else if (token === ",") {
      keyComes = Boolean(names);
    } else if (keyComes && names) {
      // Two spellings of one name are one name.
      const name: string = JSON.parse(token);
      if (names.has(name)) return malformed("A field is there twice.");
      names.add(name);
      keyComes = false;
    }
  }
  return null;
}

function malformed(detail: string): PublicError {
  return new PublicError("request_malformed", detail);
}

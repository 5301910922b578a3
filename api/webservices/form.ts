import { PublicError } from "../../core/errors.ts";
import type { ObjectShape, Shape } from "../xml-shape.ts";
import { valueOfText } from "../xml-values.ts";
import type { Parameters } from "./operations.ts";

/** No operation has as many. */
const PARAMETERS_MAX = 40;
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;
const TEXT: Shape = { kind: "text" };

/**
 * Reads `name=value&…` as forms and addresses bring it (WHATWG URL §5), but strictly: in UTF-8, and no name twice.
 * Throws `request_malformed` or `encoding_unsupported`.
 */
export function readForm(text: string, shape: ObjectShape): Parameters {
  const values = new Map<string, unknown>();
  const pairs = text.split("&").filter((pair) => pair !== "");
  if (pairs.length > PARAMETERS_MAX) throw new PublicError("request_malformed", "There are too many parameters.");
  for (const pair of pairs) {
    const [name = "", ...rest] = pair.split("=");
    const key = decode(name);
    if (values.has(key) || key === "__proto__")
      throw new PublicError("request_malformed", "A parameter is there twice, or has a name that is never read.");
    values.set(key, valueOfText(decode(rest.join("=")), shape.fields.get(key)?.shape ?? TEXT));
  }
  return Object.fromEntries(values);
}

function decode(text: string): string {
  if (BROKEN_ESCAPE.test(text)) throw new PublicError("request_malformed", "A parameter has a broken escape.");
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (cause) {
    throw new PublicError("encoding_unsupported", "A parameter isn't in UTF-8.", { cause });
  }
}

import type { FastifyRequest } from "fastify";
import { PublicError } from "../core/errors.ts";

/** ASCII is UTF-8, and what some clients call it. */
const NAMES: ReadonlySet<string> = new Set(["utf-8", "utf8", "us-ascii", "ascii"]);

/** Refuses a character set that a declaration names, unless it is UTF-8. */
export function requireUtf8(name: string): void {
  if (!NAMES.has(name.toLowerCase())) throw new PublicError("encoding_unsupported");
}

/** Refuses a body whose Content-Type names another character set than UTF-8. */
export function requireUtf8Declared(request: FastifyRequest): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.headers["content-type"] ?? "")?.[1];
  if (charset !== undefined) requireUtf8(charset);
}

/** The text of bytes, without a byte order mark. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new PublicError("encoding_unsupported", "What was sent isn't UTF-8.", { cause });
  }
}

import { createHash } from "node:crypto";
import { sql } from "kysely";
import pg from "pg";

const SIGN = "/* prepared */";

/**
 * Put before a statement of constant text, it has PostgreSQL read and plan it once for each connection: for the few that
 * run so often that their planning costs more than their work. Name their columns: after a migration a prepared `select *`
 * would fail.
 */
export const PREPARED = sql.raw(SIGN);
/** Far more than there are; a text that isn't constant, and so differs each time, fills no server's memory. */
const STATEMENTS_MAX = 100;

const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= STATEMENTS_MAX) return known;
  const name = createHash("sha256").update(text).digest("base64url");
  names.set(text, name);
  return name;
}

/** A connection that gives statements marked PREPARED a name, by which PostgreSQL knows them again. */
export class PreparingClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    const query = this.query.bind(this) as (...args: readonly unknown[]) => unknown;
    // One signature in place of the driver's many: what isn't marked passes through as it came.
    this.query = ((text: unknown, values: unknown, ...rest: readonly unknown[]): unknown => {
      const isMarked = typeof text === "string" && text.startsWith(SIGN);
      const name = isMarked ? nameOf(text) : undefined;
      return name === undefined ? query(text, values, ...rest) : query({ name, text, values }, ...rest);
    }) as pg.Client["query"];
  }
}

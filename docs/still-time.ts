import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";
import pg from "pg";
import { startPostgres } from "../bin/postgres.ts";
import setUpTemplate from "../test/support/postgres-once.ts";

const PORT = 54_330;

/** The moment at which every picture is taken. */
export const STILL_AT = new Date("2026-12-01T10:24:00+01:00");

/**
 * A server whose databases see one moment only, as this process does: a clock of our own hides PostgreSQL's. It is found by the search path,
 * when tables are made and when they are asked, so that defaults, constraints and pages agree about the time.
 */
export async function startStillDatabase(): Promise<AsyncDisposable> {
  const directory = path.resolve(import.meta.dirname, "../.cache/postgres-screenshots");
  const postgres = await startPostgres({ directory, port: PORT, volatile: true });
  const client = new pg.Client(postgres.url("template1")); // what every new database begins as
  await client.connect();
  await client.query("create schema if not exists still");
  for (const clock of ["clock_timestamp", "now"]) {
    const body = `select timestamptz '${STILL_AT.toISOString()}'`;
    await client.query(`create or replace function still.${clock}() returns timestamptz language sql as $$${body}$$`);
  }
  await client.end();
  const url = new URL(postgres.url("postgres"));
  url.searchParams.set("options", "-c search_path=public,still,pg_catalog");
  process.env.DATABASE_URL = url.href;
  Date.now = () => STILL_AT.getTime(); // who has to wait is told for how long
  await setUpTemplate();
  return postgres;
}

/** From here on ids and codes fall as the seed has it: the same in every run. */
export function loadDice(seed: string): void {
  let throws = 0;
  const roll = () => crypto.createHash("sha256").update(`${seed} ${throws++}`).digest();
  Object.assign(crypto, {
    randomInt: (sides: number) => roll().readUIntBE(0, 6) % sides,
    randomUUID: () =>
      roll()
        .toString("hex")
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5"),
  });
  syncBuiltinESMExports();
}

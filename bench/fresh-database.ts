import path from "node:path";
import pg from "pg";
import { startPostgres } from "../bin/postgres.ts";
import { type OpenDatabase, openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";

/** Where benchmarks keep their PostgreSQL from one run to the next. */
export const BENCH_DIRECTORY = path.resolve(import.meta.dirname, "../.cache/bench");
const PORT = 54_400;

/** An empty, migrated database on a PostgreSQL of our own, which writes through to the disk as in earnest. */
export async function openFreshDatabase(name: string): Promise<OpenDatabase> {
  await using resources = new AsyncDisposableStack();
  const postgres = resources.use(await startPostgres({ directory: BENCH_DIRECTORY, port: PORT }));
  const admin = new pg.Client(postgres.url("postgres"));
  await admin.connect();
  await admin.query(`drop database if exists ${name} with (force)`);
  await admin.query(`create database ${name}`);
  await admin.end();
  const { db, url } = resources.use(openDatabase(postgres.url(name)));
  await migrate(db);
  const kept = resources.move();
  return { db, url, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

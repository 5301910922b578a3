import path from "node:path";
import pg from "pg";
import { type RunningPostgres, startPostgres } from "../../bin/postgres.ts";
import { openDatabase } from "../../db/database.ts";
import { migrate } from "../../db/migrate.ts";

declare global {
  // Jest runs set-up and tear-down in one process and hands nothing over but the global object.
  var postgresOfTestRun: RunningPostgres | undefined;
}

const PORT = Number(process.env.TEST_POSTGRES_PORT ?? 54329);

/** Once per run: a real server with one migrated template database, which each test file clones (test/support/database.ts). */
export default async function setUp(): Promise<void> {
  let url = process.env.DATABASE_URL;
  if (!url) {
    const directory = path.resolve(import.meta.dirname, `../../.cache/postgres-test-${PORT}`);
    globalThis.postgresOfTestRun = await startPostgres({ directory, port: PORT, volatile: true });
    url = globalThis.postgresOfTestRun.url("postgres");
  }
  process.env.TEST_DATABASE_URL = url;
  const admin = new pg.Client(url);
  await admin.connect();
  await admin.query("drop database if exists phone2pay_template with (force)");
  await admin.query("create database phone2pay_template");
  await admin.end();
  const template = new URL(url);
  template.pathname = "/phone2pay_template";
  await using database = openDatabase(template.href);
  await migrate(database.db);
}

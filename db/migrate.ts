import { Migrator } from "kysely/migration";
import type { Db } from "./database.ts";
import * as foundation from "./migrations/0001-foundation.ts";
import * as trunksAndNumberRules from "./migrations/0002-trunks-and-number-rules.ts";
import * as callerProtection from "./migrations/0003-caller-protection.ts";
import * as callRecords from "./migrations/0004-call-records.ts";
import * as idempotency from "./migrations/0005-idempotency.ts";
import * as webhooks from "./migrations/0006-webhooks.ts";
import * as goods from "./migrations/0007-goods.ts";
import * as testCalls from "./migrations/0008-test-calls.ts";
import * as claimsByNumber from "./migrations/0009-claims-by-number.ts";
import * as merchantBrands from "./migrations/0010-merchant-brands.ts";

/** In order; a landed migration is never edited, only followed by another. */
const MIGRATIONS = {
  "0001-foundation": foundation,
  "0002-trunks-and-number-rules": trunksAndNumberRules,
  "0003-caller-protection": callerProtection,
  "0004-call-records": callRecords,
  "0005-idempotency": idempotency,
  "0006-webhooks": webhooks,
  "0007-goods": goods,
  "0008-test-calls": testCalls,
  "0009-claims-by-number": claimsByNumber,
  "0010-merchant-brands": merchantBrands,
};

function migratorOf(db: Db): Migrator {
  return new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
}

/** Brings the database to the newest schema and answers the names of the migrations it ran; safe to call from many processes at once. */
export async function migrate(db: Db): Promise<readonly string[]> {
  const { error, results = [] } = await migratorOf(db).migrateToLatest();
  if (error) throw error;
  return results.map((result) => result.migrationName);
}

/** Names of the migrations that this database still lacks. */
export async function pendingMigrations(db: Db): Promise<readonly string[]> {
  const all = await migratorOf(db).getMigrations();
  return all.filter((migration) => !migration.executedAt).map((migration) => migration.name);
}

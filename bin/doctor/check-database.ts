import { openDatabase } from "../../db/database.ts";
import { type DatabaseHealth, readDatabaseHealth } from "../../db/health.ts";
import { pendingMigrations } from "../../db/migrate.ts";
import { type ClockReading, compareClocks, readClock } from "./clock.ts";
import { type Finding, reasonOf, unknown, well, wrong } from "./finding.ts";

/** `unique nulls not distinct` came with it. */
const MAJOR_VERSION_MIN = 15;
const AFTER_REACHABLE = ["database.version", "database.writable", "database.migrations", "database.clock"] as const;

/** Whether the database is there, is new enough, can be written, has our schema, and knows what time it is. */
export async function checkDatabase(url: string, now: () => number): Promise<readonly Finding[]> {
  await using database = openDatabase(url);
  const { db } = database;
  const asked = await askHealth(() => readDatabaseHealth(db), now).catch((error: unknown) => reasonOf(error));
  if (typeof asked === "string") {
    const mend = "Start PostgreSQL, or set DATABASE_URL to where it is, with a user that may log in.";
    return [
      wrong("database.reachable", `does not let us in: ${asked}`, mend),
      ...AFTER_REACHABLE.map((check) => unknown(check, "because the database is away")),
    ];
  }
  const { health, clock } = asked;
  return [
    well("database.reachable", "answers"),
    checkVersion(health),
    health.readOnly
      ? wrong("database.writable", "is read-only", "Set DATABASE_URL to the primary server, not to a standby.")
      : well("database.writable", "can be written"),
    checkMigrations(await pendingMigrations(db)),
    compareClocks("database.clock", "the database's machine", clock),
  ];
}

/** The first question opens the connection, which takes time that is no part of the answer: the second is timed. */
async function askHealth(
  ask: () => Promise<DatabaseHealth>,
  now: () => number,
): Promise<{ readonly health: DatabaseHealth; readonly clock: ClockReading }> {
  const health = await ask();
  return { health, clock: await readClock(now, async () => (await ask()).now.getTime()) };
}

function checkVersion({ majorVersion }: DatabaseHealth): Finding {
  const found = `PostgreSQL ${majorVersion}`;
  if (majorVersion >= MAJOR_VERSION_MIN) return well("database.version", found);
  return wrong("database.version", found, `Upgrade to PostgreSQL ${MAJOR_VERSION_MIN} or newer.`);
}

function checkMigrations(pending: readonly string[]): Finding {
  if (pending.length === 0) return well("database.migrations", "all are done");
  return wrong("database.migrations", `to be done: ${pending.join(", ")}`, "Run «phone2pay migrate».");
}

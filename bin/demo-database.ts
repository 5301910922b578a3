import { existsSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { acceptsConnections, watchOver } from "./child-processes.ts";
import { type CompleteSecrets, type DemoSecrets, saveSecrets } from "./demo-secrets.ts";
import { seedDemo } from "./demo-seed.ts";
import { type DemoSettings, requireFreePorts, shopUrlOf } from "./demo-settings.ts";
import { registerShopEndpoint } from "./demo-webhooks.ts";
import { startPostgres } from "./postgres.ts";

const DATABASE = "phone2pay";

export interface DemoDatabase {
  readonly url: string;
  stop(): Promise<void>;
}

/** The embedded PostgreSQL with the demo's kept data, started again should it be killed; or the server of DATABASE_URL. */
export async function startDemoDatabase(settings: DemoSettings, tell: (line: string) => void): Promise<DemoDatabase> {
  if (settings.databaseUrl) return { url: settings.databaseUrl, stop: async () => {} };
  const directory = path.join(settings.directory, "postgres");
  const port = settings.ports.postgres;
  if (!existsSync(directory)) tell("making a PostgreSQL database …");
  let server = await startPostgres({ directory, port }).catch(async (error: unknown) => {
    // Only now: what a killed demo left on this port, starting has ended.
    await requireFreePorts(settings.ports, ["postgres"]);
    throw error;
  });
  await createDatabase(server.url("postgres"));
  const watch = watchOver({
    name: "PostgreSQL",
    alive: () => acceptsConnections(port),
    restart: async () => {
      server = await startPostgres({ directory, port });
    },
    tell,
  });
  return {
    url: server.url(DATABASE),
    async stop() {
      await watch.stop();
      await server.stop();
    },
  };
}

/** Newest schema, demo merchant, API keys, the shop's endpoint: harmless to repeat. Answers the secrets, now complete. */
export async function prepareDatabase(
  url: string,
  settings: DemoSettings,
  secrets: DemoSecrets,
): Promise<CompleteSecrets> {
  await using database = openDatabase(url);
  await migrate(database.db);
  const seeded = await seedDemo(database.db, secrets);
  await saveSecrets(settings.directory, seeded);
  const { testKey, liveKey } = seeded;
  if (testKey === null || liveKey === null) throw new Error("the demo merchant has no API keys");
  const shopWebhookSecret = await registerShopEndpoint(database.db, {
    apiKey: liveKey,
    url: `${shopUrlOf(settings)}/webhooks`,
    webhookKey: seeded.webhookKey,
  });
  return { ...seeded, testKey, liveKey, shopWebhookSecret };
}

async function createDatabase(serverUrl: string): Promise<void> {
  const client = new pg.Client(serverUrl);
  await client.connect();
  try {
    const found = await client.query("select 1 from pg_database where datname = $1", [DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

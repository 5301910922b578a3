import { once } from "node:events";
import { chmod, mkdtempDisposable } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "@jest/globals";
import pg from "pg";
import { type RunningPostgres, startPostgres } from "../../bin/postgres.ts";
import { openDatabase } from "../../db/database.ts";
import { migrate } from "../../db/migrate.ts";
import { eventually } from "../support/eventually.ts";
import { followProgress } from "./follow-progress.ts";
import { WebApp } from "./web-app.ts";

/** The shopper's pages over a PostgreSQL of the test's own, which can be restarted. */
async function openPages() {
  await using resources = new AsyncDisposableStack();
  const { path: directory } = resources.use(await mkdtempDisposable(path.join(tmpdir(), "outage-")));
  await chmod(directory, 0o755); // the server's own user has to get there
  const port = await freePort();
  const start = () => startPostgres({ directory: path.join(directory, "postgres"), port, volatile: true });
  let postgres: RunningPostgres = await start();
  resources.defer(() => postgres.stop());
  const database = openDatabase(postgres.url("postgres"));
  await migrate(database.db);
  const web = resources.use(await WebApp.start({ onDatabase: database }));
  const address = await web.app.listen({ port: 0, host: "127.0.0.1" });
  const kept = resources.move();
  return {
    web,
    follow: (id: string) => followProgress(`${address}/pay/${id}/progress`),
    stop: () => postgres.stop(),
    start: async () => {
      postgres = await start();
    },
    /** The server's process at the other end of the connection that listens. */
    listeners: async () => {
      const client = new pg.Client(postgres.url("postgres"));
      await client.connect();
      const { rows } = await client.query<{ pid: number }>(
        "select pid from pg_stat_activity where application_name = 'phone2pay-notices'",
      );
      await client.end();
      return rows.map(({ pid }) => pid);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

test.concurrent("PostgreSQL is restarted: a page that watches stays open and is told all it missed", async () => {
  await using pages = await openPages();
  const { web } = pages;
  const [id, other] = [await web.open(), await web.open()];
  const [call, otherCall] = [await web.call(id), await web.call(other)];
  await call.pulses(1, 2);
  await using page = await pages.follow(id);
  await using otherPage = await pages.follow(other);
  await page.until(({ billedRappen }) => billedRappen === 20);
  for (let times = 1; times <= 2; times++) {
    await pages.stop();
    // Somebody asks meanwhile, and is told that it can't be known now.
    const asked = await pages.follow(id);
    expect(asked.answer.status).toBeGreaterThanOrEqual(500);
    await asked.end();
    await pages.start();
    await eventually(() => call.pulses(3, 3 + times).catch(() => null));
    await page.until(({ billedRappen }) => billedRappen === 30 + 10 * times);
  }
  await otherCall.pulses(1, 10);
  expect(await otherPage.until(({ status }) => status === "paid")).toMatchObject({ billedRappen: 100 });
  await call.pulses(6, 10);
  expect(await page.until(({ status }) => status === "paid")).toMatchObject({ billedRappen: 100 });
});

test.concurrent("a connection that listens and has fallen silent is given up, and what it didn't tell is told", async () => {
  await using pages = await openPages();
  const { web } = pages;
  const id = await web.open();
  const call = await web.call(id);
  await using page = await pages.follow(id);
  await page.until(({ status }) => status === "calling");
  const [silent = 0] = await pages.listeners();
  process.kill(silent, "SIGSTOP");
  try {
    await call.pulses(1, 7);
    // Nothing has told us that it is gone, and nothing will.
    await page.until(({ billedRappen }) => billedRappen === 70);
    expect(await pages.listeners()).not.toEqual([silent]);
  } finally {
    process.kill(silent, "SIGCONT");
  }
});

import { cp, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { PROMPTS_SHIPPED } from "../../agi/prompts.ts";
import { serveAgi } from "../../agi/server.ts";
import { openVoiceServer } from "../../agi/voice-server.ts";
import { temporaryDirectory } from "../demo/temporary-directory.ts";
import { cloneDatabase } from "../support/database.ts";
import { SECRET } from "../telephony/exchange.ts";
import {
  AMI_SECRET,
  CALLER_HASH_KEY,
  faultsOf,
  listen,
  openInstallation,
  type PlantedInstallation,
  serveHttp,
  silentServer,
} from "./installation.ts";

const FIRST_PORT = 30_000;

let installation: PlantedInstallation;
beforeAll(async () => {
  installation = await openInstallation(FIRST_PORT);
}, 60_000);
afterAll(async () => {
  await installation[Symbol.asyncDispose]();
});

test("an installation in order gives no fault, and nothing that can't be looked at", async () => {
  const findings = await installation.look();
  expect(findings.filter(({ state }) => state !== "well")).toEqual([]);
  expect(findings.length).toBeGreaterThan(20);
});

test("a wrong AMI secret is told apart from an Asterisk that isn't there, and what depends on it is unknown, not wrong", async () => {
  const refused = await installation.look({ environment: { PHONE2PAY_AMI_SECRET: "not the secret of Asterisk" } });
  expect(faultsOf(refused)).toEqual({ "manager.login": "127.0.0.1:30002: Asterisk: Authentication failed" });
  const dependent = { state: "unknown", found: "because Asterisk can't be asked", mend: "" };
  for (const check of ["dialplan.steps", "asterisk.clock"]) expect(refused).toContainEqual({ check, ...dependent });
  const away = await installation.look({ environment: { PHONE2PAY_AMI_PORT: String(FIRST_PORT + 9) } });
  expect(faultsOf(away)).toEqual({ "manager.login": expect.stringContaining("127.0.0.1:30009: ") });
  const mends = [refused, away].map((findings) => findings.find(({ state }) => state === "wrong")?.mend);
  expect(mends).toEqual([expect.stringContaining("PHONE2PAY_AMI_SECRET"), expect.stringContaining("Start Asterisk")]);
});

test("a dialplan with another secret is found, and no secret is told", async () => {
  const findings = await installation.lookWithGlobal("P2P_SECRET", "the-secret-of-the-dialplan");
  expect(faultsOf(findings)).toEqual({ "dialplan.secret": "P2P_SECRET isn't our PHONE2PAY_AGI_SECRET" });
  for (const secret of ["the-secret-of-the-dialplan", SECRET, AMI_SECRET, CALLER_HASH_KEY])
    expect(JSON.stringify(findings)).not.toContain(secret);
});

test("a step that is missing in the running dialplan is named", async () => {
  await installation.exchange.asterisk.rx("dialplan remove extension T@pay");
  try {
    expect(faultsOf(await installation.look())).toEqual({
      "dialplan.steps": expect.stringMatching(
        /^2 of \d+ steps are missing or differ from this version's: pay,T,1; pay,T,2$/,
      ),
    });
  } finally {
    await installation.exchange.asterisk.rx("dialplan reload");
  }
});

test("a module that isn't loaded in the running Asterisk is named: a codec, and one that the dialplan calls", async () => {
  const { rx } = installation.exchange.asterisk;
  const modules = ["codec_alaw", "func_timeout"];
  for (const name of modules) await rx(`module unload ${name}.so`);
  try {
    expect(faultsOf(await installation.look())).toEqual({
      "codecs.modules": "not loaded: codec_alaw",
      "dialplan.modules": "not loaded: func_timeout",
    });
  } finally {
    for (const name of modules) await rx(`module load ${name}.so`);
  }
});

test("a dead voice server is told apart from one with another secret", async () => {
  const { db, journalDirectory } = installation.exchange;
  const promptsDirectory = PROMPTS_SHIPPED;
  const shared = { db, journalDirectory, promptsDirectory, callerHashKey: CALLER_HASH_KEY };
  await using voice = await openVoiceServer({ ...shared, worker: "test", log: () => {} });
  const other = { host: "127.0.0.1", port: 0, secret: "another secret than ours", callsMax: 1 };
  const server = await serveAgi(voice, other);
  const address = `127.0.0.1:${server.port}`;
  expect(faultsOf(await installation.lookWithGlobal("P2P_AGI_2", address))).toEqual({
    "fastagi.server": `${address} hangs up on us: it knows another secret, or isn't a voice server of this version`,
  });
  await server[Symbol.asyncDispose]();
  expect(faultsOf(await installation.lookWithGlobal("P2P_AGI_2", address))).toEqual({
    "fastagi.server": `${address} can't be reached`,
  });
});

test("another program on a voice server's port is named as such, whether it answers, speaks first, hangs up at once or is silent", async () => {
  const stranger = "is another program, not a voice server";
  await using resources = new AsyncDisposableStack();
  for (const [server, found] of [
    [createHttpServer((_request, response) => response.end("a web site")), stranger],
    [
      createServer((socket) =>
        socket
          .on("error", () => {})
          .resume()
          .end("220 mail.example ESMTP\r\n"),
      ),
      stranger,
    ],
    [
      createServer((socket) =>
        socket
          .on("error", () => {})
          .resume()
          .end(),
      ),
      stranger,
    ],
    [silentServer(), "accepts connections but says nothing"],
  ] as const) {
    const address = await listen(server, resources);
    const findings = await installation.lookWithGlobal("P2P_AGI_2", address);
    expect(faultsOf(findings)).toEqual({ "fastagi.server": `${address} ${found}` });
  }
});

test("a recording that is missing in one language, one that is cut short, and a directory that isn't there are named", async () => {
  await using directory = await temporaryDirectory();
  const recordings = path.join(directory.path, "prompts");
  await cp(PROMPTS_SHIPPED, recordings, { recursive: true });
  await rm(path.join(recordings, "it/ivr-welcome.alaw"));
  await truncate(path.join(recordings, "de/ivr-code-ask.alaw"), 800);
  const found = faultsOf(await installation.lookWithGlobal("P2P_PROMPTS", recordings))["prompts.recordings"] ?? "";
  expect(found).toMatch(/^2 of \d+ in .+ are not as they should be: /);
  expect(found).toContain("it/ivr-welcome is missing");
  expect(found).toMatch(/de\/ivr-code-ask plays 100 ms instead of \d{4}/);
  expect(faultsOf(await installation.lookWithGlobal("P2P_PROMPTS", "/nowhere"))).toEqual({
    "prompts.recordings": "there is no /nowhere that we may read",
  });
});

test("a journal that no voice server looks after is named: the database lacks what stands in it", async () => {
  await using directory = await temporaryDirectory();
  const elsewhere = { environment: { PHONE2PAY_JOURNAL_DIRECTORY: directory.path } };
  expect(faultsOf(await installation.look(elsewhere))).toEqual({});
  const orphan = path.join(directory.path, "1-dead.journal");
  const killedAt = new Date(Date.now() - 600_000);
  await writeFile(orphan, "");
  await utimes(orphan, killedAt, killedAt);
  expect(faultsOf(await installation.look(elsewhere))).toEqual({
    "journal.directory": expect.stringMatching(/^1 of the journals in .+ have no voice server/),
  });
});

test("migrations that are to be done are named, and the HTTP side that stands on such a database tells it", async () => {
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await cloneDatabase());
  const PHONE2PAY_BASE_URL = await serveHttp(database.db, database.url, resources);
  await database.db.schema.dropTable("kysely_migration").execute();
  expect(
    faultsOf(await installation.look({ environment: { DATABASE_URL: database.url, PHONE2PAY_BASE_URL } })),
  ).toEqual({
    "database.migrations": expect.stringMatching(/^to be done: 0001-foundation/),
    "ports.http": `${PHONE2PAY_BASE_URL}/readyz isn't ready: {"status":"migrations_pending"}`,
  });
});

test("a database that can only be read is a fault", async () => {
  const url = new URL(installation.environment.DATABASE_URL ?? "");
  url.searchParams.set("options", "-c default_transaction_read_only=on");
  expect(faultsOf(await installation.look({ environment: { DATABASE_URL: url.href } }))).toEqual({
    "database.writable": "is read-only",
  });
});

test("a database that is away is one fault, and one that accepts and never answers doesn't hang the doctor", async () => {
  const away = await installation.look({ environment: { DATABASE_URL: "postgres://nobody@127.0.0.1:1/nothing" } });
  expect(faultsOf(away)).toEqual({ "database.reachable": expect.stringContaining("ECONNREFUSED") });
  expect(away).toContainEqual(expect.objectContaining({ check: "database.clock", state: "unknown" }));
  await using resources = new AsyncDisposableStack();
  const DATABASE_URL = `postgres://nobody@${await listen(silentServer(), resources)}/nothing`;
  expect(faultsOf(await installation.look({ environment: { DATABASE_URL } }))).toEqual({
    "database.reachable": expect.stringContaining("does not let us in"),
  });
});

test("clocks that are more than a second apart are a fault, the database's and Asterisk's", async () => {
  expect(faultsOf(await installation.look({ now: () => Date.now() + 500 }))).toEqual({});
  expect(faultsOf(await installation.look({ now: () => Date.now() + 5_000 }))).toEqual({
    "database.clock": "is 5.0 s behind this machine's",
    "asterisk.clock": "is 5.0 s behind this machine's",
  });
});

test("an HTTP side that isn't there, and another program in its place, are told apart", async () => {
  const closed = faultsOf(await installation.look({ environment: { PHONE2PAY_BASE_URL: "http://127.0.0.1:9" } }));
  expect(closed).toEqual({ "ports.http": expect.stringMatching(/^http:\/\/127\.0\.0\.1:9\/readyz does not answer: /) });
  await using resources = new AsyncDisposableStack();
  const site = createHttpServer((_request, response) => response.end("a web site"));
  const PHONE2PAY_BASE_URL = `http://${await listen(site, resources)}`;
  expect(faultsOf(await installation.look({ environment: { PHONE2PAY_BASE_URL } }))).toEqual({
    "ports.http": `${PHONE2PAY_BASE_URL}/readyz answers 200: something else is there`,
  });
});

import { execFile } from "node:child_process";
import { appendFile, copyFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import pg from "pg";
import { tellDrifts } from "../../bin/call-record-jobs.ts";
import { openRecordImport } from "../../bin/import-call-records.ts";
import { readRecordLine } from "../../core/call-record.ts";
import { endLeg } from "../../db/call-legs.ts";
import { addCallRecords } from "../../db/call-records.ts";
import { compareCalls } from "../../db/compare-calls.ts";
import type { Db, OpenDatabase } from "../../db/database.ts";
import { cloneDatabase } from "../support/database.ts";
import { PULSES_OF_5_SECONDS, type Seeded, seedAnsweredLeg, seedLeg, seedMerchant } from "../support/seed.ts";

let database: OpenDatabase;
let directory = "";
let file = "";
let told: (readonly [string, Readonly<Record<string, unknown>>])[] = [];
let numbered = 0;

beforeAll(async () => {
  database = await cloneDatabase();
  await pricedLongAgo(database.db, await seedMerchant(database.db));
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "records-"));
  file = path.join(directory, "phone2pay.csv");
  told = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A call that ended two minutes ago and was answered for `talkMs`; every call is another. */
function lineOf(
  options: { readonly talkMs?: number; readonly uniqueid?: string; readonly minutesAgo?: number } = {},
): string {
  const { talkMs = 12_400.5, uniqueid = `import-${++numbered}.1`, minutesAgo = 2 } = options;
  const endedAtUs = (Date.now() - minutesAgo * 60_000) * 1_000 + 7;
  const seconds = (us: number) => `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, "0")}`;
  const talkUs = Math.round(talkMs * 1_000);
  const answered = talkUs === 0 ? "0.000000" : seconds(endedAtUs - talkUs);
  const lengths = `${seconds(talkUs + 90)},${seconds(talkUs)}`;
  const said = talkUs === 0 ? "NO ANSWER" : "ANSWERED";
  return `"${uniqueid}","0900900904","0900900904","0441234567",${seconds(endedAtUs - talkUs - 90)},${answered},${seconds(endedAtUs)},${lengths},"${said}","pay","PJSIP/carrier-00000001",${numbered}\n`;
}

function importer(db = database.db) {
  return openRecordImport({ db, file, log: (event, details) => told.push([event, details]) });
}

async function imported(lines: readonly string[]): Promise<number> {
  const uniqueids = lines.map((line) => /^"([^"]+)"/.exec(line)?.[1] ?? "");
  const rows = await database.db
    .selectFrom("call_records")
    .select("uniqueid")
    .where("uniqueid", "in", uniqueids)
    .execute();
  return rows.length;
}

test("a record is in the books once, however often its file is read, and by however many processes at once", async () => {
  const lines = [lineOf(), lineOf({ talkMs: 0 }), lineOf()];
  await writeFile(file, lines.join(""));
  await Promise.all([importer(), importer(), importer()].map((each) => each.importNew()));
  expect(await importer().importNew()).toMatchObject({ records: 0 });
  await writeFile(path.join(directory, "phone2pay.csv.1"), `garbage\n${lines.join("")}`); // another beginning: read anew
  await importer().importNew();
  expect(await imported(lines)).toBe(3);
  const row = await database.db
    .selectFrom("call_records")
    .selectAll()
    .where("uniqueid", "=", readRecordLine(lines[0]?.trim() ?? "")?.uniqueid ?? "")
    .executeTakeFirstOrThrow();
  expect(row).toMatchObject({ talk_ms: "12400.500", source: "file", channel: "PJSIP/carrier-00000001" });
  expect(JSON.stringify(row)).not.toContain("0441234567");
  await expect(database.db.deleteFrom("call_records").where("id", "=", row.id).execute()).rejects.toThrow(
    "append-only",
  );
});

test("moments are kept to the microsecond", async () => {
  const line = lineOf({ uniqueid: "exact.1" });
  await writeFile(file, line);
  await importer().importNew();
  const client = new pg.Client(database.url);
  await client.connect();
  const { rows } = await client.query(
    "select (extract(epoch from ended_at) * 1000000)::bigint as us from call_records where uniqueid = 'exact.1'",
  );
  await client.end();
  expect(rows).toEqual([{ us: readRecordLine(line.trim())?.endedAtUs }]);
});

test("what is appended is read from where reading ended, and a line that is still being written is left until it is whole", async () => {
  const [first, second] = [lineOf(), lineOf()];
  const records = importer();
  await writeFile(file, first + second.slice(0, 70));
  expect(await records.importNew()).toMatchObject({ records: 1 });
  expect(await records.importNew()).toMatchObject({ records: 0 });
  await appendFile(file, second.slice(70));
  expect(await records.importNew()).toMatchObject({ records: 1 });
  expect(await imported([first, second])).toBe(2);
  expect(told).toEqual([]);
});

test("no file yet is no error: no call has ended", async () => {
  expect(await importer().importNew()).toEqual({ records: 0, oldestEndedAtMs: null });
});

test.each(["rename", "copy and truncate"])(
  "a rotation by %s between two looks loses nothing: the rest of the old file is read, and the new one from its beginning",
  async (way) => {
    const [read, unread, next] = [lineOf(), lineOf(), lineOf()];
    const records = importer();
    await writeFile(file, read);
    await records.importNew();
    await appendFile(file, unread);
    if (way === "rename") await rename(file, `${file}.1`);
    else {
      await copyFile(file, `${file}-20260101`);
      await truncate(file);
    }
    await appendFile(file, next);
    expect(await importer().importNew()).toMatchObject({ records: 2 }); // also by a process that began just now
    expect(await imported([read, unread, next])).toBe(3);
  },
);

test("a file whose end was cut off is read again from its beginning", async () => {
  const [first, lost, next] = [lineOf(), lineOf({ talkMs: 90_000.25 }), lineOf()];
  await writeFile(file, first + lost);
  await importer().importNew();
  await truncate(file, first.length);
  const records = importer();
  await records.importNew();
  await appendFile(file, next);
  await records.importNew();
  expect(await imported([first, lost, next])).toBe(3);
});

test("garbage is counted and told once, without its text, and hides no record beside it", async () => {
  const [first, second] = [lineOf(), lineOf()];
  await writeFile(file, `not a record, 0441234567\n\0\0\0${first}${first.slice(0, 40)}\n${second}`);
  const records = importer();
  await records.importNew();
  await appendFile(file, lineOf());
  await records.importNew();
  expect(told).toEqual([["call_records.garbage", expect.objectContaining({ path: file, garbageLines: 2 })]]);
  expect(JSON.stringify(told)).not.toContain("0441234567");
  expect(await imported([first, second])).toBe(2);
});

test("what is no file of records at all is told of, and not imported", async () => {
  await writeFile(file, "no record\n".repeat(7_000));
  await importer().importNew();
  expect(told).toEqual([["call_records.not_a_file_of_records", { path: file }]]);
});

test("many times more than is read at once comes in whole", async () => {
  const lines = Array.from({ length: 12_000 }, () => lineOf({ minutesAgo: 90 }));
  await writeFile(file, lines.join(""));
  expect(await importer().importNew()).toMatchObject({ records: 12_000 });
  const files = await database.db
    .selectFrom("call_record_files")
    .select(["records", "offset_bytes"])
    .where("path", "=", file)
    .execute();
  expect(files).toEqual([{ records: 12_000, offset_bytes: lines.join("").length }]);
  const since = new Date(Date.now() - 100 * 60_000);
  const until = new Date(Date.now() - 80 * 60_000);
  const report = await compareCalls(database.db, { since, until });
  expect(report.lines).toMatchObject([{ calls: 12_000, legsMissing: 12_000, owedRappen: 12_000 * 30 }]);
}, 60_000);

test("while the database is away nothing is lost: the import goes on where it was", async () => {
  const lines = [lineOf(), lineOf()];
  const records = importer();
  await writeFile(file, lines[0] ?? "");
  await records.importNew();
  await appendFile(file, lines[1] ?? "");
  const name = new URL(database.url).pathname.slice(1);
  const admin = new pg.Client(process.env.TEST_DATABASE_URL);
  await admin.connect();
  await admin.query(`alter database ${name} with allow_connections false`);
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name]);
  await expect(records.importNew()).rejects.toThrow();
  await admin.query(`alter database ${name} with allow_connections true`);
  await admin.end();
  expect(await records.importNew()).toMatchObject({ records: 1 });
  expect(await imported(lines)).toBe(2);
});

/** The number had its tariff before the calls of these tests. */
async function pricedLongAgo(db: Db, { number, tariffId }: Seeded): Promise<void> {
  const valid_from = new Date("2020-01-01");
  await db.insertInto("number_tariffs").values({ number, tariff_id: tariffId, valid_from }).execute();
}

/** A leg as the voice server leaves it, that ended two minutes ago after 12.4 s and three pulses, unless told otherwise. */
async function endedLeg(
  db: Db,
  seeded: Seeded,
  uniqueid: string,
  changes: { readonly billed?: number; readonly durationMs?: number } = {},
) {
  const { durationMs = 12_400 } = changes;
  const leg = await seedAnsweredLeg(db, seeded, { uniqueid, msAgo: 120_000 + 12_400 });
  await endLeg(db, {
    leg: leg.id,
    epoch: leg.epoch,
    reason: "paid",
    durationMs,
    lastPulses: null,
    segments: PULSES_OF_5_SECONDS,
    codeBeforeAnswer: false,
  });
  await db
    .updateTable("call_legs")
    .set({ ended_at: new Date(Date.now() - 120_000), billed: changes.billed ?? 30 })
    .where("id", "=", leg.id)
    .execute();
}

const period = () => ({ since: new Date(Date.now() - 180_000), until: new Date() });

test("every planted drift is found and named, told once, and makes the operator's command fail; what matches isn't", async () => {
  await using own = await cloneDatabase();
  const seeded = await seedMerchant(own.db);
  await pricedLongAgo(own.db, seeded);
  for (const uniqueid of ["match.1", "short.1", "dear.1", "unproved.1"])
    await endedLeg(
      own.db,
      seeded,
      uniqueid,
      { short: { durationMs: 9_000 }, dear: { billed: 40 } }[uniqueid.slice(0, -2)] ?? {},
    );
  const answered = ["match.1", "short.1", "dear.1", "stranger.1"].map((uniqueid) => lineOf({ uniqueid }));
  const refused = lineOf({ uniqueid: "refused.1", talkMs: 0 });
  const fresh = lineOf({ uniqueid: "fresh.1", minutesAgo: 0.5 });
  await writeFile(file, [...answered, refused, fresh].join(""));
  await importer(own.db).importNew();

  const report = await compareCalls(own.db, period());
  expect(report.legsMissing).toMatchObject([{ uniqueid: "stranger.1", owedRappen: 30 }]);
  expect(report.recordsMissing).toMatchObject([{ uniqueid: "unproved.1", billedRappen: 30 }]);
  expect(report.drifts).toMatchObject([
    { uniqueid: "short.1", beyond: ["talk"] },
    { uniqueid: "dear.1", beyond: ["money"], billedRappen: 40, owedRappen: 30 },
  ]);
  expect(report.lines).toMatchObject([
    { number: "0900900904", tariff: "test", calls: 5, matches: 1, drifts: 2, recordsMissing: 1, legsMissing: 1 },
  ]);
  const found: string[] = [];
  const tell = (_event: string, details: Readonly<Record<string, unknown>>) => found.push(String(details.uniqueid));
  expect(await tellDrifts(own.db, period().since, tell)).toBe(4);
  expect(found.toSorted()).toEqual(["dear.1", "short.1", "stranger.1", "unproved.1"]);
  expect(await tellDrifts(own.db, period().since, tell)).toBe(0);

  const failed = await reconcile(own.url);
  expect(failed.code).toBe(1);
  for (const said of ["stranger.1", "unproved.1", "talk: answer", "billed 0.40, owed 0.30", "Not every call matches."])
    expect(failed.text).toContain(said);
  const until = new Date(Date.now() - 3_600_000).toISOString();
  const sound = await reconcile(own.url, "--until", until, "--json");
  expect([sound.code, JSON.parse(sound.text)]).toMatchObject([0, { lines: [], sound: true }]);
});

/** The command as the operator gives it. */
async function reconcile(
  url: string,
  ...options: readonly string[]
): Promise<{ readonly code: number; readonly text: string }> {
  const program = path.resolve(import.meta.dirname, "../../bin/phone2pay.ts");
  const secret = "sixteen characters";
  const secrets = {
    PHONE2PAY_AGI_SECRET: secret,
    PHONE2PAY_CALLER_HASH_KEY: secret,
    PHONE2PAY_WEBHOOK_KEY: secret,
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, "reconcile", "calls", ...options],
      { env: { ...process.env, ...secrets, DATABASE_URL: url } },
      (error, text) => resolve({ code: Number(error?.code ?? 0), text }),
    );
  });
}

test("a call that is still open is nobody's missing record, and its record nobody's missing leg", async () => {
  await using own = await cloneDatabase();
  await seedLeg(own.db, await seedMerchant(own.db), { uniqueid: "open.1" });
  const record = readRecordLine(lineOf({ uniqueid: "open.1" }).trim());
  if (!record) throw new Error("no record");
  expect(await addCallRecords(own.db, [record], "ami")).toBe(1);
  expect(await compareCalls(own.db, period())).toMatchObject({ lines: [], sound: true });
});

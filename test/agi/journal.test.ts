import {
  appendFile,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  rmdir,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type JournalLine, openJournal } from "../../agi/journal.ts";
import { replayJournal } from "../../agi/replay.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { findTransaction } from "../../db/transactions.ts";
import { cloneDatabase } from "../support/database.ts";
import { linkDatabase } from "../support/database-link.ts";
import { eventually } from "../support/eventually.ts";
import { type Seeded, seedAnsweredLeg, seedClaim, seedMerchant, seedTransaction } from "../support/seed.ts";

const DUE: JournalLine = { kind: "due", uniqueid: "1.1", throughMs: 12_000 };
const ENDED: JournalLine = { kind: "ended", uniqueid: "1.1", talkMs: 12_345, reason: "caller_hung_up" };

let database: OpenDatabase;
let seeded: Seeded;
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  database = resources.use(await cloneDatabase());
  seeded = await seedMerchant(database.db);
});
afterAll(() => resources.disposeAsync());

async function directoryOfTest(): Promise<string> {
  return resources.use(await mkdtempDisposable(path.join(tmpdir(), "journal-"))).path;
}

/** What a process leaves that was killed a minute ago. */
async function leaveOrphan(directory: string, text: string): Promise<string> {
  const file = path.join(directory, "1-dead.journal");
  await writeFile(file, text);
  await makeOld(file);
  return file;
}

async function makeOld(file: string): Promise<void> {
  const minuteAgo = new Date(Date.now() - 60_000);
  await utimes(file, minuteAgo, minuteAgo);
}

/** A leg of 5-second pulses whose code is claimed; its server is silent for longer than its lease. */
async function legLeftBehind(uniqueid: string) {
  const { db } = database;
  const { id } = await seedTransaction(db, seeded);
  const leg = await seedAnsweredLeg(db, seeded, { uniqueid, msAgo: 30_000 });
  await seedClaim(db, seeded, { leg, transactionId: id });
  const lease_until = new Date(Date.now() - 60_000);
  await db.updateTable("call_legs").set({ lease_until }).where("id", "=", leg.id).execute();
  return { transactionId: id, leg: leg.id };
}

function legById(id: number) {
  const columns = ["billed", "end_reason", "duration_ms", "ended_at"] as const;
  return database.db.selectFrom("call_legs").select(columns).where("id", "=", id).executeTakeFirstOrThrow();
}

test("what is kept is on disk when that is promised, and the file is gone when all of it is settled", async () => {
  const directory = await directoryOfTest();
  await using journal = await openJournal({ directory });
  expect(await readdir(directory)).toEqual([]);
  await journal.keep([DUE, ENDED]);
  const [name = ""] = await readdir(directory);
  const rows = (await readFile(path.join(directory, name), "utf8")).trim().split("\n");
  expect(rows.map((row) => JSON.parse(row))).toEqual([DUE, ENDED]);
  journal.settle("due", "1.1");
  expect(journal.outstanding).toEqual([ENDED]);
  journal.settle("ended", "1.1");
  await eventually(async () => (await readdir(directory)).length === 0);
});

test("a later line about a call replaces the earlier one, and disposal leaves on disk what is still to be told", async () => {
  const directory = await directoryOfTest();
  {
    await using journal = await openJournal({ directory });
    await journal.keep([DUE]);
    await journal.keep([{ ...DUE, throughMs: 17_000 }]);
    expect(journal.outstanding).toEqual([{ ...DUE, throughMs: 17_000 }]);
  }
  expect(await readdir(directory)).toHaveLength(1);
});

test("the journal of a process that died is adopted whole, but for a last line that was torn; that of a living one is left alone", async () => {
  const directory = await directoryOfTest();
  await using living = await openJournal({ directory });
  await living.keep([{ ...ENDED, uniqueid: "2.2" }]);
  const torn = JSON.stringify({ ...ENDED, uniqueid: "3.3" }).slice(0, 30);
  const orphan = await leaveOrphan(directory, `${JSON.stringify(DUE)}\n${JSON.stringify(ENDED)}\n${torn}`);
  const complaints: unknown[] = [];
  await using heir = await openJournal({ directory, onError: (error) => complaints.push(error) });
  expect(await heir.adopt()).toBe(2);
  expect(heir.outstanding).toEqual([DUE, ENDED]);
  expect(complaints).toHaveLength(1);
  expect(await readdir(directory)).toHaveLength(2);
  await expect(readFile(orphan)).rejects.toThrow("ENOENT");
  expect(await heir.adopt()).toBe(0);
});

test("a journal that nothing was written to for long is touched by its owner, and so adopted by nobody", async () => {
  const directory = await directoryOfTest();
  await using living = await openJournal({ directory });
  await using other = await openJournal({ directory });
  await living.keep([DUE]);
  const file = path.join(directory, (await readdir(directory))[0] ?? "");
  await makeOld(file);
  await eventually(async () => Date.now() - (await stat(file)).mtimeMs < 10_000);
  expect(await other.adopt()).toBe(0);
  expect(await readFile(file, "utf8")).toBe(`${JSON.stringify(DUE)}\n`);
});

test("the journal of a process that died is removed only when its lines are in ours", async () => {
  const directory = await directoryOfTest();
  await using heir = await openJournal({ directory });
  await heir.keep([DUE]);
  const ours = path.join(directory, (await readdir(directory))[0] ?? "");
  heir.settle("due", DUE.uniqueid);
  await eventually(async () => (await readdir(directory)).length === 0);
  await mkdir(ours); // stands where our file would be
  const orphan = await leaveOrphan(directory, `${JSON.stringify(ENDED)}\n`);
  await expect(heir.adopt()).rejects.toThrow("EISDIR");
  expect(await readFile(orphan, "utf8")).toBe(`${JSON.stringify(ENDED)}\n`);
  await rmdir(ours);
  expect(await heir.adopt()).toBe(1);
  expect(await readFile(ours, "utf8")).toBe(`${JSON.stringify(ENDED)}\n`);
  await expect(readFile(orphan)).rejects.toThrow("ENOENT");
});

test("a directory that can't be written to is refused at the start", async () => {
  const directory = await directoryOfTest();
  const file = path.join(directory, "a-file");
  await appendFile(file, "");
  await expect(openJournal({ directory: path.join(file, "journal") })).rejects.toThrow(
    /PHONE2PAY_JOURNAL_DIRECTORY.*ENOTDIR/,
  );
});

test("what a process that died knew is told to the database by the next one, and billed once however often it is told", async () => {
  const { db } = database;
  const directory = await directoryOfTest();
  const over = await legLeftBehind("10.1");
  const stillUp = await legLeftBehind("10.2");
  const lines: readonly JournalLine[] = [
    { kind: "ended", uniqueid: "10.1", talkMs: 12_345, reason: "caller_hung_up" },
    { kind: "due", uniqueid: "10.2", throughMs: 17_000 },
    { kind: "ended", uniqueid: "10.3", talkMs: null, reason: "hung_up_before_answer" }, // of a leg that never was
  ];
  for (let times = 0; times < 2; times++) {
    await leaveOrphan(directory, `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
    await using journal = await openJournal({ directory });
    await using _ = replayJournal({ db, journal, worker: "heir", meters: () => false, log: () => {} });
    await eventually(async () => (await readdir(directory)).length === 0);
  }
  expect(await legById(over.leg)).toMatchObject({ billed: 30, end_reason: "caller_hung_up", duration_ms: 12_345 });
  expect(await findTransaction(db, over.transactionId)).toMatchObject({ status: "open", billedRappen: 30 });
  expect(await legById(stillUp.leg)).toMatchObject({ billed: 40, end_reason: null, ended_at: null });
  expect(await findTransaction(db, stillUp.transactionId)).toMatchObject({ status: "calling", billedRappen: 40 });
});

test("a line that the database was away for is still to be told, and is told when it is back", async () => {
  const { leg } = await legLeftBehind("13.1");
  await using link = await linkDatabase(database.url);
  await link.cut();
  await using journal = await openJournal({ directory: await directoryOfTest() });
  const line: JournalLine = { ...ENDED, uniqueid: "13.1" };
  await journal.keep([line]);
  const waiting = Promise.withResolvers<void>();
  const log = (event: string) => event === "journal.waiting" && waiting.resolve();
  await using _ = replayJournal({ db: link.db, journal, worker: "w", meters: () => false, log });
  await waiting.promise;
  expect(journal.outstanding).toEqual([line]);
  await link.mend();
  await eventually(async () => journal.outstanding.length === 0);
  expect(await legById(leg)).toMatchObject({ billed: 30, end_reason: "caller_hung_up" });
});

test("one line that the database refuses holds up no other", async () => {
  const { db } = database;
  const honest = await legLeftBehind("12.2");
  await legLeftBehind("12.1");
  await db
    .updateTable("call_legs")
    .set({ answered_at: new Date("1970-01-02") })
    .where("uniqueid", "=", "12.1")
    .execute();
  await using journal = await openJournal({ directory: await directoryOfTest() });
  await journal.keep([
    { kind: "ended", uniqueid: "12.1", talkMs: 1_700_000_000_000, reason: "caller_hung_up" }, // no such length fits a column
    { kind: "ended", uniqueid: "12.2", talkMs: 12_345, reason: "caller_hung_up" },
  ]);
  const told: string[] = [];
  const log = (event: string) => told.push(event);
  await using _ = replayJournal({ db, journal, worker: "w", meters: () => false, log });
  await eventually(async () => journal.outstanding.length === 0);
  expect(told).toEqual(["journal.refused"]);
  expect(await legById(honest.leg)).toMatchObject({ billed: 30, duration_ms: 12_345 });
});

test("an older line about a call, adopted later, doesn't take the place of what is known", async () => {
  const directory = await directoryOfTest();
  await leaveOrphan(directory, `${JSON.stringify(DUE)}\n`);
  await using journal = await openJournal({ directory });
  await journal.keep([{ ...DUE, throughMs: 60_000 }]);
  await journal.adopt();
  expect(journal.outstanding).toEqual([{ ...DUE, throughMs: 60_000 }]);
});

test("a call that is metered in this process, or looked after by another, isn't taken away by a line about it", async () => {
  const { db } = database;
  const directory = await directoryOfTest();
  const here = await legLeftBehind("11.1");
  const elsewhere = await legLeftBehind("11.2");
  const lease_until = new Date(Date.now() + 15_000);
  await db.updateTable("call_legs").set({ lease_until }).where("id", "=", elsewhere.leg).execute();
  await using journal = await openJournal({ directory });
  await journal.keep([
    { kind: "due", uniqueid: "11.1", throughMs: 17_000 },
    { kind: "due", uniqueid: "11.2", throughMs: 17_000 },
  ]);
  await using _ = replayJournal({ db, journal, worker: "w", meters: (uniqueid) => uniqueid === "11.1", log: () => {} });
  await eventually(async () => journal.outstanding.length === 1);
  expect((await legById(here.leg)).billed).toBe(0);
  expect((await legById(elsewhere.leg)).billed).toBe(0);
  expect(journal.outstanding).toMatchObject([{ uniqueid: "11.1" }]);
});

import { expect, test } from "@jest/globals";
import pg from "pg";
import { superviseAmi } from "../../agi/ami-link.ts";
import { keepRecordEvents } from "../../agi/record-events.ts";
import { cloneDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { QUICK } from "./ami-subjects.ts";
import { RawManager } from "./raw-manager.ts";

/** As Asterisk tells a record, with what asterisk-config/cdr_manager.conf adds. */
function recordEvent(
  sequence: number,
  changes: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    Event: "Cdr",
    Source: "0441234567",
    Channel: "PJSIP/carrier-00000001",
    StartTime: "2026-11-25 09:07:41",
    Disposition: "ANSWERED",
    UniqueID: `1795597661.${sequence}`,
    UserField: "0900900904",
    ExactStart: "1795597661.369444",
    ExactAnswer: "1795597661.371385",
    ExactEnd: "1795597669.874160",
    ExactDuration: "8.504716",
    ExactBillsec: "8.502775",
    Sequence: String(sequence),
    ...changes,
  };
}

test("records that come while the database is away are held, the newest of too many, and written when it is back", async () => {
  await using database = await cloneDatabase();
  await using manager = await RawManager.listen();
  await using link = superviseAmi({
    host: "127.0.0.1",
    port: manager.port,
    user: "phone2pay",
    secret: "of the test",
    limits: QUICK,
  });
  const told: string[] = [];
  const log = (event: string) => told.push(event);
  const limits = { heldRecords: 2, retryMilliseconds: 20 };
  await using _ = keepRecordEvents({ db: database.db, link, log, limits });
  const asterisk = await (await manager.connection()).letIn();
  await eventually(async () => link.up);
  const written = async () =>
    (await database.db.selectFrom("call_records").select("sequence").orderBy("sequence").execute()).map(
      (row) => row.sequence,
    );
  asterisk.packet(recordEvent(1));
  await eventually(async () => (await written()).length === 1);

  const name = new URL(database.url).pathname.slice(1);
  const admin = new pg.Client(process.env.TEST_DATABASE_URL);
  await admin.connect();
  await admin.query(`alter database ${name} with allow_connections false`);
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name]);
  for (const sequence of [2, 3, 4, 1]) asterisk.packet(recordEvent(sequence));
  asterisk.packet(recordEvent(5, { ExactEnd: "soon" }));
  await eventually(async () => told.includes("call_records.garbage") && told.includes("call_records.failed"));
  await admin.query(`alter database ${name} with allow_connections true`);
  await admin.end();
  await eventually(async () => (await written()).length === 2);
  expect(await written()).toEqual([1, 4]); // 1 came twice and stands once
  expect(told.toSorted((a, b) => a.localeCompare(b))).toEqual([
    "call_records.dropped",
    "call_records.dropped",
    "call_records.failed",
    "call_records.garbage",
  ]);
});

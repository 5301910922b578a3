import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { serveAgi } from "../../agi/server.ts";
import { openVoiceServer } from "../../agi/voice-server.ts";
import type { Db } from "../../db/database.ts";
import { findTransaction } from "../../db/transactions.ts";
import { linkDatabase } from "../support/database-link.ts";
import { eventually } from "../support/eventually.ts";
import { type Exchange, NUMBERS, openExchange, SECRET } from "./exchange.ts";
import { callRefused, expectRefused } from "./refusal.ts";
import { placeCall } from "./sip-call.ts";

/** Its voice servers are started by each test itself, if at all. */
let exchange: Exchange;
beforeAll(async () => {
  exchange = await openExchange({ firstPort: 27_000, serveHere: false });
});
afterAll(async () => {
  await exchange[Symbol.asyncDispose]();
});

const { pulses } = NUMBERS;

test("nobody takes a call that isn't answered: within seconds its caller hears so, and the carrier gets 503", async () => {
  const outcome = await callRefused(exchange, { number: pulses.number, expectedStatus: 503 });
  expectRefused(outcome, { status: 503, says: "ivr.error.unavailable", in: "en" });
  expect(outcome.progressAfterMs).toBeGreaterThan(2_500);
  expect(outcome.progressAfterMs).toBeLessThan(6_000);
}, 100_000);

test("servers that are full take no further call, and take the next one when a place is free", async () => {
  await using _servers = await serveCalls(exchange.db, 1);
  const holdLine = (callerId: string, hangUpAfterMs: number) =>
    placeCall({ ...lineOf(callerId), scenario: "caller-hangs-up-half-way", hangUpAfterMs });
  const both = ["0442220040", "0442220041"].map((callerId) => holdLine(callerId, 10_000));
  await Promise.all([answered("0442220040"), answered("0442220041")]);
  const refused = await callRefused(exchange, { number: pulses.number, expectedStatus: 503 });
  expectRefused(refused, { status: 503, says: "ivr.error.unavailable", in: "en" });
  expect((await Promise.all(both)).map(({ endedBy }) => endedBy)).toEqual(["caller", "caller"]);
  expect(await holdLine("0442220042", 1_000)).toMatchObject({ finalStatus: 200, endedBy: "caller" });
}, 100_000);

test("while the database is away a call is refused with 503 at once; one whose caller is keying is told to wait, and pays or is let go", async () => {
  await using link = await linkDatabase(exchange.databaseUrl);
  await using _servers = await serveCalls(link.db, 10);
  const patient = await exchange.openPayment("pulses", { amountRappen: 30 });
  const forsaken = await exchange.openPayment("pulses", { amountRappen: 500 });
  const key = (callerId: string, digits: string, pauseBeforeDigitsMs: number) => {
    const line = lineOf(callerId);
    return placeCall({ ...line, scenario: "caller-keys-code-and-waits", digits, pauseBeforeDigitsMs });
  };
  const waiting = key("0442220030", patient.code, 6_000);
  const leaving = key("0442220031", forsaken.code, 1_000);
  await Promise.all([answered("0442220030"), answered("0442220031")]);
  await link.cut();
  const refused = await callRefused(exchange, { number: pulses.number, expectedStatus: 503 });
  expectRefused(refused, { status: 503, says: null });
  expect(refused.endedAfterMs).toBeLessThan(2_000);
  await pause(12_000); // longer than the one that keyed at once is kept, and shorter than the other
  await link.mend();

  expect(await waiting).toMatchObject({ endedBy: "asterisk" });
  expect(await findTransaction(exchange.db, patient.id)).toMatchObject({ status: "paid" });
  expect(await leaving).toMatchObject({ endedBy: "asterisk" });
  const leg = await legOfCaller("0442220031");
  expect(leg).toMatchObject({ transaction_id: null, end_reason: "database_away" });
  expect(await findTransaction(exchange.db, forsaken.id)).toMatchObject({ status: "open" });
}, 100_000);

function lineOf(callerId: string) {
  return { number: pulses.number, sipPort: exchange.sipPort, callerId, timeoutMs: 60_000 };
}

/** The two voice servers, on a database of one's choice. */
async function serveCalls(db: Db, callsMax: number): Promise<AsyncDisposableStack> {
  const servers = new AsyncDisposableStack();
  for (const port of exchange.agiPorts) {
    const voice = servers.use(
      await openVoiceServer({
        db,
        worker: `test/${port}`,
        callerHashKey: SECRET,
        promptsDirectory: exchange.asterisk.promptsDirectory,
        journalDirectory: path.join(exchange.journalDirectory, String(port)),
        log: () => {},
      }),
    );
    servers.use(await serveAgi(voice, { host: "127.0.0.1", port, secret: SECRET, callsMax }));
  }
  return servers;
}

function answered(caller: string) {
  return eventually(() =>
    exchange.db
      .selectFrom("call_legs")
      .select("id")
      .where("caller", "=", caller)
      .where("answered_at", "is not", null)
      .executeTakeFirst(),
  );
}

function legOfCaller(caller: string) {
  return eventually(() =>
    exchange.db
      .selectFrom("call_legs")
      .select(["end_reason", "transaction_id"])
      .where("caller", "=", caller)
      .where("ended_at", "is not", null)
      .executeTakeFirst(),
  );
}

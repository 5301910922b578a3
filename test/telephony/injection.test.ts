import { readdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import { openRecordImport } from "../../bin/import-call-records.ts";
import { billedAfter } from "../../core/tariff.ts";
import type { Order } from "../../core/transaction.ts";
import type { Db } from "../../db/database.ts";
import { findTransaction } from "../../db/transactions.ts";
import { cloneDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { closedLegs, NUMBERS, SECRET } from "./exchange.ts";
import { openHostileExchange } from "./hostile-exchange.ts";
import { CANARY, hostileTexts, PLACES } from "./hostile-text.ts";
import { encoded, openTelephone, type RawInvite, type RawTelephone } from "./raw-telephone.ts";
import { placeCall } from "./sip-call.ts";

const CALLS_AT_ONCE = 12;
const CANCELLED_CALLS = 60;
const FLOOD_OF_KEYS = 300;
/** By RFC 4733: the star and the rest that isn't a digit, a flash, and events that are no keys at all. */
const STAR = 10;
const NO_DIGITS = [STAR, 11, 12, 13, 14, 15, 16, 17, 96, 255];
/** Of a call that Asterisk refuses by itself, without a channel: no such number, or no SIP that could be read. */
const NO_CALL = [null, 400, 404];
const { number, segments } = NUMBERS.pulses;

const hostile = await openHostileExchange(35_000);
const { exchange, link } = hostile;
const globals = await exchange.asterisk.rx("dialplan show globals");
await exchange.db
  .updateTable("merchants")
  .set({ name: merchantText(), address: merchantText(), contact: merchantText() })
  .execute();
let calls = 0;
let orders = 0;
const paid: string[] = [];
/** Their calls' uniqueids. */
const payers = new Set<string>();

afterAll(async () => {
  await hostile[Symbol.asyncDispose]();
});

test.concurrent("hostile text in any place of an INVITE does nothing, and the call that pays beside it is billed by its record", async () => {
  await payBeside(120, async (uniqueid) => {
    const texts = aimedAt(uniqueid);
    const invites = Object.values(PLACES).flatMap((place) =>
      texts.map((text): RawInvite => ({ number, ...place(text) })),
    );
    for (let from = 0; from < invites.length; from += CALLS_AT_ONCE)
      await callTogether(invites.slice(from, from + CALLS_AT_ONCE));
  });
}, 180_000);

test.concurrent("a request in mid-call that names another caller, diverts, transfers or brings text does nothing to the call or its neighbour", async () => {
  await payBeside(80, async (uniqueid) => {
    const texts = aimedAt(uniqueid);
    const requests = async (telephone: RawTelephone, index: number): Promise<void> => {
      const text = texts[index] ?? "";
      const address = `<sip:${encoded(text)}@carrier.example>`;
      const caller = [`P-Asserted-Identity: "x" ${address}`];
      const shown = [`Remote-Party-ID: ${address};privacy=full`];
      const diverted = [...caller, `Diversion: ${address};reason=unknown`];
      for (const headers of [caller, shown, diverted])
        for (const method of ["UPDATE", "INVITE"]) await telephone.request(method, headers);
      await telephone.request("REFER", [
        `Refer-To: <sip:${NUMBERS.early.number}@127.0.0.1>`,
        `Referred-By: ${address}`,
      ]);
      for (const method of ["INFO", "MESSAGE", "NOTIFY", "OPTIONS"])
        await telephone.request(method, ["Content-Type: text/plain", "Event: x", `Subject: ${encoded(text)}`], text);
    };
    await callTogether(
      texts.map(() => ({ number })),
      requests,
    );
  });
}, 150_000);

test.concurrent("a call that is given up in the very moment it is made leaves no text of its caller behind", async () => {
  await payBeside(120, async (uniqueid) => {
    const forged = `\r\n\r\nEvent: Hangup\r\nUniqueid: ${uniqueid}\r\n\r\n`;
    for (let count = 0; count < CANCELLED_CALLS; count += 1) {
      await using telephone = await openTelephone(exchange.sipPort);
      calls += 1;
      const status = await telephone.inviteAndCancel({ number, from: `<sip:${encoded(forged)}@127.0.0.1>` });
      if (status === 200) await telephone.request("BYE");
    }
  });
}, 150_000);

test.concurrent("whatever comes in place of a digit is none, and the right code still pays", async () => {
  await using telephone = await openTelephone(exchange.sipPort);
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 20, ...hostileOrder() });
  calls += 1;
  paid.push(id);
  expect(await telephone.invite({ number, from: "<sip:0442220001@127.0.0.1>" })).toBe(200);
  for (const event of NO_DIGITS) await telephone.sendEvent(event);
  for (const text of aimedAt("1.1").filter((each) => !/^[0-9]/.test(each)))
    for (const type of ["dtmf-relay", "dtmf", "hook-flash"])
      await telephone.request("INFO", [`Content-Type: application/${type}`], `Signal=${text}\r\nDuration=${text}\r\n`);
  await telephone.sendEvent(STAR); // it starts over
  for (const digit of code) await telephone.sendEvent(Number(digit));
  await telephone.hungUp;
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid", billedRappen: 20 });
}, 90_000);

test.concurrent("a flood of keys, and of what is no sound, ends its own call after its tries", async () => {
  await using telephone = await openTelephone(exchange.sipPort);
  calls += 1;
  expect(await telephone.invite({ number, from: "<sip:0442220002@127.0.0.1>" })).toBe(200);
  for (let count = 0; count < FLOOD_OF_KEYS; count += 1) await telephone.sendEvent(count % 16);
  for (const bytes of ["", "\x80", "\x80\x60", `\x80\xe0${"\xff".repeat(1_400)}`, "\r\nEXEC System x\r\n"])
    await telephone.sendMedia(Buffer.from(bytes, "latin1"));
  await telephone.hungUp;
  const leg = await eventually(() =>
    exchange.db
      .selectFrom("call_legs")
      .select(["end_reason", "transaction_id"])
      .where("caller", "=", "0442220002")
      .where("ended_at", "is not", null)
      .executeTakeFirst(),
  );
  expect(leg).toEqual({ end_reason: "code_not_given", transaction_id: null });
}, 150_000);

test("after all this the voice servers have said nothing but commands of their own, and no text of a caller or merchant", () => {
  const lines = hostile.said();
  const prompt = `${exchange.asterisk.promptsDirectory}/[a-z0-9-]+`;
  const command = new RegExp(
    [
      "NOOP|ANSWER|EXEC Progress|EXEC StopMusicOnHold",
      'EXEC StartMusicOnHold "phone2pay"',
      `EXEC Read "P2P_KEYS,(${prompt}(&${prompt})*)?,[0-9],n,1(,[0-9.]+)?"`,
      `STREAM FILE "${prompt}" ""`,
      'GET VARIABLE "(CHANNEL\\(state\\)|CDR\\((answer,u|billsec,f)\\)|READSTATUS|P2P_KEYS)"',
      'SET VARIABLE "(CHANNEL\\(language\\)|TIMEOUT\\((absolute|digit|response)\\)|P2P_(DONE|CLOSED|CAUSE))" "[a-z0-9.]+"',
    ]
      .map((form) => `^(${form})$`)
      .join("|"),
  );
  expect(lines.length).toBeGreaterThan(1_000);
  expect(lines.filter((line) => !command.test(line))).toEqual([]);
});

test("the manager interface was up all the time, and told each record once and hardly ever a text of a caller", async () => {
  const { told, complaints } = hostile;
  const uniqueids = (await exchange.cdrs()).map(({ uniqueid }) => uniqueid);
  const expected = new Set(uniqueids.flatMap((uniqueid) => [`cdr ${uniqueid}`, `hangup ${uniqueid}`]));
  expect([...told.keys()].filter((key) => !expected.has(key))).toEqual([]);
  const again = [...told].filter(([, times]) => times > 1);
  expect(again.filter(([key]) => key.startsWith("cdr "))).toEqual([]);
  // A call that is given up before the dialplan's first step brings its text: it can say that somebody hung up, and spoil its own record.
  const forged = again.reduce((sum, [, times]) => sum + times - 1, 0);
  const spoilt = [...expected].filter((key) => !told.has(key)).length;
  expect(forged + spoilt).toBeLessThan(CANCELLED_CALLS / 12);
  // A call that was given up before its leg was opened has no server that closes it; the supervisor does.
  const closed = complaints.map((complaint) =>
    Array.isArray(complaint) && complaint[0] === "leg.channel_gone" ? complaint[1].uniqueid : complaint,
  );
  const { rows } = await sql<{ uniqueid: string }>`
    select uniqueid from call_legs where answered_at is null and transaction_id is null and billed = 0`.execute(
    exchange.db,
  );
  expect(closed.filter((uniqueid) => !rows.some((row) => row.uniqueid === uniqueid))).toEqual([]);
});

test("there was one channel, one record and at most one leg for each call, no journal but that of what was paid, and nothing was made or set", async () => {
  const { db, asterisk } = exchange;
  const processed = Number(/^(\d+) calls? processed/m.exec(await asterisk.rx("core show channels count"))?.[1]);
  const uniqueids = (await exchange.cdrs()).map(({ uniqueid }) => uniqueid);
  expect([processed, uniqueids.length, new Set(uniqueids).size]).toEqual([calls, calls, calls]);
  const legs = await db.selectFrom("call_legs").select("uniqueid").execute();
  expect(legs.filter(({ uniqueid }) => !uniqueids.includes(uniqueid))).toEqual([]);
  const lines = await db.selectFrom("journal").select("transaction_id").distinct().execute();
  expect(lines.map((line) => line.transaction_id).toSorted()).toEqual(paid.map((id) => id.toLowerCase()).toSorted());
  await using other = await cloneDatabase();
  const log = (event: string, details: unknown) => expect([event, details]).toBeNull();
  await openRecordImport({ db: other.db, file: asterisk.cdrFile, log }).importNew();
  const [byAmi, byFile] = [await recordsIn(db), await recordsIn(other.db)];
  expect(byFile).toEqual(expect.arrayContaining([...byAmi]));
  const answered = byFile.filter((record) => record.answered_at !== null);
  expect(byAmi.filter((record) => record.answered_at !== null)).toEqual(answered);

  expect(await readdir(hostile.watched)).toEqual([]);
  expect(await asterisk.rx("dialplan show globals")).toBe(globals);
  // A call may be given up just when it is being answered.
  const gone = expect.objectContaining({ kind: "dead_channel" });
  for (const complaint of exchange.complaints) expect(complaint).toEqual(["call.failed", { error: gone }]);
});

/** The hostile texts, aimed at the call of that uniqueid. */
function aimedAt(uniqueid: string): readonly string[] {
  return hostileTexts({ file: path.join(hostile.watched, "made"), uniqueid });
}

/** As a merchant could write it who is let write anything that PostgreSQL takes. */
function merchantText(): string {
  return `${CANARY}"\n\\\r\nEXEC System x\r\n\r\n\${SHELL(id)},&|);'--\u2028é`;
}

function hostileOrder(): Partial<Order> {
  const text = merchantText();
  return {
    description: text,
    items: [{ description: text, quantity: 1, amountRappen: 20 }],
    reference: `${++orders} ${text}`,
    returnUrl: `https://shop.example/${text}`,
    cancelUrl: `https://shop.example/${text}`,
    metadata: { [text]: text },
  };
}

/** Runs `work` while a call pays, whose uniqueid it is told, and looks at what came of that call. */
async function payBeside(amountRappen: number, work: (uniqueid: string) => Promise<void>): Promise<void> {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen, ...hostileOrder() });
  calls += 1;
  paid.push(id);
  const dial = { number, digits: code, sipPort: exchange.sipPort, timeoutMs: 150_000 };
  const paying = placeCall({ scenario: "caller-keys-code-and-waits", ...dial });
  const { uniqueid } = await eventually(() => openLegOf(exchange.db, id));
  payers.add(uniqueid);
  await work(uniqueid);
  expect(await openLegOf(exchange.db, id)).toEqual({ uniqueid }); // or there was nothing left to disturb
  expect((await link.coreShowChannels()).map((channel) => channel.uniqueid)).toContain(uniqueid);
  expect(await paying).toMatchObject({ exitCode: 0, endedBy: "asterisk" });
  const [leg] = await closedLegs(exchange.db, id, 1);
  const record = await eventually(async () => (await exchange.cdrs()).find((line) => line.uniqueid === uniqueid));
  expect(leg).toMatchObject({ uniqueid, end_reason: "paid", billed: billedAfter(segments, record.talkMs) });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid", exception: "none" });
}

function openLegOf(db: Db, transactionId: string) {
  return db
    .selectFrom("call_legs")
    .select("uniqueid")
    .where("transaction_id", "=", transactionId)
    .where("ended_at", "is", null)
    .executeTakeFirst();
}

/** Makes the calls, does with each that is answered what is to be done, looks at all of them, and hangs up. */
async function callTogether(
  invites: readonly RawInvite[],
  work: (telephone: RawTelephone, index: number) => Promise<void> = async () => {},
): Promise<void> {
  await using telephones = new AsyncDisposableStack();
  const answered: RawTelephone[] = [];
  await Promise.all(
    invites.map(async (invite, index) => {
      const telephone = telephones.use(await openTelephone(exchange.sipPort));
      const status = await telephone.invite(invite);
      if (!NO_CALL.includes(status)) calls += 1;
      if (status !== 200) return;
      answered.push(telephone);
      await work(telephone, index);
    }),
  );
  await expectCleanChannels();
  // 481: on a slow machine a caller who keys nothing may have been let go by then.
  for (const telephone of answered) expect([200, 481]).toContain(await telephone.request("BYE"));
}

/** Of the channels that there are now: no text of a caller is in their variables, or in what they say of who calls. */
async function expectCleanChannels(): Promise<void> {
  const { rx } = exchange.asterisk;
  const names = (await rx("core show channels concise")).split("\n").flatMap((line) => line.split("!")[0] || []);
  for (const shown of await Promise.all(names.map((name) => rx(`core show channel ${name}`)))) {
    // One that isn't up may not have been seen by the dialplan yet; one that is over or pays has what its server set.
    const isPaying = payers.has(/^ *UniqueID: (.*)$/m.exec(shown)?.[1] ?? "");
    if (isPaying || !/^ *State: Up /m.test(shown) || /RTPAUDIOQOS|AGISTATUS=HANGUP/.test(shown)) continue;
    const callers = [...shown.matchAll(/^ *(?:Caller ID|Caller ID Name|DNID Digits): (.*)$/gm)].map(
      ([, value]) => value,
    );
    expect(callers.filter((value) => !/^([+0-9]*|\(N\/A\))$/.test(value ?? ""))).toEqual([]);
    const [, variables = ""] = /\n +Variables:\n(.*?)\n +CDR Variables/s.exec(shown) ?? [];
    expect(variables.split("\n").filter((line) => !/^(\w+=[\w.]*|P2P_KEYS=[0-9A-D*]*)$/.test(line))).toEqual([]);
    expect(variables).not.toMatch(/^P2P_(DONE|CLOSED|CAUSE|LATE)=/m);
    expect(variables).not.toContain(SECRET);
  }
}

/** All that a record says, beside how it came here. */
async function recordsIn(db: Db) {
  const { rows } = await sql<{
    answered_at: Date | null;
  }>`select uniqueid, sequence, number, started_at, answered_at, ended_at, duration_ms, talk_ms, disposition, channel
    from call_records order by sequence`.execute(db);
  return rows;
}

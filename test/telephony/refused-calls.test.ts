import { afterAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import { hashCaller, readCallerNumber } from "../../core/caller.ts";
import { CALLER_LOCK_OUT, NUMBER_GUARD } from "../../core/lock-outs.ts";
import type { Language } from "../../core/messages.ts";
import type { PromptKey } from "../../core/speech.ts";
import type { Segment } from "../../core/tariff.ts";
import { barCaller } from "../../db/callers.ts";
import { issueCode } from "../../db/codes.ts";
import { findTransaction } from "../../db/transactions.ts";
import { eventually } from "../support/eventually.ts";
import { type Seeded, seedAnsweredLeg, seedMerchant, seedNumber, seedTransaction } from "../support/seed.ts";
import { NUMBERS, openExchange, SECRET } from "./exchange.ts";
import { callRefused, expectRefused } from "./refusal.ts";
import { type Call, placeCall } from "./sip-call.ts";

/** Calls from this address of the loopback are the carrier's. */
const CARRIER_ADDRESS = "127.0.0.2";
const exchange = await openExchange({ firstPort: 28_000, asterisk: { carrierAddress: CARRIER_ADDRESS } });
afterAll(async () => {
  await exchange[Symbol.asyncDispose]();
});

const CHEAP: readonly Segment[] = [{ kind: "time", rappenPerMinute: 120, incrementSeconds: 5 }];
const DEAR: readonly Segment[] = [{ kind: "time", rappenPerMinute: 600, incrementSeconds: 1 }];
const free = (seconds: number): readonly Segment[] => [{ kind: "free", seconds }, ...DEAR];

/** Numbers of these tests alone, beside those of the demo. */
const merchant = await seedMerchant(exchange.db, { number: "0901000000" });
const closed = await addOwnNumber("0901000001", CHEAP, { in_service: false });
const closedAndSilent = await addOwnNumber("0901000002", CHEAP, { in_service: false, early_media: false });
const silent = await addOwnNumber("0901000003", CHEAP, { early_media: false });
const menu = await addOwnNumber("0901000004", CHEAP, { language_menu: true });
const freeAtFirst = await addOwnNumber("0901000005", free(20), { early_media: false, language: "fr" });
const freeTooShort = await addOwnNumber("0901000006", free(6), { early_media: false, language: "fr" });
const guessedAt = await addOwnNumber("0901000007", CHEAP, {});

async function addOwnNumber(
  number: string,
  segments: readonly Segment[],
  changes: {
    readonly in_service?: boolean;
    readonly early_media?: boolean;
    readonly language_menu?: boolean;
    readonly language?: Language;
  },
): Promise<Seeded> {
  const { db } = exchange;
  const { merchantId } = merchant;
  const { tariffId } = await seedNumber(db, { number, segments, merchantId, language: "de" });
  if (Object.keys(changes).length > 0)
    await db.updateTable("smart_numbers").set(changes).where("number", "=", number).execute();
  return { ...merchant, number, tariffId, segments, codeBeforeAnswer: false };
}

async function openPaymentOn(on: Seeded, amountRappen: number) {
  const { id } = await seedTransaction(exchange.db, on, { amountRappen, language: null });
  const issued = await issueCode(exchange.db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in issued) throw new Error(issued.refusal);
  return { id, code: issued.code };
}

const carrier = { sourceAddress: CARRIER_ADDRESS } as const;
const identity = "P-Asserted-Identity: <sip:+41441234567@carrier.example>";
const asserted = { ...carrier, callerId: "anonymous", headers: [identity, "Privacy: id;critical"] } as const;
const { pulses, early } = NUMBERS;

test.concurrent.each<readonly [string, Partial<Call> & Pick<Call, "number">, number, PromptKey | null, Language?]>([
  ["a number that nobody has", { number: "0900123456" }, 404, null],
  ["a number that isn't ours at all", { number: "0911234567" }, 404, null],
  ["a number out of service", { number: closed.number }, 480, "ivr.number.notInService", "de"],
  ["a number out of service, without early media", { number: closedAndSilent.number }, 480, null],
  ["From: anonymous", { ...carrier, number: pulses.number, callerId: "anonymous" }, 403, "ivr.caller.hidden"],
  ["From: Anonymous, in the demo", { number: pulses.number, callerId: "Anonymous" }, 403, "ivr.caller.hidden"],
  ["Privacy: id", { ...carrier, number: pulses.number, headers: ["Privacy: id"] }, 403, "ivr.caller.hidden"],
  ["Privacy beside an asserted identity", { ...asserted, number: pulses.number }, 403, "ivr.caller.hidden"],
  ["a hidden caller, without early media", { ...carrier, number: silent.number, callerId: "anonymous" }, 403, null],
  [
    "no number, over the carrier's trunk",
    { ...carrier, number: pulses.number, callerId: "sipp" },
    403,
    "ivr.caller.hidden",
  ],
  ["a caller abroad", { ...carrier, number: pulses.number, callerId: "+4930123456" }, 403, "ivr.caller.abroad"],
  ["a caller abroad, in the demo", { number: menu.number, callerId: "004930123456" }, 403, "ivr.caller.abroad", "de"],
])("%s: %j is refused before any answer with %d, %s", async (_who, particulars, status, says, language) => {
  const outcome = await callRefused(exchange, { ...particulars, expectedStatus: status });
  expectRefused(outcome, { status, says, ...(language ? { in: language } : {}) });
});

test.concurrent("a barred caller, one who has spent everything, and one locked out for wrong codes are refused with 403, and told why", async () => {
  const [barred, spent, guesser] = ["0442220001", "0442220002", "0442220003"];
  const hashOf = (text: string | undefined) => hashCaller(readCallerNumber(text ?? "") ?? "", SECRET);
  const { db } = exchange;
  const about = { numberHint: "01", reason: "disputed", barredBy: "test" };
  await barCaller(db, { ...about, callerHash: hashOf(barred), days: null });
  await sql`update call_legs set billed = 40000 where id = ${await pastLeg(hashOf(spent), "carrier")}`.execute(db);
  await sql`update call_legs set wrong_codes = ${CALLER_LOCK_OUT.wrongCodesMax} where id = ${await pastLeg(hashOf(guesser), "demo")}`.execute(
    db,
  );
  const says = ["ivr.caller.barred", "ivr.limit.caller", "ivr.caller.locked"] as const;
  await Promise.all(
    [barred, spent, guesser].map(async (callerId, i) => {
      const outcome = await callRefused(exchange, {
        ...carrier,
        number: pulses.number,
        callerId: `+41${callerId?.slice(1)}`,
        expectedStatus: 403,
      });
      expectRefused(outcome, { status: 403, says: says[i] ?? null });
    }),
  );
  const { rows } = await sql<{
    reason: string;
  }>`select reason from call_refusals where number = ${pulses.number}`.execute(db);
  expect(rows.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(["caller_barred", "caller_over_limit", "caller_locked_out"]),
  );
});

test.concurrent("on a number that is guessed at, callers without a number are refused, and one with a number has one try and may pay", async () => {
  const { db } = exchange;
  const leg = await pastLeg(hashCaller("+41442220004", SECRET), "demo", guessedAt);
  await sql`update call_legs set wrong_codes = ${NUMBER_GUARD.wrongCodesMax} where id = ${leg}`.execute(db);
  const { id, code } = await openPaymentOn(guessedAt, 20);
  const dial = { number: guessedAt.number, sipPort: exchange.sipPort, timeoutMs: 40_000 };
  const [unknown, wrong] = await Promise.all([
    callRefused(exchange, { number: guessedAt.number, callerId: "sipp", expectedStatus: 403 }),
    placeCall({ ...dial, scenario: "caller-keys-code-and-waits", callerId: "0442220005", digits: "0000" }),
    placeCall({ ...dial, scenario: "caller-keys-code-and-waits", callerId: "0442220006", digits: code }),
  ]);
  expectRefused(unknown, { status: 403, says: "ivr.caller.hidden", in: "de" });
  expect(wrong.endedBy).toBe("asterisk");
  expect(await legOfCaller("0442220005")).toMatchObject({ wrong_codes: 1, end_reason: "code_not_given" });
  expect(await findTransaction(db, id)).toMatchObject({ status: "paid" });
});

test.concurrent.each([
  ["From: sipp", { callerId: "sipp" }],
  ["From: 1000", { callerId: "1000" }],
  ["From: softphone and Privacy: none", { callerId: "softphone", headers: ["Privacy: none"] }],
  ["a Swiss number in the international form", { callerId: "+41441234567" }],
])("in the demo %s can pay", async (_who, particulars) => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 30 });
  const outcome = await placeCall({
    scenario: "caller-keys-code-and-waits",
    number: pulses.number,
    digits: code,
    sipPort: exchange.sipPort,
    timeoutMs: 40_000,
    ...particulars,
  });
  expect(outcome).toMatchObject({ exitCode: 0, endedBy: "asterisk" });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid" });
});

test.concurrent("a caller at home pays over the carrier's trunk, however the network writes the number", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 30 });
  const particulars = { number: pulses.number, digits: code, callerId: "0041442220007", sipPort: exchange.sipPort };
  await placeCall({ ...carrier, ...particulars, scenario: "caller-keys-code-and-waits", timeoutMs: 40_000 });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid" });
});

test.concurrent("a code keyed before the answer answers the call, and nothing else does", async () => {
  const { id, code } = await exchange.openPayment("early", { amountRappen: 20 });
  const dial = { number: early.number, sipPort: exchange.sipPort, timeoutMs: 40_000 };
  const [paid, wrong] = await Promise.all([
    // Keyed into the greeting: the first digit cuts it short and counts.
    placeCall({ ...dial, scenario: "caller-keys-early", digits: code, pauseBeforeDigitsMs: 100 }),
    placeCall({
      ...dial,
      scenario: "caller-keys-early-and-is-refused",
      digits: "000000000000",
      callerId: "0442220008",
      expectedStatus: 403,
    }),
  ]);
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid" });
  expect(paid.answeredAfterMs).toBeGreaterThan((paid.progressAfterMs ?? 0) + 4 * 200);
  expect(wrong).toMatchObject({ exitCode: 0, finalStatus: 403, answeredAfterMs: null });
  expect(await legOfCaller("0442220008")).toMatchObject({ wrong_codes: 3, billed: 0, end_reason: "code_not_given" });
});

test.concurrent("a purchase beyond what the caller may still spend is refused when its code is keyed: here before the answer, for nothing", async () => {
  const { db } = exchange;
  const caller = hashCaller("+41442220009", SECRET);
  await sql`update call_legs set billed = 39990 where id = ${await pastLeg(caller, "carrier")}`.execute(db);
  const { id, code } = await exchange.openPayment("early", { amountRappen: 20 });
  const outcome = await placeCall({
    ...carrier,
    scenario: "caller-keys-early-and-is-refused",
    number: early.number,
    digits: code,
    callerId: "0442220009",
    expectedStatus: 403,
    sipPort: exchange.sipPort,
    timeoutMs: 30_000,
  });
  expect(outcome).toMatchObject({ exitCode: 0, finalStatus: 403, answeredAfterMs: null });
  expect(await findTransaction(db, id)).toMatchObject({ status: "open", billedRappen: 0 });
  expect(await legOfCaller("0442220009")).toMatchObject({ end_reason: "caller_over_limit" });
});

test.concurrent.each([
  ["3", "it"],
  ["9", "de"],
])(
  "on a number with a language menu the key %s, pressed while it is said, makes the call go on in %s",
  async (languageKey, language) => {
    const { id, code } = await openPaymentOn(menu, 20);
    const callerId = `044222001${languageKey}`;
    const calling = placeCall({
      scenario: "caller-chooses-language-then-keys",
      number: menu.number,
      languageKey,
      digits: code,
      callerId,
      sipPort: exchange.sipPort,
      timeoutMs: 60_000,
    });
    const spoken = await eventually(async () => {
      const { rows } = await sql<{ uniqueid: string }>`
      select uniqueid from call_legs where caller = ${callerId} and answered_at is not null`.execute(exchange.db);
      return rows[0] && (await languageOfChannel(rows[0].uniqueid));
    }, 30_000);
    expect(spoken).toBe(language);
    expect((await calling).endedBy).toBe("asterisk");
    expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid" });
  },
  70_000,
);

test.concurrent("without early media the price is said and accepted after the answer, in the tariff's free seconds", async () => {
  const { id, code } = await openPaymentOn(freeAtFirst, 30);
  const outcome = await placeCall({
    scenario: "caller-accepts-price-after-answer",
    number: freeAtFirst.number,
    digits: code,
    callerId: "0442220020",
    pauseBeforeDigitsMs: 1_000,
    sipPort: exchange.sipPort,
    timeoutMs: 60_000,
  });
  expect(outcome).toMatchObject({ exitCode: 0, progressAfterMs: null, endedBy: "asterisk" });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid", billedRappen: 30 });
  expect(outcome.talkSeconds).toBeGreaterThan(22);
}, 70_000);

test.concurrent("who doesn't accept the price there, or can't be told it in time, is let go before it costs anything", async () => {
  const dial = { scenario: "caller-silent", sipPort: exchange.sipPort, timeoutMs: 60_000 } as const;
  const [mute, short] = await Promise.all([
    placeCall({ ...dial, number: freeAtFirst.number, callerId: "0442220021" }),
    placeCall({ ...dial, number: freeTooShort.number, callerId: "0442220022" }),
  ]);
  expect(await legOfCaller("0442220021")).toMatchObject({ end_reason: "price_not_accepted", billed: 0 });
  expect(await legOfCaller("0442220022")).toMatchObject({ end_reason: "price_not_announced", billed: 0 });
  expect(mute.talkSeconds).toBeGreaterThan(14);
  expect(mute.talkSeconds).toBeLessThan(20);
  expect(short.talkSeconds).toBeLessThan(6);
}, 70_000);

test("in all of this the voice servers had nothing to complain about", () => {
  // A busy machine may be late for the end of a call; then the backstop ends it, and says so.
  const late = (complaint: unknown) => Array.isArray(complaint) && complaint[0] === "call.backstop";
  expect(exchange.complaints.filter((complaint) => !late(complaint))).toEqual([]);
});

/** An answered call that is over, to write into what a test needs to have happened. */
async function pastLeg(callerHash: Buffer, trunk: string, on: Seeded = merchant): Promise<number> {
  const { db } = exchange;
  const { id } = await seedAnsweredLeg(db, on, { trunk, callerHash });
  await sql`update call_legs set ended_at = clock_timestamp(), end_reason = 'test' where id = ${id}`.execute(db);
  return id;
}

function legOfCaller(caller: string) {
  return eventually(() =>
    exchange.db
      .selectFrom("call_legs")
      .select(["billed", "end_reason", "wrong_codes", "transaction_id"])
      .where("caller", "=", caller)
      .where("ended_at", "is not", null)
      .executeTakeFirst(),
  );
}

async function languageOfChannel(uniqueid: string): Promise<string | undefined> {
  const channels = await exchange.asterisk.rx("core show channels concise");
  const name = channels
    .split("\n")
    .find((line) => line.endsWith(uniqueid))
    ?.split("!")[0];
  return /Language: (\w+)/.exec(name ? await exchange.asterisk.rx(`core show channel ${name}`) : "")?.[1];
}

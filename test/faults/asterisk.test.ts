import { afterAll, expect, test } from "@jest/globals";
import { findTransaction } from "../../db/transactions.ts";
import { eventually } from "../support/eventually.ts";
import { NUMBERS, SECRET } from "../telephony/exchange.ts";
import { placeCall } from "../telephony/sip-call.ts";
import { ALL_FAULTS, CALLS_PER_FAULT, callThrough, expectBooksRight } from "./callers.ts";
import { delay } from "./delay.ts";
import { openFaultExchange } from "./fault-exchange.ts";
import { claimAsAnother } from "./impostor.ts";

/** Callers of this exchange send sound all the time, or are taken for gone. */
/** RFC 4028: the shortest that there is; a session that isn't refreshed in time is over. */
const SESSION_SECONDS = 90;
const SILENCE_SECONDS_MAX = 6;
const faults = await openFaultExchange({ firstPort: 12_000 });
const { exchange } = faults;
afterAll(async () => {
  await faults[Symbol.asyncDispose]();
});

const FAULT_TIMEOUT_MS = 300_000;
const ALL_PAYING_MS = 14_000;
const CALLER_PATIENCE_MS = 50_000;

test(
  "keys pressed without end while the caller waits change nothing",
  async () => {
    const calling = callThrough(exchange, CALLS_PER_FAULT, { keysAfterCode: "0123456789*#".repeat(3) });
    await expectBooksRight(exchange, await calling);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "another worker claims the same calls again and again: whoever has a leg last books it, and nobody else",
  async () => {
    const calling = callThrough(exchange);
    await delay(ALL_PAYING_MS);
    for (let times = 0; times < 3; times++) {
      const running = await exchange.db
        .selectFrom("call_legs")
        .select("uniqueid")
        .where("ended_at", "is", null)
        .execute();
      await Promise.all(
        running.map(({ uniqueid }) => claimAsAnother(exchange.agiPorts[times % 2] ?? 0, { uniqueid, secret: SECRET })),
      );
      await delay(1_500);
    }
    await expectBooksRight(exchange, await calling);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "Asterisk is killed and comes back: what was booked stays the shoppers' credit, and the next call pays the rest",
  async () => {
    // Nobody hangs up for an Asterisk that is gone: its callers give up by themselves.
    const calling = callThrough(exchange, CALLS_PER_FAULT, { timeoutMs: CALLER_PATIENCE_MS });
    await delay(ALL_PAYING_MS);
    await exchange.restartAsterisk();
    const callers = await calling;
    await expectBooksRight(exchange, callers, { withoutRecord: true, unpaid: true });
    const unpaid = callers.filter(({ number }) => number === "pulses").slice(0, 4);
    await Promise.all(
      unpaid.map(async ({ id }) => {
        const before = await findTransaction(exchange.db, id);
        if (before?.status !== "open") return;
        const digits = await exchange.newCode(id);
        const { number } = NUMBERS.pulses;
        const scenario = "caller-keys-code-and-waits";
        await placeCall({ scenario, number, digits, sipPort: exchange.sipPort, timeoutMs: 90_000 });
        const paid = await eventually(async () => {
          const now = await findTransaction(exchange.db, id);
          return now?.status === "paid" && now;
        });
        expect(paid).toMatchObject({ exception: "none", billedRappen: before.totalRappen });
      }),
    );
  },
  FAULT_TIMEOUT_MS,
);

test(
  "callers vanish without a word: their calls end when no sound has come for a while, and are billed until then",
  async () => {
    await using quiet = await openFaultExchange({
      firstPort: 13_000,
      asterisk: { loopbackRtpTimeoutSeconds: SILENCE_SECONDS_MAX },
    });
    const calls = await Promise.all(
      Array.from({ length: CALLS_PER_FAULT }, async (_, index) => {
        const { id, code } = await quiet.exchange.openPayment("pulses", { amountRappen: 100 });
        const vanishAfterMs = 9_000 + ((index * 1_377) % 12_000);
        const outcome = await placeCall({
          scenario: "caller-vanishes",
          number: NUMBERS.pulses.number,
          digits: code,
          vanishAfterMs,
          sipPort: quiet.exchange.sipPort,
          timeoutMs: 90_000,
        });
        return { id, number: "pulses" as const, hangsUp: true, outcome };
      }),
    );
    await expectBooksRight(quiet.exchange, calls);
    for (const record of await quiet.exchange.cdrs())
      expect(record.talkMs).toBeLessThan(21_000 + (SILENCE_SECONDS_MAX + 5) * 1_000);
  },
  FAULT_TIMEOUT_MS,
);

// The session expires after a minute and a half: too long for every run of the tests.
if (ALL_FAULTS)
  test(
    "callers vanish on a line where nobody waits for sound: their telephones are asked whether they are there, and the calls end",
    async () => {
      const calls = await Promise.all(
        Array.from({ length: CALLS_PER_FAULT }, async (_, index) => {
          const { id, code } = await exchange.openPayment("pulses", { amountRappen: 400 }); // released after 200 s
          const outcome = await placeCall({
            scenario: "caller-vanishes",
            number: NUMBERS.pulses.number,
            digits: code,
            headers: ["Supported: timer", `Session-Expires: ${SESSION_SECONDS};refresher=uas`],
            vanishAfterMs: 9_000 + ((index * 1_377) % 12_000),
            sipPort: exchange.sipPort,
            timeoutMs: 90_000,
          });
          return { id, number: "pulses" as const, hangsUp: true, outcome };
        }),
      );
      await expectBooksRight(exchange, calls);
      const ids = calls.map(({ id }) => id);
      const legs = exchange.db.selectFrom("call_legs").select("duration_ms").where("transaction_id", "in", ids);
      const lengths = (await legs.execute()).map(({ duration_ms }) => duration_ms ?? Number.POSITIVE_INFINITY);
      expect(Math.max(...lengths)).toBeLessThan((SESSION_SECONDS + 5) * 1_000);
    },
    FAULT_TIMEOUT_MS,
  );

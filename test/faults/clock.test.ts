import { globSync } from "node:fs";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { billedAfter } from "../../core/tariff.ts";
import { findTransaction } from "../../db/transactions.ts";
import { eventually } from "../support/eventually.ts";
import { NUMBERS } from "../telephony/exchange.ts";
import { callThrough } from "./callers.ts";
import { delay } from "./delay.ts";
import { openFaultExchange } from "./fault-exchange.ts";

const resources = new AsyncDisposableStack();
afterAll(async () => {
  await resources.disposeAsync();
});

/** Asterisk's wall clock, which Debian's libfaketime lets a test set; its steady clock goes on as it was. */
const clock = path.join(resources.use(await mkdtempDisposable(path.join(tmpdir(), "clock-"))).path, "clock");
const setClock = (offset: string) => writeFile(clock, offset);
await setClock("+0");
const [library = ""] = globSync("/usr/lib/*/faketime/libfaketime.so.1");
const { exchange } = resources.use(
  await openFaultExchange({
    firstPort: 14_000,
    asterisk: {
      environment: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
    },
  }),
);

const FAULT_TIMEOUT_MS = 240_000;
const ALL_PAYING_MS = 14_000;

test.each([
  ["forward by an hour", "+3600"],
  ["back by an hour", "-3600"],
])(
  "Asterisk's clock is set %s in mid-call: every call is billed the time that passed, by the telephones' own clock",
  async (_way, offset) => {
    const calling = callThrough(exchange);
    await delay(ALL_PAYING_MS);
    await setClock(offset);
    const callers = await calling;
    for (const { id, number, outcome } of callers) {
      const { segments } = NUMBERS[number];
      const legs = await eventually(async () => {
        const found = await exchange.db
          .selectFrom("call_legs")
          .select(["billed", "ended_at", "end_reason"])
          .where("transaction_id", "=", id)
          .execute();
        return found.every((leg) => leg.ended_at !== null) && found;
      }, 60_000);
      const talkMs = (outcome.talkSeconds ?? 0) * 1_000;
      // SIPp hears of answer and end a little later than Asterisk makes them.
      const possible = [talkMs - 400, talkMs + 50].map((ms) => billedAfter(segments, ms));
      for (const leg of legs) expect(possible).toContain(leg.billed);
      expect((await findTransaction(exchange.db, id))?.billedRappen).toBe(
        legs.reduce((sum, leg) => sum + leg.billed, 0),
      );
    }
  },
  FAULT_TIMEOUT_MS,
);

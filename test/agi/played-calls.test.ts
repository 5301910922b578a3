import { afterAll, expect, test } from "@jest/globals";
import { playedUniqueid, TEST_TRUNK } from "../../core/played-call.ts";
import { NUMBERS, openSimulatedExchange } from "../line/simulated-exchange.ts";

const exchange = await openSimulatedExchange();
const agiServers = [(await exchange.startVoice()).address];
afterAll(async () => {
  await exchange[Symbol.asyncDispose]();
});

const { number } = NUMBERS.pulses;
const CAUSE_CONGESTED = 42;
const refusals = () => exchange.db.selectFrom("call_refusals").select(["reason", "calls"]).execute();

test("a real call that names the trunk of played ones is refused before the answer, and counted", async () => {
  const call = exchange.call({ number, agiServers, trunk: TEST_TRUNK, uniqueid: "1764000000.7" });
  expect(await call.finished).toMatchObject({ answeredAtMs: null, cause: CAUSE_CONGESTED });
  expect(await refusals()).toEqual([{ reason: "trunk_unknown", calls: 1 }]);
});

test("a played call on any other trunk is refused, and isn't counted: nobody was", async () => {
  for (const trunk of ["demo", "carrier"] as const) {
    const call = exchange.call({ number, agiServers, trunk, uniqueid: playedUniqueid({ play: 1, call: 1 }) });
    expect(await call.finished).toMatchObject({ answeredAtMs: null, cause: CAUSE_CONGESTED });
  }
  expect(await refusals()).toEqual([{ reason: "trunk_unknown", calls: 1 }]);
});

test("a played call keys a live transaction's code in vain", async () => {
  const { code } = await exchange.openPayment("early", 24);
  const call = exchange.call({
    number: NUMBERS.early.number,
    agiServers,
    trunk: TEST_TRUNK,
    uniqueid: playedUniqueid({ play: 2, call: 1 }),
    onEvent(event) {
      if (event.kind === "prompt" && event.fragment === "ivr-code-ask") for (const key of code) call.press(key);
      if (event.kind === "prompt" && event.fragment === "ivr-code-invalid") call.hangUp();
    },
  });
  expect(await call.finished).toMatchObject({ answeredAtMs: null, endedBy: "caller" });
});

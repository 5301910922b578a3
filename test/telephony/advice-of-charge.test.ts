import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { adviseCharges } from "../../agi/advice-of-charge.ts";
import { type AmiLink, superviseAmi } from "../../agi/ami-link.ts";
import { findTransaction } from "../../db/transactions.ts";
import { RawManager } from "../agi/raw-manager.ts";
import { eventually } from "../support/eventually.ts";
import { closedLegs, type Exchange, NUMBERS, openExchange, SECRET } from "./exchange.ts";
import { type CallOutcome, placeCall } from "./sip-call.ts";

const FIRST_PORT = 26_000;
const ACCOUNT = { host: "127.0.0.1", user: "phone2pay", secret: SECRET };
const { number } = NUMBERS.pulses;

let exchange: Exchange;
beforeAll(async () => {
  exchange = await openExchange({ firstPort: FIRST_PORT, asterisk: { adviceOfCharge: true } });
}, 60_000);
afterAll(async () => {
  await exchange[Symbol.asyncDispose]();
});

/** A call that pays CHF 0.40 in four pulses of five seconds, from a telephone that understands SIP INFO. */
async function pay(): Promise<CallOutcome> {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 40 });
  const outcome = await placeCall({
    scenario: "caller-keys-code-and-waits",
    number,
    digits: code,
    onInfo: "answer",
    sipPort: exchange.sipPort,
    timeoutMs: 60_000,
  });
  expect(outcome).toMatchObject({ exitCode: 0, endedBy: "asterisk" });
  expect(await closedLegs(exchange.db, id, 1)).toMatchObject([{ billed: 40, end_reason: "paid" }]);
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid", exception: "none" });
  return outcome;
}

/** The sums that requests of that method carried to the telephone, in order. */
function sumsIn(log: string, method: "INFO" | "BYE"): readonly string[] {
  const messages = log.split(/^-{20,} .*$/m).filter((message) => message.includes(`\n${method} sip:`));
  return messages.map((message) => /<currency-amount>(.*)<\/currency-amount>/.exec(message)?.[1] ?? "none");
}

function advising(link: AmiLink, endpoints: readonly string[]) {
  const told: string[] = [];
  const log = (event: string) => told.push(event);
  const advice = adviseCharges({ db: exchange.db, link, endpoints, log, limits: { everyMilliseconds: 500 } });
  return { told, [Symbol.asyncDispose]: () => advice[Symbol.asyncDispose]() };
}

test("a telephone is told what its call has cost, once for each change, and the whole of it with BYE", async () => {
  await using link = superviseAmi({ ...ACCOUNT, port: FIRST_PORT + 2 });
  await using advice = advising(link, ["loopback"]);
  await eventually(async () => link.up);
  const { log } = await pay();
  expect(sumsIn(log, "INFO")).toEqual(["0.10", "0.20", "0.30", "0.40"]);
  expect(sumsIn(log, "BYE")).toEqual(["0.40"]);
  expect(log).toContain("Content-Type: application/vnd.etsi.aoc+xml");
  expect(log).toContain("<currency-id>CHF</currency-id>");
  expect(advice.told).toEqual([]);
}, 90_000);

test("a manager interface that no longer answers costs nobody anything: the call pays as ever, and the failure is told once", async () => {
  await using manager = await RawManager.listen();
  const frozen = (async () => {
    const connection = await manager.connection();
    await connection.letIn();
  })();
  await using link = superviseAmi({ ...ACCOUNT, port: manager.port, limits: { actionMilliseconds: 300 } });
  await frozen;
  await using advice = advising(link, ["loopback"]);
  expect(sumsIn((await pay()).log, "INFO")).toEqual([]);
  expect(advice.told).toEqual(["advice_of_charge.failed"]);
}, 90_000);

test("who isn't named is told nothing, and Asterisk is asked for nothing that it would have to refuse", async () => {
  await using link = superviseAmi({ ...ACCOUNT, port: FIRST_PORT + 2 });
  await using advice = advising(link, ["loop", "carrier"]);
  await eventually(async () => link.up);
  expect(sumsIn((await pay()).log, "INFO")).toEqual([]);
  expect(advice.told).toEqual([]);
}, 90_000);

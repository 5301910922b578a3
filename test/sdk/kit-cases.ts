import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ApiUnderTest, ORDER } from "../api/api-app.ts";
import type { Command, Kit, Outcome } from "./kit.ts";
import { serve } from "./strangers.ts";
import { readWebhookExamples, readWireExamples, replay } from "./wire-examples.ts";

const TIMEOUT_MS = 10_000;
const NO_CLIENT = { baseUrl: "", apiKey: "", timeoutMs: TIMEOUT_MS };
const UNKNOWN = "00000000-0000-4000-8000-000000000000";

/** What every kit has to do, whatever its language. */
export function describeKit(open: () => Promise<Kit>): void {
  let api: ApiUnderTest;
  let kit: Kit;
  let baseUrl: string;
  beforeAll(async () => {
    [api, kit] = await Promise.all([ApiUnderTest.start(), open()]);
    baseUrl = await api.app.listen({ port: 0, host: "127.0.0.1" });
  });
  afterAll(async () => {
    await kit[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });

  /** Commands for the real server, with the merchant's live key unless told otherwise. */
  const ask = (commands: readonly Partial<Command>[]) =>
    kit.run(
      commands.map((command) => ({
        call: "checkTransaction",
        baseUrl,
        apiKey: api.seeded.liveKey,
        timeoutMs: TIMEOUT_MS,
        arguments: {},
        ...command,
      })),
    );

  test("it says and understands what the wire examples say", async () => {
    const examples = readWireExamples();
    await using server = await replay(examples, kit.wire);
    const outcomes = await kit.run(
      examples.map(({ apiKey, call, arguments: given, idempotencyKey }) => ({
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        call,
        baseUrl: `${server.url}/`,
        apiKey,
        timeoutMs: TIMEOUT_MS,
        arguments: given,
      })),
    );
    expect(server.asked).toEqual(examples.map((example) => example[kit.wire].request));
    expect(outcomes.map((outcome, index) => asExample(outcome, kit.wire, examples[index]!.outcome))).toEqual(
      examples.map(({ outcome }) => asText(outcome, kit.wire)),
    );
  });

  test("it opens a transaction, tells how it stands, and redeems it once", async () => {
    const order = { ...ORDER, description: "Été « à l’aube » & 100 % 🎵", reference: "kit-1", language: "fr" };
    const [created] = await ask([{ call: "createTransaction", arguments: order }]);
    const id = fact(created, "id");
    expect(fact(created, "payUrl")).toBe(`http://pay.test/pay/${id}`);
    expect(fact(created, "description")).toBe(order.description);
    expect(fact(created, "number/priceText")).toContain("1.20");
    const ofOne = { arguments: { id } };
    const early = await ask([
      ofOne,
      { ...ofOne, call: "redeemTransaction" },
      { call: "createTransaction", arguments: order },
    ]);
    expect(early.map(short)).toEqual(["open", "409 transaction_not_paid", "409 reference_in_use"]);
    await api.pay(id);
    const late = await ask([
      ofOne,
      { ...ofOne, call: "redeemTransaction" },
      { ...ofOne, call: "redeemTransaction" },
      ofOne,
    ]);
    expect(late.map(short)).toEqual(["paid", "redeemed", "409 transaction_already_redeemed", "redeemed"]);
    expect(fact(late[3], "description")).toBe(order.description);
  });

  test("refusals are told by their code, with what support asks for", async () => {
    const refused = await ask([
      { call: "createTransaction", arguments: { ...ORDER, amount: 0 } },
      { call: "createTransaction", arguments: { ...ORDER, currency: "EUR" } },
      { call: "createTransaction", arguments: { ...ORDER, returnUrl: "javascript:alert(1)" } },
      { arguments: { id: UNKNOWN } },
      { arguments: { id: "../quotes?x=é&y" } },
      { arguments: { id: UNKNOWN }, apiKey: "p2p_live_nobody" },
    ]);
    expect(refused.map(short)).toEqual([
      "422 amount_invalid",
      "422 currency_unsupported",
      "422 return_url_invalid",
      "404 transaction_unknown",
      "404 transaction_unknown",
      "401 api_key_invalid",
    ]);
    const [first] = refused;
    expect(first).toMatchObject({ refusal: { detail: expect.stringContaining("990"), requestId: expect.any(String) } });
  });

  test("a redeem that is sent again with its key is answered as the first one was", async () => {
    const { id } = await api.create();
    await api.pay(id);
    const redeem = { call: "redeemTransaction", arguments: { id } } as const;
    const keyed = { ...redeem, idempotencyKey: `redeem-${id}` };
    const outcomes = await ask([keyed, keyed, redeem, { ...redeem, idempotencyKey: "another" }, keyed]);
    expect(outcomes.map(short)).toEqual([
      "redeemed",
      "redeemed",
      "409 transaction_already_redeemed",
      "409 transaction_already_redeemed",
      "redeemed",
    ]);
  });

  test("a webhook is believed as the wire examples say", async () => {
    const examples = readWebhookExamples();
    const commands = examples.map(({ secret, nowSeconds, headers, bodyBase64 }) => ({
      ...NO_CLIENT,
      call: "verifyWebhook" as const,
      arguments: { secret, nowSeconds, headers, bodyBase64 },
    }));
    const outcomes = await kit.run(commands);
    const judged = outcomes.map((outcome) => ("answer" in outcome ? "proved" : outcome.refusal.code));
    expect(examples.map(({ title }, index) => [title, judged[index]])).toEqual(
      examples.map(({ title, outcome }) => [title, outcome]),
    );
    expect(fact(outcomes[0], "type")).toBe("transaction.paid");
  });
}

/** What only the kits that speak JSON have: the old-style services offer no more than three calls. */
export function describeRestOnly(open: () => Promise<Kit>): void {
  describe("and by REST only", () => {
    test("it sends everything an order can have, cancels, and quotes", async () => {
      await using kit = await open();
      await using api = await ApiUnderTest.start();
      const baseUrl = await api.app.listen({ port: 0, host: "127.0.0.1" });
      const client = { baseUrl, apiKey: api.seeded.testKey, timeoutMs: TIMEOUT_MS };
      const items = [{ description: "Single « Aube »", quantity: 2, amount: 100 }];
      const whole = { ...ORDER, items, metadata: { clé: "à « b »" }, accessDays: 31, number: api.seeded.number };
      const [created, bare, quoted] = await kit.run([
        { ...client, call: "createTransaction", arguments: whole },
        { ...client, call: "createTransaction", arguments: { ...ORDER, metadata: {} } },
        { ...client, call: "quote", arguments: { amount: 990 } },
      ]);
      expect(created).toMatchObject({ answer: { items, metadata: whole.metadata, accessDays: 31, test: true } });
      expect(bare).toMatchObject({ answer: { metadata: {} } });
      expect(quoted).toMatchObject({ answer: { total: 990, overshoot: 0, expectedSeconds: 491 } });
      const cancel = { ...client, call: "cancelTransaction", arguments: { id: fact(created, "id") } } as const;
      expect((await kit.run([cancel])).map(short)).toEqual(["cancelled"]);
    });

    test("a cancellation takes a key", async () => {
      await using kit = await open();
      const heard: unknown[] = [];
      await using server = await serve(({ url, headers }, response) => {
        heard.push([url, headers["idempotency-key"]]);
        response.end("{}");
      });
      const cancel = { call: "cancelTransaction", apiKey: "p2p_test_a", timeoutMs: TIMEOUT_MS } as const;
      await kit.run([{ ...cancel, baseUrl: server.url, arguments: { id: UNKNOWN }, idempotencyKey: "give-up-1" }]);
      expect(heard).toEqual([[`/v1/transactions/${UNKNOWN}/cancel`, "give-up-1"]]);
    });

    test("a key of ours with a line end behind it isn't sent", async () => {
      await using kit = await open();
      await using api = await ApiUnderTest.start();
      const baseUrl = await api.app.listen({ port: 0, host: "127.0.0.1" });
      const apiKey = `${api.seeded.testKey}\n`;
      const check = { call: "checkTransaction", baseUrl, apiKey, timeoutMs: TIMEOUT_MS } as const;
      const [outcome] = await kit.run([{ ...check, arguments: { id: UNKNOWN } }]);
      expect(short(outcome!)).toBe("0 api_key_invalid");
    });
  });
}

/** `paid`, or `409 transaction_not_paid`. */
function short(outcome: Outcome): string {
  return "answer" in outcome ? fact(outcome, "status") : `${outcome.refusal.status} ${outcome.refusal.code}`;
}

/** A field by its path, as text; of a kit that knows texts only it is there by the whole path. */
function fact(outcome: Outcome | undefined, path: string): string {
  if (!outcome || !("answer" in outcome)) throw new Error(`no answer: ${JSON.stringify(outcome)}`);
  const { answer } = outcome;
  if (Object.hasOwn(answer, path)) return String(answer[path]);
  const value = path
    .split("/")
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], answer);
  return String(value);
}

type ExampleOutcome = ReturnType<typeof readWireExamples>[number]["outcome"];

/** Those facts of an outcome that the example names. */
function asExample(outcome: Outcome, wire: Kit["wire"], example: ExampleOutcome) {
  if ("answer" in outcome) {
    const names = Object.keys(example.answer ?? { id: "" });
    return { answer: Object.fromEntries(names.map((name) => [name, fact(outcome, name)])) };
  }
  const names = Object.keys(asText(example, wire).refusal ?? outcome.refusal);
  return { refusal: Object.fromEntries(names.map((name) => [name, outcome.refusal[name as "code"]])) };
}

/** An example's outcome, with facts as texts. The old-style errors don't list fields. */
function asText({ answer, refusal }: ExampleOutcome, wire: Kit["wire"]) {
  if (answer)
    return { answer: Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, String(value)])) };
  const { errors, ...rest } = refusal ?? {};
  return { refusal: wire === "rest" && errors !== undefined ? { ...rest, errors } : rest };
}

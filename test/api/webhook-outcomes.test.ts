import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { type Behaviour, Receiver, verified } from "./webhook-receiver.ts";
import { WebhooksUnderTest, waitOf } from "./webhooks-under-test.ts";

/** For those who answer, however slow the machine, and for those who don't. */
const [PATIENT_MS, IMPATIENT_MS] = [15_000, 1_000];
let hooks: WebhooksUnderTest;
let impatient: WebhooksUnderTest;

beforeAll(async () => {
  const reach = { resolve: async () => [] };
  [hooks, impatient] = await Promise.all([
    WebhooksUnderTest.start({ timeoutMs: PATIENT_MS, reach }),
    WebhooksUnderTest.start({ timeoutMs: IMPATIENT_MS, reach }),
  ]);
  hooks.send();
  impatient.send();
});
afterAll(async () => {
  await hooks[Symbol.asyncDispose]();
  await impatient[Symbol.asyncDispose]();
});

/** What a receiver does, what is written down of it, and how long we wait then; no wait: it is delivered. */
const OUTCOMES: Readonly<
  Record<string, readonly [Behaviour, { readonly status: number | null; readonly error: string | null }, number | null]>
> = {
  "answers 200": [(response) => response.end("thanks"), { status: 200, error: null }, null],
  "answers 204": [(response) => response.writeHead(204).end(), { status: 204, error: null }, null],
  "answers 200 without end": [
    (response) => {
      const more = () => {
        while (response.write("x".repeat(10_000)));
        response.once("drain", more);
      };
      more();
    },
    { status: 200, error: null },
    null,
  ],
  "answers 500": [(response) => response.writeHead(500).end("oops"), { status: 500, error: null }, 5],
  "answers 404": [(response) => response.writeHead(404).end(), { status: 404, error: null }, 5],
  "redirects to itself": [
    (response) => response.writeHead(307, { location: "/elsewhere" }).end(),
    { status: 307, error: null },
    5,
  ],
  "is busy for 20 minutes": [
    (response) => response.writeHead(429, { "retry-after": "1200" }).end(),
    { status: 429, error: null },
    1_200,
  ],
  "never answers": [() => {}, { status: null, error: "timed_out" }, 5],
  "begins 200 and hangs": [
    (response) => response.writeHead(200, { "content-length": "10" }).flushHeaders(),
    { status: 200, error: "timed_out" },
    5,
  ],
  "begins 200 and breaks off": [
    (response) => response.writeHead(200, { "content-length": "10" }).write("half", () => response.destroy()),
    { status: 200, error: "connection_lost" },
    5,
  ],
  "hangs up": [(response) => response.socket?.destroy(), { status: null, error: "connection_lost" }, 5],
};

test.each(Object.entries(OUTCOMES))("a receiver %s", async (_what, [behave, expected, waitSeconds]) => {
  const [under, timeoutMs] = expected.error === "timed_out" ? [impatient, IMPATIENT_MS] : [hooks, PATIENT_MS];
  await using receiver = await Receiver.open(behave);
  await using endpoint = await under.endpoint(receiver.url);
  await under.api.create();
  const delivery = await under.attempted(endpoint);
  expect(delivery.attempts).toMatchObject([{ number: 1, ...expected }]);
  expect(delivery.status).toBe(waitSeconds === null ? "delivered" : "pending");
  expect(receiver.got.map(({ url }) => url)).toEqual(["/webhooks"]);
  expect(delivery.attempts[0]?.durationMs).toBeLessThan(timeoutMs * 2);
  expect(delivery.attempts[0]?.answer.length).toBeLessThanOrEqual(1_000);
  if (waitSeconds === null) return;
  expect(waitOf(delivery)).toBeGreaterThanOrEqual(waitSeconds);
  expect(waitOf(delivery)).toBeLessThan(waitSeconds * 1.1 + 2 * (timeoutMs / 1_000));
  expect((await under.look(endpoint)).failingSince).not.toBeNull();
});

async function listening(server: Server): Promise<AsyncDisposable & { readonly port: number }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.close();
    await once(server, "close");
  };
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

test("a receiver that is down, isn't HTTP, isn't TLS, or isn't anywhere, is told apart", async () => {
  const saying = (text: string) =>
    listening(
      createServer((socket) =>
        socket
          .on("error", () => {})
          .resume()
          .end(text),
      ),
    );
  await using nonsense = await saying("nonsense\r\n\r\n");
  await using nothing = await saying("HTTP/1.1 000 Nothing\r\n\r\n");
  const down = await listening(createServer());
  await down[Symbol.asyncDispose]();
  for (const [url, error] of [
    [`http://127.0.0.1:${down.port}/`, "connection_refused"],
    [`http://127.0.0.1:${nonsense.port}/`, "answer_malformed"],
    [`http://127.0.0.1:${nothing.port}/`, "answer_malformed"],
    [`https://127.0.0.1:${nonsense.port}/`, "tls_failed"],
  ] as const) {
    await using endpoint = await hooks.endpoint(url);
    await hooks.api.create();
    expect((await hooks.attempted(endpoint)).attempts).toMatchObject([{ status: null, error, answer: "" }]);
  }
  await using moved = await hooks.endpoint(`http://127.0.0.1:${down.port}/`);
  await hooks.api.db
    .updateTable("webhook_endpoints")
    .set({ url: "http://moved.example/" })
    .where("id", "=", moved.id)
    .execute();
  await hooks.api.create();
  expect((await hooks.attempted(moved)).attempts).toMatchObject([{ status: null, error: "host_unknown" }]);
});

test("what fails is sent ten times, always the same under the same id, and then is failed", async () => {
  await using receiver = await Receiver.open((response) => response.writeHead(500).end());
  await using endpoint = await hooks.endpoint(receiver.url);
  await hooks.api.create();
  const delivery = await hooks.exhaust(endpoint);
  expect(delivery).toMatchObject({ status: "failed", attemptCount: 10, nextAttemptAt: null });
  expect(delivery.attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(receiver.got).toHaveLength(10);
  expect(new Set(receiver.got.map(({ id, body }) => `${id} ${body}`)).size).toBe(1);
  for (const got of receiver.got) expect(verified(endpoint.secret, got)).toEqual(delivery.event);
});

test("a receiver that fails and then works gets it late, and counts as failing no more", async () => {
  await using receiver = await Receiver.open((response) => response.writeHead(503).end());
  await using endpoint = await hooks.endpoint(receiver.url);
  await hooks.api.create();
  await hooks.attempted(endpoint);
  receiver.behave = (response) => response.end();
  await hooks.hurry();
  expect(await hooks.attempted(endpoint, 2)).toMatchObject({ status: "delivered", attemptCount: 2 });
  expect((await hooks.look(endpoint)).failingSince).toBeNull();
});

test("a receiver that lost what it had said it has gets it again on demand, with the same id and the same body", async () => {
  await using receiver = await Receiver.open();
  await using endpoint = await hooks.endpoint(receiver.url);
  const { id } = await hooks.api.create();
  const delivered = await hooks.attempted(endpoint);
  expect(delivered).toMatchObject({ status: "delivered", transaction: id, type: "transaction.created" });
  const again = await hooks.api.post(`/v1/webhook-endpoints/${endpoint.id}/deliveries/${delivered.id}/redeliver`);
  expect(again.statusCode).toBe(202);
  expect(await hooks.attempted(endpoint, 2)).toMatchObject({ status: "delivered", attemptCount: 2 });
  expect(receiver.got.map(({ id: webhookId, body }) => [webhookId, body])).toEqual(
    Array(2).fill([delivered.webhookId, JSON.stringify(delivered.event)]),
  );
});

test("410 disables the endpoint, and the merchant's other endpoints are told", async () => {
  await using gone = await Receiver.open((response) => response.writeHead(410).end());
  await using other = await Receiver.open();
  await using listener = await hooks.endpoint(other.url, { events: ["endpoint.disabled"] });
  await using endpoint = await hooks.endpoint(gone.url);
  await hooks.api.create();
  await other.heard(1);
  expect(await hooks.look(endpoint)).toMatchObject({ disabledReason: "gone", disabledAt: expect.any(String) });
  const { type, data } = verified(listener.secret, other.got[0]);
  expect([type, data]).toMatchObject(["endpoint.disabled", { id: endpoint.id, url: gone.url, reason: "gone" }]);
  expect(data.disabledAt).toBe((await hooks.look(endpoint)).disabledAt);
  // It stands among its own deliveries, too: the merchant may have no other endpoint.
  expect((await hooks.deliveries(endpoint)).map((delivery) => [delivery.type, delivery.status])).toEqual([
    ["endpoint.disabled", "dropped"],
    ["transaction.created", "failed"],
  ]);
  await hooks.api.create();
  expect(await hooks.deliveries(endpoint)).toHaveLength(2);
  expect(hooks.logged).toContain("webhooks.endpoint_disabled");
});

test("a delivery that fails to its end disables an endpoint of five days without a success; enabled again it begins anew", async () => {
  await using receiver = await Receiver.open((response) => response.writeHead(500).end());
  await using endpoint = await hooks.endpoint(receiver.url);
  const failingFor = (days: number) =>
    hooks.api.db
      .updateTable("webhook_endpoints")
      .set({ failing_since: new Date(Date.now() - days * 86_400_000) })
      .where("id", "=", endpoint.id)
      .execute();
  await failingFor(4.9);
  await hooks.api.create();
  await hooks.exhaust(endpoint);
  expect((await hooks.look(endpoint)).disabledReason).toBeNull();
  await failingFor(5.1);
  await hooks.api.create();
  await hooks.attempted(endpoint);
  expect((await hooks.look(endpoint)).disabledReason).toBeNull();
  await eventually(async () => {
    await hooks.hurry();
    return (await hooks.look(endpoint)).disabledReason === "failing";
  });
  const path = `/v1/webhook-endpoints/${endpoint.id}`;
  const [notice, failed] = await hooks.deliveries(endpoint);
  expect([notice?.type, failed?.status]).toEqual(["endpoint.disabled", "failed"]);
  expect((await hooks.api.post(`${path}/deliveries/${failed?.id}/redeliver`)).json().code).toBe(
    "webhook_endpoint_disabled",
  );
  receiver.behave = (response) => response.end();
  const enabled = await hooks.api.ask("PATCH", path, { body: { disabled: false } });
  expect(enabled.json()).toMatchObject({ disabledAt: null, disabledReason: null, failingSince: null });
  const before = receiver.got.length;
  await hooks.api.post(`${path}/deliveries/${failed?.id}/redeliver`);
  await receiver.heard(before + 1);
});

test("a test is sent once on the way of every event, to this endpoint alone", async () => {
  await using tested = await Receiver.open((response) => response.writeHead(500).end());
  await using other = await Receiver.open();
  await using _listener = await hooks.endpoint(other.url);
  await using endpoint = await hooks.endpoint(tested.url, { events: ["transaction.paid"] });
  const asked = await hooks.api.post(`/v1/webhook-endpoints/${endpoint.id}/test`);
  expect([asked.statusCode, asked.json()]).toMatchObject([202, { type: "endpoint.test", status: "pending" }]);
  expect(await hooks.attempted(endpoint)).toMatchObject({ status: "failed", attemptCount: 1 });
  expect(verified(endpoint.secret, tested.got[0])).toMatchObject({ type: "endpoint.test", data: { id: endpoint.id } });
  expect(other.got).toHaveLength(0);
  expect((await hooks.look(endpoint)).failingSince).toBeNull();
});

test("while a secret is being replaced both sign, and afterwards the new one alone", async () => {
  await using receiver = await Receiver.open();
  await using endpoint = await hooks.endpoint(receiver.url);
  const rotated = (await hooks.api.post(`/v1/webhook-endpoints/${endpoint.id}/rotate-secret`)).json();
  expect(rotated.secret).not.toBe(endpoint.secret);
  expect(Date.parse(rotated.previousSecretUntil) - Date.now()).toBeGreaterThan(23.9 * 3_600_000);
  await hooks.api.create();
  await receiver.heard(1);
  for (const secret of [rotated.secret, endpoint.secret])
    expect(verified(secret, receiver.got[0]).type).toBe("transaction.created");
  await hooks.api.db
    .updateTable("webhook_endpoints")
    .set({ previous_secret_until: new Date(Date.now() - 1_000) })
    .where("id", "=", endpoint.id)
    .execute();
  await hooks.api.create();
  await receiver.heard(2);
  expect(verified(rotated.secret, receiver.got[1]).type).toBe("transaction.created");
  expect(() => verified(endpoint.secret, receiver.got[1])).toThrow("No matching signature");
});

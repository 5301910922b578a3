import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Program, program } from "../faults/program.ts";
import { eventually } from "../support/eventually.ts";
import { seedMerchant, seedTransaction } from "../support/seed.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { Receiver, verified } from "./webhook-receiver.ts";
import { type MadeEndpoint, WebhooksUnderTest } from "./webhooks-under-test.ts";

/** How much longer a living endpoint may wait for its events because others are dead; room for a busy machine. */
const DELAY_RATIO_MAX = 3;
const EVENTS = 60;
/** With ten endpoints each, and four places at each, they would take a sender's hundred places twice over. */
const SLOW_MERCHANTS = 5;
let hooks: WebhooksUnderTest;

beforeAll(async () => {
  hooks = await WebhooksUnderTest.start({ timeoutMs: 5_000 });
});
afterAll(async () => {
  await hooks[Symbol.asyncDispose]();
});

/** Opens transactions; each is an event for all endpoints. Answers their ids. */
async function happen(count: number): Promise<readonly string[]> {
  const { db, seeded } = hooks.api;
  const opened = await Promise.all(Array.from({ length: count }, () => seedTransaction(db, seeded)));
  return opened.map(({ id }) => id);
}

function jobs(): Program {
  const secret = "a-secret-for-tests-only";
  return program({
    role: "jobs",
    ready: async () => {},
    environment: {
      DATABASE_URL: hooks.api.databaseUrl,
      PHONE2PAY_AGI_SECRET: secret,
      PHONE2PAY_CALLER_HASH_KEY: secret,
      PHONE2PAY_WEBHOOK_KEY: WEBHOOKS.key,
      PHONE2PAY_WEBHOOK_PRIVATE_ADDRESSES: "yes",
      PHONE2PAY_LOG_LEVEL: "silent",
    },
  });
}

/** A delivery whose receiver doesn't answer until it is told to: `held` are the answers that it owes. */
async function oneUnderWay() {
  await using resources = new AsyncDisposableStack();
  const held: ServerResponse[] = [];
  const receiver = resources.use(await Receiver.open((response) => void held.push(response)));
  const endpoint = resources.use(await hooks.endpoint(receiver.url));
  resources.use(hooks.send());
  await happen(1);
  await receiver.heard(1);
  const kept = resources.move();
  return { receiver, endpoint, held, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function allDelivered(endpoint: MadeEndpoint): Promise<void> {
  await eventually(async () => (await hooks.deliveries(endpoint)).every(({ status }) => status === "delivered"));
}

test("no event is lost when senders are killed in the middle, and what comes twice has the same id", async () => {
  await using receiver = await Receiver.open();
  await using endpoint = await hooks.endpoint(receiver.url);
  let answered = 0;
  // Some are answered, some are not, and the sender is killed while they wait.
  receiver.behave = (response) => void (++answered % 3 === 0 ? response.end() : undefined);
  await using one = jobs();
  const ids = await happen(40);
  for (let kills = 1; kills <= 3; kills++) {
    const before = receiver.got.length;
    await one.start();
    await receiver.heard(before + 4);
    await one.kill();
    await hooks.hurry(); // the claims of the dead run out
  }
  receiver.behave = (response) => response.end();
  await one.start();
  await allDelivered(endpoint);
  const byId = Map.groupBy(receiver.got, ({ id }) => id);
  const told = [...byId.values()].map(([first]) => verified(endpoint.secret, first).data.id);
  expect(new Set(told)).toEqual(new Set(ids));
  expect(told).toHaveLength(ids.length);
  for (const same of byId.values()) expect(new Set(same.map(({ body }) => body)).size).toBe(1);
  expect(receiver.got.length).toBeGreaterThan(ids.length);
}, 120_000);

test("a sender whose claim has run out settles nothing of what another one has in its hands", async () => {
  await using underWay = await oneUnderWay();
  const { receiver, endpoint, held } = underWay;
  await hooks.hurry(); // its claim runs out while the receiver is still thinking
  await receiver.heard(2);
  held[0]?.writeHead(500).end();
  const overtaken = await hooks.attempted(endpoint);
  expect([overtaken.status, (await hooks.look(endpoint)).failingSince]).toEqual(["pending", null]);
  held[1]?.end();
  await allDelivered(endpoint);
  const { attempts } = await hooks.delivery(endpoint, overtaken.id);
  expect(attempts.map(({ number, status }) => [number, status])).toEqual([
    [1, 500],
    [2, 200],
  ]);
  expect((await hooks.look(endpoint)).failingSince).toBeNull();
});

test("a delivery that is asked for again while it is under way is sent again, whatever comes of those attempts, and each is told", async () => {
  await using underWay = await oneUnderWay();
  const { receiver, endpoint, held } = underWay;
  const [first] = await hooks.deliveries(endpoint);
  const redeliver = () => hooks.api.post(`/v1/webhook-endpoints/${endpoint.id}/deliveries/${first?.id}/redeliver`);
  await redeliver();
  await receiver.heard(2);
  receiver.behave = (response) => response.end();
  await redeliver();
  await allDelivered(endpoint);
  const before = await hooks.delivery(endpoint, first!.id);
  for (const response of held) response.writeHead(410).end(); // would have disabled the endpoint
  const { attempts, ...after } = await hooks.attempted(endpoint, 3);
  expect(attempts.map(({ number, status }) => [number, status])).toEqual([
    [1, 200],
    [2, 410],
    [3, 410],
  ]);
  const { attempts: _attempts, ...unchanged } = before;
  expect(after).toEqual({ ...unchanged, attemptCount: 3 });
  expect(receiver.got).toHaveLength(3);
  expect(await hooks.look(endpoint)).toMatchObject({ failingSince: null, disabledAt: null });
});

test("what came of an attempt isn't told where its endpoint was deleted meanwhile", async () => {
  await using receiver = await Receiver.open();
  const endpoint = await hooks.endpoint(receiver.url);
  const held: ServerResponse[] = [];
  receiver.behave = (response) => void held.push(response);
  const sender = hooks.send();
  await happen(1);
  await receiver.heard(1);
  await endpoint[Symbol.asyncDispose]();
  held[0]?.end();
  await sender[Symbol.asyncDispose]();
  expect(hooks.logged).not.toContain("webhooks.attempt_failed");
});

test("several senders send each delivery once", async () => {
  await using receiver = await Receiver.open();
  await using endpoint = await hooks.endpoint(receiver.url);
  await using _one = hooks.send();
  await using _two = hooks.send();
  await using _three = hooks.send();
  await happen(100);
  await allDelivered(endpoint);
  expect(receiver.got).toHaveLength(100);
  expect(new Set(receiver.got.map(({ id }) => id)).size).toBe(100);
});

/** How long it takes until a living endpoint has all its events. */
async function deliveryMs(living: MadeEndpoint): Promise<number> {
  const startedMs = performance.now();
  await using _sender = hooks.send();
  await allDelivered(living);
  return performance.now() - startedMs;
}

test("nine dead endpoints with a backlog delay a living one by nothing that counts", async () => {
  await using receiver = await Receiver.open();
  await using silent = await Receiver.open(() => {});
  await using living = await hooks.endpoint(receiver.url);
  await happen(EVENTS);
  const aloneMs = await deliveryMs(living);
  await using dead = new AsyncDisposableStack();
  for (let i = 0; i < 9; i++) dead.use(await hooks.endpoint(silent.url));
  await happen(EVENTS);
  const besideMs = await deliveryMs(living);
  expect(receiver.got).toHaveLength(2 * EVENTS);
  expect(silent.got.length).toBeGreaterThan(0);
  expect(besideMs / aloneMs).toBeLessThan(DELAY_RATIO_MAX);
}, 120_000);

test("merchants whose endpoints are slow hold a sender's places for as long as they like, and no other merchant waits for one", async () => {
  await using patient = await WebhooksUnderTest.start({ timeoutMs: 600_000 });
  const { db } = patient.api;
  await using slow = await Receiver.open(() => {});
  await using quick = await Receiver.open();
  await using living = await patient.endpoint(quick.url);
  await using endpoints = new AsyncDisposableStack();
  for (let merchant = 0; merchant < SLOW_MERCHANTS; merchant++) {
    const other = await seedMerchant(db, { number: `090090120${merchant}` });
    for (let i = 0; i < 10; i++) endpoints.use(await patient.endpoint(slow.url, {}, other.liveKey));
    await Promise.all(Array.from({ length: 10 }, () => seedTransaction(db, other)));
  }
  await using _sender = patient.send();
  await slow.heard(70);
  for (let events = 1; events <= 5; events++) {
    await seedTransaction(db, patient.api.seeded);
    await quick.heard(events);
  }
  await eventually(async () => (await patient.deliveries(living)).every(({ status }) => status === "delivered"));
});

import { setTimeout as delay } from "node:timers/promises";
import { expect, jest, test } from "@jest/globals";
import makeManager from "asterisk-manager";
import { AmiError } from "../../agi/ami.ts";
import { superviseAmi } from "../../agi/ami-link.ts";
import { eventually } from "../support/eventually.ts";
import { bareManager, type Client, ours, type Subject } from "./ami-subjects.ts";
import { RawManager, type RawManagerConnection } from "./raw-manager.ts";

interface Play {
  readonly subject: Subject;
  readonly manager: RawManager;
  readonly client: Client;
  readonly asterisk: RawManagerConnection;
}

/** One defect of asterisk-manager 0.2.0: what a scenario must come to, and what it comes to there. */
interface Defect {
  readonly rule: string;
  readonly scenario: (play: Play) => Promise<unknown>;
  readonly right: unknown;
  readonly bare: unknown;
}

const DEFECTS: readonly Defect[] = [
  {
    rule: "a connection that drops in mid-packet doesn't spoil the next one",
    scenario: async ({ subject, manager, asterisk, client }) => {
      asterisk.send("Response: Success\r\nActionID: 1\r\nMess");
      asterisk.socket.end();
      await eventually(() => client.gone());
      const [again, next] = [subject.connect(manager), await manager.connection()];
      await Promise.race([next.letIn(subject.what), delay(300)]);
      return await outcomeOf(again.then(() => "logged in"));
    },
    right: "logged in",
    bare: "never",
  },
  {
    rule: "an action that is under way when the connection drops settles",
    scenario: async ({ asterisk, client }) => {
      const outcome = outcomeOf(client.ping());
      await asterisk.action();
      asterisk.socket.end();
      return await outcome;
    },
    right: "closed",
    bare: "never",
  },
  {
    rule: "an action that is under way when the connection is reset settles",
    scenario: async ({ asterisk, client }) => {
      const outcome = outcomeOf(client.ping());
      await asterisk.action();
      asterisk.socket.resetAndDestroy();
      return await outcome;
    },
    right: "closed",
    bare: "never",
  },
  {
    rule: "an action that is asked for after the connection has dropped settles",
    scenario: async ({ asterisk, client }) => {
      asterisk.socket.end();
      await eventually(() => client.gone());
      return await outcomeOf(client.ping());
    },
    right: "closed",
    bare: "never",
  },
  {
    rule: "an action that is never answered settles in time",
    scenario: ({ client }) => outcomeOf(client.ping()),
    right: "time_out",
    bare: "never",
  },
  {
    rule: "a line break in a value is no second action",
    scenario: async ({ asterisk, client }) => {
      const outcome = outcomeOf(client.hangup("PJSIP/a\r\n\r\nAction: Originate"));
      await Promise.race([outcome, asterisk.action()]);
      await delay(20);
      return [await outcome, asterisk.unread.map((action) => action.get("action"))];
    },
    right: ["bad_argument", []],
    bare: ["never", ["Originate"]],
  },
  {
    rule: "a packet without end is not kept",
    scenario: async ({ asterisk, client }) => {
      for (let sent = 0; sent < 20; sent += 1) asterisk.send("x".repeat(50_000));
      return await Promise.race([asterisk.closed().then(() => "closed"), delay(300, client.gone())]);
    },
    right: "closed",
    bare: false,
  },
];

test.each(DEFECTS)("$rule", async ({ scenario, right }) => {
  expect(await play(ours, scenario)).toEqual(right);
});

test.each(DEFECTS)("bare asterisk-manager breaks the rule: $rule", async ({ scenario, right, bare }) => {
  const outcome = await play(bareManager(), scenario);
  expect(outcome).not.toEqual(right);
  expect(outcome).toEqual(bare);
});

const SUBJECTS = [
  { name: "our connection", subject: () => ours, right: true },
  { name: "bare asterisk-manager", subject: bareManager, right: false },
] as const;

test.each(SUBJECTS)("whether $name finds out that its peer has fallen silent: $right", async ({ subject, right }) => {
  await using manager = await RawManager.listen();
  const { client } = await open(subject(), manager, { pingEveryMilliseconds: 50 });
  await delay(400);
  expect(client.gone()).toBe(right);
});

test.each(SUBJECTS)(
  "whether $name gives each action its own ActionID, even within a millisecond: $right",
  async ({ subject, right }) => {
    await using manager = await RawManager.listen();
    const { client, asterisk } = await open(subject(), manager);
    jest.useFakeTimers({ now: 1_800_000_000_000, doNotFake: [...EVERYTHING_BUT_DATE] });
    try {
      const ids: (string | undefined)[] = [];
      for (let count = 0; count < 5; count += 1) {
        const pong = client.ping();
        const action = await asterisk.action();
        ids.push(action.get("actionid"));
        asterisk.reply(action);
        await pong;
      }
      expect(new Set(ids).size).toBe(right ? 5 : 1);
    } finally {
      jest.useRealTimers();
    }
  },
);

const EVERYTHING_BUT_DATE = [
  ...(["hrtime", "nextTick", "performance", "queueMicrotask", "setImmediate", "clearImmediate"] as const),
  ...(["setInterval", "clearInterval", "setTimeout", "clearTimeout"] as const),
];

test("a link that is given back while it waits to connect again does not connect again", async () => {
  await using manager = await RawManager.listen();
  const down = Promise.withResolvers<unknown>();
  const { port } = manager;
  const account = { host: "127.0.0.1", port, user: "phone2pay", secret: "secret of the test" };
  await using link = superviseAmi({ ...account, backOff: { firstMilliseconds: 100 } });
  link.listen({ onDown: down.resolve });
  const asterisk = await (await manager.connection()).letIn();
  asterisk.socket.end();
  await down.promise;
  await link[Symbol.asyncDispose]();
  await delay(250);
  expect(manager.accepted).toBe(1);
});

test("bare asterisk-manager that is disconnected while it waits to connect again does connect again", async () => {
  await using manager = await RawManager.listen();
  jest.spyOn(console, "log").mockImplementation(() => {}); // it speaks of its reconnecting there
  // Its first wait is ten seconds.
  jest.useFakeTimers({ doNotFake: [...EVERYTHING_BUT_DATE.filter((name) => name !== "setTimeout"), "Date"] });
  try {
    const bare = makeManager(manager.port, "127.0.0.1", "phone2pay", "secret of the test");
    bare.keepConnected();
    const asterisk = await manager.connection();
    const dropped = new Promise<void>((resolve) => bare.on("close", () => resolve()));
    asterisk.socket.end();
    await dropped;
    bare.disconnect();
    jest.advanceTimersByTime(10_000);
    await manager.connection();
    expect(manager.accepted).toBe(2);
  } finally {
    jest.useRealTimers();
    jest.restoreAllMocks();
  }
});

/** Connects the subject to a server that lets it in. */
async function open(
  subject: Subject,
  manager: RawManager,
  limits = {},
): Promise<{ readonly client: Client; readonly asterisk: RawManagerConnection }> {
  const [client, asterisk] = await Promise.all([
    subject.connect(manager, limits),
    manager.connection().then((connection) => connection.letIn(subject.what)),
  ]);
  return { client, asterisk };
}

async function play(subject: Subject, scenario: Defect["scenario"]): Promise<unknown> {
  await using manager = await RawManager.listen();
  return await scenario({ subject, manager, ...(await open(subject, manager)) });
}

/** What a promise came to. Nothing happens when one never settles, so there is nothing to wait for but time. */
async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  const settled = promise.catch((error: unknown) => (error instanceof AmiError ? error.kind : error));
  return await Promise.race([settled, delay(400, "never", { ref: false })]);
}

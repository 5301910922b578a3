import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { AmiError, type AmiErrorKind, connectAmi } from "../../agi/ami.ts";
import { connectOurs, QUICK } from "./ami-subjects.ts";
import { type Action, RawManager, type RawManagerConnection } from "./raw-manager.ts";

const ACCOUNT = { host: "127.0.0.1", user: "phone2pay", secret: "secret of the test", limits: QUICK };

/** An event of CoreShowChannels as Asterisk 22 sends it. */
const CHANNEL = {
  Event: "CoreShowChannel",
  Channel: "PJSIP/carrier-00000001",
  ChannelState: "6",
  ChannelStateDesc: "Up",
  CallerIDNum: "0441234567",
  CallerIDName: "Zoë: home",
  Language: "fr",
  Context: "pay",
  Exten: "0900900904",
  Uniqueid: "line1-1800000000.1",
  Linkedid: "line1-1800000000.1",
  Application: "AGI",
  ApplicationData: "agi://127.0.0.1:4573/pay,secret",
  Duration: "01:02:03",
};

const LISTED = {
  uniqueid: "line1-1800000000.1",
  linkedid: "line1-1800000000.1",
  channel: "PJSIP/carrier-00000001",
  state: "Up",
  callerId: "0441234567",
  exten: "0900900904",
  durationSeconds: 3_723,
};

function list(
  asterisk: RawManagerConnection,
  action: Action,
  { events, items = events, end = "Complete" }: { events: number; items?: number; end?: string },
): void {
  const id = { ActionID: action.get("actionid") ?? "" };
  asterisk.reply(action, { EventList: "start", Message: "Channels will follow" });
  for (let count = 0; count < events; count += 1) asterisk.packet({ ...CHANNEL, ...id });
  asterisk.packet({ Event: "CoreShowChannelsComplete", ...id, EventList: end, ListItems: String(items) });
}

test("channels are listed whole, in whatever pieces the network brings them", async () => {
  await using manager = await RawManager.listen();
  const { connection, asterisk } = await connectOurs(manager);
  await using _ = connection;
  const listing = connection.coreShowChannels();
  const id = (await asterisk.action()).get("actionid") ?? "";
  const text =
    `Response: Success\r\nActionID: ${id}\r\nEventList: start\r\n\r\n` +
    `${Object.entries({ ...CHANNEL, ActionID: id })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("")}\r\n` +
    `Event: CoreShowChannelsComplete\r\nActionID: ${id}\r\nEventList: Complete\r\nListItems: 1\r\n\r\n`;
  for (const byte of Buffer.from(text)) {
    await new Promise((resolve) => asterisk.socket.write(Buffer.of(byte), resolve));
  }
  expect(await listing).toEqual([LISTED]);
});

test("no channels are an empty list, and lists asked for at once are kept apart", async () => {
  await using manager = await RawManager.listen();
  const { connection, asterisk } = await connectOurs(manager);
  await using _ = connection;
  const listings = [connection.coreShowChannels(), connection.coreShowChannels()];
  const [first, second] = [await asterisk.action(), await asterisk.action()];
  list(asterisk, second, { events: 0 });
  list(asterisk, first, { events: 2 });
  expect((await Promise.all(listings)).map((channels) => channels.length)).toEqual([2, 0]);
});

test.each([
  { what: "is cut short", listing: { events: 1, items: 2 } },
  { what: "is cancelled", listing: { events: 1, end: "cancelled" } },
  { what: "is longer than the limit", listing: { events: 4 } },
])("a list that $what is refused whole", async ({ listing }) => {
  await using manager = await RawManager.listen();
  const { connection, asterisk } = await connectOurs(manager, { limits: { ...QUICK, listItems: 3 } });
  await using _ = connection;
  const outcome = kindOf(connection.coreShowChannels());
  list(asterisk, await asterisk.action(), listing);
  expect(await outcome).toBe("bad_reply");
  const pong = connection.ping();
  asterisk.reply(await asterisk.action());
  await pong;
});

test("a list that never ends is given up in time", async () => {
  await using manager = await RawManager.listen();
  const { connection, asterisk } = await connectOurs(manager);
  await using _ = connection;
  const outcome = kindOf(connection.coreShowChannels());
  asterisk.reply(await asterisk.action(), { EventList: "start" });
  expect(await outcome).toBe("time_out");
});

test("what Asterisk refuses is told as failed, with its reason", async () => {
  await using manager = await RawManager.listen();
  const { connection, asterisk } = await connectOurs(manager);
  await using _ = connection;
  const outcome = connection.hangup("PJSIP/gone", 16).catch((error: unknown) => error);
  const action = await asterisk.action();
  expect(Object.fromEntries(action)).toMatchObject({ action: "Hangup", channel: "PJSIP/gone", cause: "16" });
  asterisk.packet({ Response: "Error", ActionID: action.get("actionid") ?? "", Message: "No such channel" });
  expect(await outcome).toMatchObject({ kind: "failed", message: "Asterisk: No such channel" });
});

test.each(["", "/^PJSIP/", "a\nb", "a\rb", "a\0b", "a\u2028b", "x".repeat(1_000)])(
  "%j is no channel that could be hung up, and nothing is sent",
  async (channel) => {
    await using manager = await RawManager.listen();
    const { connection, asterisk } = await connectOurs(manager);
    await using _ = connection;
    expect(await kindOf(connection.hangup(channel, 16))).toBe("bad_argument");
    expect(await kindOf(connection.hangup("PJSIP/a", 200))).toBe("bad_argument");
    await delay(20);
    expect(asterisk.unread).toEqual([]);
  },
);

test("more actions than may wait are refused at once, and all of them settle when the connection is closed", async () => {
  await using manager = await RawManager.listen();
  const { connection } = await connectOurs(manager, { limits: { ...QUICK, pendingActions: 3 } });
  const outcomes = [1, 2, 3, 4].map(() => kindOf(connection.ping()));
  expect(await outcomes[3]).toBe("busy");
  await connection[Symbol.asyncDispose]();
  expect(await Promise.all(outcomes)).toEqual(["closed", "closed", "closed", "busy"]);
  expect(await kindOf(connection.ping())).toBe("closed");
});

test("events are told by name, and one that is handled badly harms neither the connection nor the next", async () => {
  await using manager = await RawManager.listen();
  const told: string[] = [];
  const thrown: unknown[] = [];
  const { connection, asterisk } = await connectOurs(manager, {
    onEvent: (name, event) => {
      told.push(`${name} ${event.get("uniqueid")}`);
      if (told.length === 1) throw new Error("handled badly");
    },
    onError: (error) => thrown.push(error),
  });
  await using _ = connection;
  asterisk.packet({ Event: "Hangup", Uniqueid: "1.1" });
  asterisk.packet({ Event: "Hangup", Uniqueid: "1.2" });
  // Names that mean something to the library, or to JavaScript, are events like others.
  for (const name of ["rawevent", "error", "close", "__proto__"]) asterisk.packet({ Event: name, Uniqueid: "1.3" });
  for (const id of ["rawevent", "error"]) asterisk.packet({ Response: "Success", ActionID: id });
  const pong = connection.ping();
  asterisk.reply(await asterisk.action());
  await pong;
  expect(told).toEqual(["hangup 1.1", "hangup 1.2", "rawevent 1.3", "error 1.3", "close 1.3", "__proto__ 1.3"]);
  expect(thrown).toEqual([new Error("handled badly")]);
});

test.each([
  { what: "line", text: "x".repeat(30_000) },
  { what: "packet by its bytes", text: `${"a: ".padEnd(1_000, "x")}\r\n`.repeat(100) },
  { what: "packet by its lines", text: "a: b\r\n".repeat(1_000) },
])("a $what that is too long ends the connection", async ({ text }) => {
  await using manager = await RawManager.listen();
  const lost = Promise.withResolvers<AmiError>();
  const { asterisk } = await connectOurs(manager, { onLost: lost.resolve });
  asterisk.send(text);
  expect((await lost.promise).kind).toBe("bad_reply");
  await asterisk.closed();
});

test.each([
  { what: "doesn't know us", greeting: undefined, kind: "refused" },
  { what: "says nothing", greeting: "", kind: "time_out" },
  { what: "is no Asterisk", greeting: "220 mail.example ESMTP\r\n", kind: "bad_reply" },
] as const)("a server that $what is left, and only Asterisk is shown the secret", async ({ greeting, kind }) => {
  await using manager = await RawManager.listen(greeting);
  const outcome = kindOf(connectAmi({ ...ACCOUNT, port: manager.port }));
  const asterisk = await manager.connection();
  if (kind === "refused") {
    const login = await asterisk.action();
    expect(login.get("secret")).toBe(ACCOUNT.secret);
    asterisk.packet({ Response: "Error", ActionID: login.get("actionid") ?? "", Message: "Authentication failed" });
  }
  expect(await outcome).toBe(kind);
  await asterisk.closed();
  expect(asterisk.unread).toEqual([]);
});

test("where nobody listens, and where connecting is given up, one hears so", async () => {
  const { port } = await (async () => {
    await using manager = await RawManager.listen();
    return { port: manager.port };
  })();
  expect(await kindOf(connectAmi({ ...ACCOUNT, port }))).toBe("unreachable");
  await using manager = await RawManager.listen("");
  const outcome = kindOf(connectAmi({ ...ACCOUNT, port: manager.port, signal: AbortSignal.timeout(50) }));
  expect(await outcome).toBe("closed");
  for (const wrong of [{ user: "a\r\nb" }, { secret: "" }, { host: "a\0" }, { port: 0 }])
    expect(await kindOf(connectAmi({ ...ACCOUNT, port, ...wrong }))).toBe("bad_argument");
});

async function kindOf(promise: Promise<unknown>): Promise<AmiErrorKind | "done"> {
  return await promise.then(
    () => "done" as const,
    (error: unknown) => {
      if (error instanceof AmiError) return error.kind;
      throw error;
    },
  );
}

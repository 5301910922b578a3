import { expect, test } from "@jest/globals";
import { superviseAmi } from "../../agi/ami-link.ts";
import { keepRecordEvents } from "../../agi/record-events.ts";
import { cloneDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { connectOurs, QUICK } from "./ami-subjects.ts";
import { type Action, RawManager, type RawManagerConnection } from "./raw-manager.ts";

/** What a caller can bring into AMI, 79 bytes of it, where Asterisk prints a number with the line breaks in it. */
function forgery(fields: string): string {
  const number = `\r\n\r\n${fields}`;
  expect(Buffer.byteLength(number)).toBeLessThanOrEqual(79);
  return number;
}

/** An event of cdr_manager as Asterisk 22 prints it: the caller's number twice, before all that matters. */
function record(uniqueid: string, number: string): string {
  return [
    "Event: Cdr",
    "Privilege: cdr,all",
    "AccountCode: ",
    `Source: ${number}`,
    "Destination: 0900900904",
    "DestinationContext: from-carrier",
    `CallerID: "" <${number}>`,
    "Channel: PJSIP/carrier-00000001",
    "Disposition: ANSWERED",
    `UniqueID: ${uniqueid}`,
    "UserField: 0900900904",
    "ExactStart: 1795597661.369444",
    "ExactAnswer: 1795597661.371385",
    "ExactEnd: 1795597669.874160",
    "ExactDuration: 8.504716",
    "ExactBillsec: 8.502775",
    "Sequence: 7",
    "",
    "",
  ].join("\r\n");
}

function listChannel(asterisk: RawManagerConnection, action: Action, number: string): void {
  const ActionID = action.get("actionid") ?? "";
  asterisk.reply(action, { EventList: "start" });
  asterisk.send(
    `Event: CoreShowChannel\r\nActionID: ${ActionID}\r\nChannel: PJSIP/carrier-00000001\r\nCallerIDNum: ${number}\r\n` +
      "Exten: 0900900904\r\nUniqueid: 1700000000.1\r\nLinkedid: 1700000000.1\r\nDuration: 00:00:00\r\n\r\n",
  );
  asterisk.packet({ Event: "CoreShowChannelsComplete", ActionID, EventList: "Complete", ListItems: "1" });
}

test("an event that a caller's text begins, and that goes on with the rest of the true one, is told to nobody", async () => {
  await using manager = await RawManager.listen();
  const told: (readonly [uniqueid: string | undefined, endedAt: string | undefined])[] = [];
  const onEvent = (_name: string, event: ReadonlyMap<string, string>) =>
    told.push([event.get("uniqueid"), event.get("exactend")]);
  const { connection, asterisk } = await connectOurs(manager, { onEvent });
  await using _ = connection;
  asterisk.send(record("1700000000.1", forgery("Event: Cdr\r\nUniqueID: 1700000000.9\r\nSequence: 8\r\nX: ")));
  asterisk.send(record("1700000000.2", "0441234567"));
  await eventually(async () => told.some(([uniqueid]) => uniqueid === "1700000000.2"));
  // Between its number's two places an event of the caller's own is told, but it has nothing of the true one's.
  expect(told.filter(([uniqueid]) => uniqueid !== undefined)).toEqual([
    ["1700000000.9", undefined],
    ["1700000000.2", "1795597669.874160"],
  ]);
});

test("no text of a caller makes a record of a call that wasn't", async () => {
  await using database = await cloneDatabase();
  await using manager = await RawManager.listen();
  const account = { host: "127.0.0.1", port: manager.port, user: "phone2pay", secret: "of the test", limits: QUICK };
  await using link = superviseAmi(account);
  await using _ = keepRecordEvents({ db: database.db, link, log: () => {} });
  const asterisk = await (await manager.connection()).letIn();
  await eventually(async () => link.up);
  for (const fields of [
    "Event: Cdr\r\nUniqueID: 1700000000.9\r\nX: ",
    "Event: Cdr\r\nUniqueID: 1700000000.9\r\nSequence: 8\r\n\r\n",
    "Event: Cdr\r\nExactBillsec: 999.000000\r\nX: ",
    "ExactBillsec: 999.000000\r\n\r\nEvent: Cdr\r\nSequence: 8\r\nX: ",
  ])
    asterisk.send(record("1700000000.1", forgery(fields)));
  asterisk.send(record("1700000000.2", "0441234567"));
  const written = () => database.db.selectFrom("call_records").select(["uniqueid", "talk_ms"]).execute();
  await eventually(async () => (await written()).length > 0);
  expect(await written()).toEqual([{ uniqueid: "1700000000.2", talk_ms: "8502.775" }]);
});

test("a channel whose entry a caller's text has cut is asked for again, a few times", async () => {
  await using manager = await RawManager.listen();
  const { connection, asterisk } = await connectOurs(manager, { limits: { ...QUICK, listMilliseconds: 5_000 } });
  await using _ = connection;
  const listing = connection.coreShowChannels();
  const number = forgery("Event: CoreShowChannel\r\nUniqueid: 1700000000.9\r\n\r\n");
  listChannel(asterisk, await asterisk.action(), number);
  listChannel(asterisk, await asterisk.action(), "0441234567");
  expect(await listing).toMatchObject([{ uniqueid: "1700000000.1", callerId: "0441234567" }]);

  const refused = connection.coreShowChannels().catch((error: unknown) => error);
  for (let tries = 0; tries < 5; tries += 1) listChannel(asterisk, await asterisk.action(), number);
  expect(await refused).toMatchObject({ kind: "bad_reply" });
});

test("the id of an action can't be told from those before it, so that nobody can forge its reply", async () => {
  await using manager = await RawManager.listen();
  const { connection, asterisk } = await connectOurs(manager);
  await using _ = connection;
  const ids = new Set<string>();
  for (let count = 0; count < 5; count += 1) {
    const pong = connection.ping();
    const action = await asterisk.action();
    ids.add(action.get("actionid") ?? "");
    asterisk.reply(action);
    await pong;
  }
  expect([...ids].filter((id) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))).toHaveLength(5);
});

import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { superviseAmi } from "../../agi/ami-link.ts";
import { superviseLegs } from "../../agi/supervisor.ts";
import { findLeg } from "../../db/call-legs.ts";
import { closeLeg } from "../../db/close-leg.ts";
import { cloneDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { seedLeg, seedMerchant } from "../support/seed.ts";
import { RawManager, type RawManagerConnection } from "./raw-manager.ts";

/** A database with a merchant's number, and a link to a server that plays an Asterisk with that name and those channels. */
async function openScene(systemName: string, channels: readonly string[]) {
  const resources = new AsyncDisposableStack();
  const { db } = resources.use(await cloneDatabase());
  const { number, tariffId } = await seedMerchant(db);
  const manager = resources.use(await RawManager.listen());
  const account = { host: "127.0.0.1", port: manager.port, user: "phone2pay", secret: "secret of the test" };
  const link = resources.use(superviseAmi(account));
  const asterisk = await (await manager.connection()).letIn();
  void answer(asterisk, systemName, channels);
  return {
    db,
    link,
    asterisk,
    /** A leg that nobody has looked after for a minute. */
    silentLeg: async (uniqueid: string) => {
      await seedLeg(db, { number, tariffId }, { uniqueid, owner: "dead" });
      const lease_until = new Date(Date.now() - 60_000);
      await db.updateTable("call_legs").set({ lease_until }).where("uniqueid", "=", uniqueid).execute();
    },
    isOpen: async (uniqueid: string) => (await findLeg(db, uniqueid))?.ended === false,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function answer(asterisk: RawManagerConnection, SystemName: string, channels: readonly string[]): Promise<void> {
  for (;;) {
    const action = await asterisk.action();
    if (action.get("action") === "CoreSettings") asterisk.reply(action, { SystemName });
    if (action.get("action") !== "CoreShowChannels") continue;
    const ActionID = action.get("actionid") ?? "";
    asterisk.reply(action, { EventList: "start" });
    for (const Uniqueid of channels)
      asterisk.packet({ Event: "CoreShowChannel", ActionID, Uniqueid, Channel: "PJSIP/a", Duration: "00:00:01" });
    asterisk.packet({
      Event: "CoreShowChannelsComplete",
      ActionID,
      EventList: "Complete",
      ListItems: String(channels.length),
    });
  }
}

const FOREIGN = ["1700000000.1", "line10-1700000000.1", "line1-line1-1700000000.1", "line1-x", "line1-1700000000.1a"];

test("an Asterisk with a name has only legs closed that bear exactly this name", async () => {
  await using scene = await openScene("line1", ["line1-1700000000.7"]);
  const { db, link, silentLeg, isOpen } = scene;
  for (const uniqueid of [...FOREIGN, "line1-1700000000.1", "line1-1700000000.7"]) await silentLeg(uniqueid);
  await using _ = superviseLegs({ db, link, worker: "w", log: () => {}, limits: { graceMilliseconds: 100 } });
  await eventually(async () => !(await isOpen("line1-1700000000.1")));
  for (const uniqueid of [...FOREIGN, "line1-1700000000.7"]) expect(await isOpen(uniqueid)).toBe(true);
});

test("an Asterisk without a name has only legs closed that bear none", async () => {
  await using scene = await openScene("", ["1700000000.7"]);
  const { db, link, silentLeg, isOpen } = scene;
  for (const uniqueid of ["1700000000.1", "1700000000.7", "line1-1700000000.1"]) await silentLeg(uniqueid);
  await using _ = superviseLegs({ db, link, worker: "w", log: () => {}, limits: { graceMilliseconds: 100 } });
  await eventually(async () => !(await isOpen("1700000000.1")));
  for (const uniqueid of ["1700000000.7", "line1-1700000000.1"]) expect(await isOpen(uniqueid)).toBe(true);
});

test("after a hang-up nothing waits for the next round: the leg is closed when the grace is over, and not before", async () => {
  const channels = ["1700000000.7"];
  await using scene = await openScene("", channels);
  const { db, link, asterisk, silentLeg, isOpen } = scene;
  await silentLeg("1700000000.7");
  const limits = { graceMilliseconds: 500, lookEveryMilliseconds: 3_600_000 };
  await using _ = superviseLegs({ db, link, worker: "w", log: () => {}, limits });
  await eventually(async () => link.up);
  await delay(200);
  channels.pop();
  const hungUpAt = performance.now();
  asterisk.packet({ Event: "Hangup", Uniqueid: "1700000000.7" });
  await eventually(async () => !(await isOpen("1700000000.7")));
  const tookMs = performance.now() - hungUpAt;
  expect(tookMs).toBeGreaterThanOrEqual(495);
  expect(tookMs).toBeLessThan(3_000);
});

test("a hang-up that is told of a call which Asterisk still has closes nothing, were its worker ever so silent", async () => {
  await using scene = await openScene("", ["1700000000.7"]);
  const { db, link, asterisk, silentLeg, isOpen } = scene;
  await silentLeg("1700000000.7");
  const limits = { graceMilliseconds: 200, lookEveryMilliseconds: 50 };
  await using _ = superviseLegs({ db, link, worker: "w", log: () => {}, limits });
  await eventually(async () => link.up);
  asterisk.packet({ Event: "Hangup", Uniqueid: "1700000000.7" });
  await silentLeg("1700000000.1"); // its grace begins later, and so ends later
  await eventually(async () => !(await isOpen("1700000000.1")));
  expect(await isOpen("1700000000.7")).toBe(true);
});

test("of any number of processes that find a leg silent one closes it, and none while its worker lives", async () => {
  await using scene = await openScene("", []);
  const { db, silentLeg, isOpen } = scene;
  const uniqueid = "1700000000.1";
  await silentLeg(uniqueid);
  const { number, tariffId } = (await findLeg(db, uniqueid)) ?? { number: "", tariffId: 0 };
  await seedLeg(db, { number, tariffId }, { uniqueid, owner: "alive" });
  const close = () => closeLeg(db, { uniqueid, silentSeconds: 10, worker: "w", talkMs: null, reason: "channel_gone" });
  expect(await close()).toBe(false);
  expect(await isOpen(uniqueid)).toBe(true);
  await db
    .updateTable("call_legs")
    .set({ lease_until: new Date(Date.now() + 4_000) }) // renewed eleven seconds ago, for fifteen
    .where("uniqueid", "=", uniqueid)
    .execute();
  const closed = await Promise.all([close(), close(), close(), close(), close()]);
  expect(closed.filter((won) => won)).toHaveLength(1);
  expect(await isOpen(uniqueid)).toBe(false);
});

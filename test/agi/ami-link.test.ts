import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { AmiError } from "../../agi/ami.ts";
import { type AmiLink, type AmiLinkOptions, superviseAmi } from "../../agi/ami-link.ts";
import { eventually } from "../support/eventually.ts";
import { QUICK } from "./ami-subjects.ts";
import { RawManager } from "./raw-manager.ts";

function linkTo(port: number, options: Partial<AmiLinkOptions> = {}): AmiLink {
  return superviseAmi({
    host: "127.0.0.1",
    port,
    user: "phone2pay",
    secret: "secret of the test",
    limits: QUICK,
    backOff: { firstMilliseconds: 20 },
    ...options,
  });
}

test("a link that drops in mid-packet comes back, tells its listeners, and works as before", async () => {
  await using manager = await RawManager.listen();
  await using link = linkTo(manager.port);
  const heard: string[] = [];
  link.listen({
    onUp: () => heard.push("up"),
    onDown: (reason) => heard.push(reason.kind),
    onEvent: (name) => heard.push(name),
  });
  for (let round = 0; round < 3; round += 1) {
    const asterisk = await (await manager.connection()).letIn();
    await eventually(() => link.up);
    asterisk.packet({ Event: "Hangup", Uniqueid: `1.${round}` });
    const pong = link.ping();
    asterisk.reply(await asterisk.action());
    await pong;
    asterisk.send("Response: Success\r\nActionID: 1\r\nMess");
    asterisk.socket.end();
    await eventually(() => !link.up);
  }
  expect(heard).toEqual(["up", "hangup", "closed", "up", "hangup", "closed", "up", "hangup", "closed"]);
});

test("while a link is away everything that is asked is refused at once, and nothing is sent later", async () => {
  await using manager = await RawManager.listen();
  await using link = linkTo(manager.port);
  for (const asked of [link.ping(), link.coreShowChannels(), link.hangup("PJSIP/a", 16), link.systemName()]) {
    const error = await asked.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AmiError);
    expect(error).toMatchObject({ kind: "unreachable" });
  }
  const asterisk = await (await manager.connection()).letIn();
  await eventually(() => link.up);
  await delay(30);
  expect(asterisk.unread).toEqual([]);
});

test("the waits between attempts double up to their limit, each shortened by chance to no less than half", async () => {
  await using manager = await RawManager.listen("no Asterisk\r\n");
  const rolled: number[] = [];
  const random = () => {
    rolled.push(performance.now());
    return 0;
  };
  const reasons: string[] = [];
  await using link = linkTo(manager.port, { random, backOff: { firstMilliseconds: 100, mostMilliseconds: 400 } });
  link.listen({ onDown: (reason) => reasons.push(reason.kind) });
  await eventually(() => rolled.length === 5);
  const waits = rolled.slice(1).map((at, index) => at - (rolled[index] ?? 0));
  // Half of 100, 200, 400, 400; the making of a connection takes a few ms more.
  for (const [index, least] of [50, 100, 200, 200].entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(least - 2);
    expect(waits[index]).toBeLessThan(least + 90);
  }
  expect(reasons).toEqual(["bad_reply"]); // not once more for each attempt
});

test("a link that was steady comes back without having to wait for its old failures", async () => {
  await using manager = await RawManager.listen();
  const steps: number[] = [];
  let begun = 0;
  const random = () => {
    begun = performance.now();
    return 0;
  };
  await using link = linkTo(manager.port, { random, backOff: { firstMilliseconds: 200, steadyMilliseconds: 50 } });
  for (const heldMs of [0, 0, 80]) {
    const asterisk = await manager.connection();
    if (begun > 0) steps.push(performance.now() - begun);
    await asterisk.letIn();
    await eventually(() => link.up);
    await delay(heldMs);
    asterisk.socket.end();
    await eventually(() => !link.up);
  }
  await manager.connection();
  steps.push(performance.now() - begun);
  expect(steps.map((ms) => Math.round((ms - 20) / 100))).toEqual([1, 2, 1]);
});

import { type ChildProcess, spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { AgiError } from "../../agi/fastagi.ts";
import { type Call, dingDongAlone, ours, type Subject } from "./ding-dong-subjects.ts";
import { ENVIRONMENT, RawAsterisk } from "./raw-asterisk.ts";

/** One defect of ding-dong 0.1.7: what a scenario must come to, and what it comes to there. */
interface Defect {
  readonly rule: string;
  readonly environment?: string;
  readonly scenario: (call: Call, asterisk: RawAsterisk) => Promise<unknown>;
  readonly right: unknown;
  readonly bare: unknown;
}

const DEFECTS: readonly Defect[] = [
  ...(
    [
      ["510 Invalid or unknown command\n", "unknown_command"],
      ["511 Command Not Permitted on a dead channel or intercept routine\n", "dead_channel"],
      ["520 Invalid command syntax.  Proper usage not available.\n", "usage"],
      ["520-Invalid command syntax.  Proper usage follows:\n Usage\n520 End of proper usage.\n", "usage"],
    ] as const
  ).map(([refusal, kind]) => ({
    rule: `a command that is answered ${refusal.slice(0, 20)} settles, and is no hang-up`,
    scenario: async (call: Call, asterisk: RawAsterisk) => {
      const outcome = outcomeOf(call.noop());
      await asterisk.line();
      asterisk.send(refusal);
      return [await outcome, call.hangups() > 0];
    },
    right: [kind, false],
    bare: ["never", true],
  })),
  {
    rule: "a command settles when the socket closes",
    scenario: async (call, asterisk) => {
      const outcome = outcomeOf(call.noop());
      await asterisk.line();
      asterisk.socket.end();
      return await outcome;
    },
    right: "closed",
    bare: "never",
  },
  {
    rule: "a command settles when the socket is reset",
    scenario: async (call, asterisk) => {
      const outcome = outcomeOf(call.noop());
      await asterisk.line();
      asterisk.socket.resetAndDestroy();
      return await outcome;
    },
    right: "closed",
    bare: "never",
  },
  {
    rule: "a command without a reply settles in time",
    scenario: (call) => outcomeOf(call.noop()),
    right: "time_out",
    bare: "never",
  },
  {
    rule: "two commands at once each have their own reply",
    scenario: async (call, asterisk) => {
      const outcomes = ["A", "B"].map((name) => outcomeOf(call.getVariable(name)));
      for (const value of ["a", "b"]) {
        await asterisk.line();
        asterisk.send(`200 result=1 (${value})\n`);
      }
      return await Promise.all(outcomes);
    },
    right: ["a", "b"],
    bare: ["never", "a"],
  },
  {
    rule: "half a line after a whole one is no hang-up, and a HANGUP in two halves is one",
    scenario: async (call, asterisk) => {
      const outcome = outcomeOf(call.getVariable("A"));
      await asterisk.line();
      await asterisk.sent("200 result=1 (a)\nHANG");
      const first = await outcome;
      const early = call.hangups();
      const second = outcomeOf(call.getVariable("B"));
      await asterisk.line();
      asterisk.send("UP\n200 result=1 (b)\n");
      return [first, early, await second, call.hangups()];
    },
    right: ["a", 0, "b", 1],
    bare: ["a", 1, "b", 2],
  },
  {
    rule: "a HANGUP in one packet with the environment is a hang-up",
    environment: `${ENVIRONMENT}HANGUP\n`,
    scenario: async (call, asterisk) => {
      const outcome = outcomeOf(call.getVariable("A"));
      await asterisk.line();
      asterisk.send("200 result=1 (a)\n");
      return [await outcome, call.hangups()];
    },
    right: ["a", 1],
    bare: ["a", 0],
  },
  {
    rule: "an environment value keeps its colons",
    scenario: async (call) => [call.variable("agi_request"), call.variable("agi_calleridname")],
    right: ["agi://127.0.0.1:4573/pay?x=1", "Zoë: home"],
    bare: ["agi", "Zoë"],
  },
  {
    rule: "the place where playing stopped is no part of the result",
    scenario: async (call, asterisk) => {
      const outcome = outcomeOf(call.streamFile("a"));
      await asterisk.line();
      asterisk.send("200 result=49 endpos=8000\n");
      return await outcome;
    },
    right: { digit: "1" },
    bare: { code: 200, result: "49 endpos=8000" },
  },
  {
    rule: "digits that a time-out cut short are not complete",
    scenario: async (call, asterisk) => {
      const outcome = outcomeOf(call.getData());
      await asterisk.line();
      asterisk.send("200 result=12 (timeout)\n");
      return await outcome;
    },
    right: { digits: "12", complete: false },
    bare: { code: 200, result: "12", value: "timeout" },
  },
  {
    rule: "a line break in a value is no second command",
    scenario: async (call, asterisk) => {
      const outcome = outcomeOf(call.setVariable("A", 'b"\nEXEC System "x'));
      const next = outcomeOf(call.noop());
      const lines = [await asterisk.line()];
      asterisk.send("200 result=0\n");
      await Promise.all([outcome, next]);
      return [...lines, ...asterisk.unread];
    },
    right: ["NOOP"],
    bare: ['SET VARIABLE A "b"', 'EXEC System "x"', "NOOP"],
  },
  {
    rule: "a quote in a value does not end it",
    scenario: async (call, asterisk) => {
      const outcome = outcomeOf(call.setVariable("A", 'b" "c'));
      const line = await asterisk.line();
      asterisk.send("200 result=1\n");
      await outcome;
      return line.slice(line.indexOf('"b'));
    },
    right: '"b\\" \\"c"',
    bare: '"b" "c"',
  },
];

test.each(DEFECTS)("$rule", async ({ environment, scenario, right }) => {
  await using subject = await ours();
  expect(await play(subject, environment, scenario)).toEqual(right);
});

test.each(DEFECTS)("bare ding-dong breaks the rule: $rule", async ({ environment, scenario, right, bare }) => {
  await using subject = await dingDongAlone();
  const outcome = await play(subject, environment, scenario);
  expect(outcome).not.toEqual(right);
  expect(outcome).toEqual(bare);
});

const SERVERS = [
  { name: "our server", start: ours, right: true },
  { name: "bare ding-dong", start: dingDongAlone, right: false },
] as const;

test.each(SERVERS)("whether $name bounds what it buffers: $right", async ({ start, right }) => {
  await using subject = await start();
  const asterisk = await RawAsterisk.connect(subject.port, null);
  asterisk.send(`agi_a: ${"x".repeat(1_000_000)}\n\n`);
  const accepted = subject.call.then((call) => call.variable("agi_a")?.length);
  expect(await Promise.race([accepted, asterisk.closed()])).toBe(right ? undefined : 1_000_000);
});

test.each(SERVERS)("whether $name listens on the loopback address only: $right", async ({ start, right }) => {
  await using subject = await start();
  const socket = connect(subject.port, "127.0.0.2");
  const connected = once(socket, "connect").then(
    () => true,
    () => false,
  );
  expect(await connected).toBe(!right);
  socket.destroy();
});

test.each(SERVERS)("whether $name sends each line without delay: $right", async ({ start, right }) => {
  await using subject = await start();
  const accepted = Promise.withResolvers<Socket>();
  const listen = (message: unknown) => accepted.resolve((message as { socket: Socket }).socket);
  subscribe("net.server.socket", listen);
  await RawAsterisk.connect(subject.port);
  const socket = await accepted.promise;
  unsubscribe("net.server.socket", listen);
  await subject.call;
  // Node keeps what it set on a socket under symbols; there is no getter for it.
  const set = Object.getOwnPropertySymbols(socket).filter((symbol) => Reflect.get(socket, symbol) === true);
  const names = set.map((symbol) => symbol.description);
  expect(names.includes("kSetNoDelay")).toBe(right);
  expect(names.includes("kSetKeepAlive")).toBe(right);
});

test.each([
  {
    name: "our server",
    right: true,
    source: `import { serveFastAgi } from "./agi/fastagi.ts";
      const server = await serveFastAgi({ port: 0, onRequest: (channel) => channel.noop() });
      console.log(server.port);`,
  },
  {
    name: "bare ding-dong",
    right: false,
    source: `import dingDong from "ding-dong";
      const server = dingDong((context) => void context.onEvent("variables").then(() => context.noop())).start("0");
      server.on("listening", () => console.log(server.address().port));`,
  },
])("whether the process of $name survives a reset: $right", async ({ source, right }) => {
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(child, "exit");
  const port = await portPrintedBy(child);
  const first = await RawAsterisk.connect(port);
  await first.line();
  first.socket.resetAndDestroy();
  const served = RawAsterisk.connect(port).then((second) => second.line());
  expect(await Promise.race([served, exited.then(() => "gone")]).catch(() => "gone")).toBe(right ? "NOOP" : "gone");
  child.kill();
  await exited;
});

async function portPrintedBy(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error("the child has no output");
  return Number(String((await once(child.stdout, "data"))[0]));
}

async function play(subject: Subject, environment: string | undefined, scenario: Defect["scenario"]): Promise<unknown> {
  const asterisk = await RawAsterisk.connect(subject.port, environment);
  const call = await subject.call;
  return await scenario(call, asterisk);
}

/** What a promise came to. Nothing happens when one never settles, so there is nothing to wait for but time. */
async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  const settled = promise.catch((error: unknown) => (error instanceof AgiError ? error.kind : error));
  return await Promise.race([settled, delay(200, "never", { ref: false })]);
}

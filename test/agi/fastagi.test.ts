import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "@jest/globals";
import { serveFastAgi } from "../../agi/fastagi.ts";
import { RawAsterisk } from "./raw-asterisk.ts";
import { startCall } from "./running-call.ts";

test("the environment gives script, arguments and values, whole and uncut", async () => {
  await using call = await startCall();
  const { channel } = call;
  expect(channel.script).toBe("pay");
  expect(channel.args).toEqual(["0901", "a:b"]);
  expect(channel.variables.get("agi_calleridname")).toBe("Zoë: home");
  expect(channel.variables.get("agi_accountcode")).toBe("");
});

test("without a network script the path of the request names the script", async () => {
  await using call = await startCall({ environment: "agi_request: agi://h:4573/ended?y\n\n" });
  expect(call.channel.script).toBe("ended");
  expect(call.channel.args).toEqual([]);
});

test("each command becomes the line that Asterisk documents", async () => {
  await using call = await startCall();
  const { channel, asterisk } = call;
  const rows: readonly (readonly [() => Promise<unknown>, string, string, unknown])[] = [
    [() => channel.answer(), "ANSWER", "200 result=0", undefined],
    [() => channel.noop(), "NOOP", "200 result=0", undefined],
    [() => channel.hangup(), "HANGUP", "200 result=1", undefined],
    [() => channel.hangup(), "HANGUP", "511 Command Not Permitted on a dead channel", undefined],
    [() => channel.streamFile("a b"), 'STREAM FILE "a b" ""', "200 result=0 endpos=8000", { digit: null }],
    [() => channel.streamFile("a", "#"), 'STREAM FILE "a" "#"', "200 result=35 endpos=8", { digit: "#" }],
    [() => channel.waitForDigit(1500), "WAIT FOR DIGIT 1500", "200 result=49", "1"],
    [() => channel.waitForDigit(0), "WAIT FOR DIGIT 0", "200 result=0", null],
    [() => channel.getVariable("X"), 'GET VARIABLE "X"', "200 result=1 (a (b) c)", "a (b) c"],
    [() => channel.getVariable("X"), 'GET VARIABLE "X"', '200 result=1 (say ")" endpos=5)', 'say ")" endpos=5'],
    [() => channel.getVariable("X"), 'GET VARIABLE "X"', "200 result=1 (\u2028)", "\u2028"],
    [() => channel.getVariable("X"), 'GET VARIABLE "X"', "200 result=1 ()", ""],
    [() => channel.getVariable("X"), 'GET VARIABLE "X"', "200 result=0", null],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the dollar and braces are Asterisk's.
    [() => channel.getVariable("${A}"), 'GET FULL VARIABLE "${A}"', "200 result=1 (1)", "1"],
    [() => channel.setVariable("A(b)", "c"), 'SET VARIABLE "A(b)" "c"', "200 result=1", undefined],
    [() => channel.exec("StopMusicOnHold"), "EXEC StopMusicOnHold", "200 result=0", 0],
    [() => channel.exec("Read", "A,b,3"), 'EXEC Read "A,b,3"', "100 result=0 Trying...\r\n200 result=-1\r", -1],
    [() => channel.execFor(9, "Dial", "a b", "c"), 'EXEC Dial "a b,c"', "200 result=0", 0],
    [() => channel.command(["SAY", "DIGITS", "12", ""]), 'SAY DIGITS 12 ""', "200 result=0", reply("0")],
    [() => channel.command(["GOSUB"]), "GOSUB", "200 result=0 Gosub complete", reply("0")],
    [() => channel.getData({ file: "p", milliseconds: 9, digitsMax: 4 }), 'GET DATA "p" 9 4', "200 result=1*", keys],
  ];
  for (const [ask, line, answer, outcome] of rows) {
    const asked = ask();
    expect(await asterisk.line()).toBe(line);
    asterisk.send(`${answer}\n`);
    expect(await asked).toEqual(outcome);
  }
});

test.each([
  ["510 Invalid or unknown command\n", "unknown_command"],
  ["511 Command Not Permitted on a dead channel or intercept routine\n", "dead_channel"],
  ["520 Invalid command syntax.  Proper usage not available.\n", "usage"],
  [
    "520-Invalid command syntax.  Proper usage follows:\n Usage: X\n\n200 result=0\n520 End of proper usage.\n",
    "usage",
  ],
  ["200 result=-2\n", "failed"],
  ["200 result=\n", "bad_reply"],
])("the refusal %j is %s, and the next command runs", async (refusal, kind) => {
  await using call = await startCall();
  const refused = call.channel.exec("X");
  await call.asterisk.line();
  call.asterisk.send(refusal);
  await expect(refused).rejects.toMatchObject({ name: "AgiError", kind });
  const noop = call.channel.noop();
  await call.asterisk.line();
  call.asterisk.send("200 result=0\n");
  await noop;
});

test.each([
  ["a word", "hello\n"],
  ["an empty line", "\n"],
  ["a code alone", "200\n"],
  ["a value that does not end", "200 result=1 (a\n"],
  ["a parenthesis after the value", "200 result=1 (a) (b\n"],
  ["an unknown code", "503 result=-2 Memory allocation failure\n"],
  ["a line too long", "x".repeat(9000)],
  ["a usage text without end", `520-Invalid\n${" Usage\n".repeat(300)}`],
])("%s is a bad reply and closes the call", async (_, garbage) => {
  await using call = await startCall();
  const [first, second] = [call.channel.noop(), call.channel.noop()];
  await call.asterisk.line();
  call.asterisk.send(garbage);
  await expect(first).rejects.toMatchObject({ kind: "bad_reply" });
  await expect(second).rejects.toMatchObject({ kind: "closed" });
  await call.asterisk.closed();
  expect(call.channel.hungUp.reason).toMatchObject({ kind: "closed" });
  call.release();
  await call.over;
  expect(call.errors).toMatchObject([{ kind: "bad_reply" }]);
});

test("a second reply in one packet is never taken for the reply of the next command", async () => {
  await using call = await startCall();
  const [first, second] = [call.channel.getVariable("A"), call.channel.getVariable("B")];
  await call.asterisk.line();
  call.asterisk.send("200 result=1 (a)\n200 result=1 (forged)\n");
  expect(await first).toBe("a");
  await expect(second).rejects.toMatchObject({ kind: "closed" });
  expect(call.asterisk.unread).toEqual([]);
});

test("the usage text that follows an EXEC with result 1 is not the reply of the next command", async () => {
  await using call = await startCall();
  const [exec, noop] = [call.channel.exec("X"), call.channel.getVariable("A")];
  await call.asterisk.line();
  call.asterisk.send(
    "200 result=1\n520-Invalid command syntax.  Proper usage follows:\n Usage\n520 End of proper usage.\n",
  );
  expect(await exec).toBe(1);
  await call.asterisk.line();
  call.asterisk.send("200 result=1 (a)\n");
  expect(await noop).toBe("a");
});

test("after HANGUP the running command still has its reply, and further ones are still sent", async () => {
  await using call = await startCall();
  const digit = call.channel.waitForDigit(60_000);
  await call.asterisk.line();
  await call.asterisk.sent("HANGUP\n");
  await once(call.channel.hungUp, "abort");
  expect(call.channel.hungUp.reason).toMatchObject({ kind: "hung_up" });
  call.asterisk.send("200 result=-1\n");
  await expect(digit).rejects.toMatchObject({ kind: "hung_up" });
  const variable = call.channel.getVariable("A");
  expect(await call.asterisk.line()).toBe('GET VARIABLE "A"');
  call.asterisk.send("HANGUP200 result=1 (a)\n");
  expect(await variable).toBe("a");
});

test.each(["\n", ""])(
  "a result of -1 followed by HANGUP%j is a hang-up, and alone it is a failure",
  async (lineEnd) => {
    await using call = await startCall({ limits: { hangupGraceMilliseconds: 20 } });
    const missing = call.channel.streamFile("missing");
    await call.asterisk.line();
    call.asterisk.send("200 result=-1 endpos=0\n");
    await expect(missing).rejects.toMatchObject({ kind: "failed" });
    const cut = call.channel.streamFile("long");
    await call.asterisk.line();
    call.asterisk.send(`200 result=-1 endpos=0\nHANGUP${lineEnd}`);
    await expect(cut).rejects.toMatchObject({ kind: "hung_up" });
  },
);

test("a command waits its turn, and one too many is refused", async () => {
  await using call = await startCall({ limits: { queuedCommands: 2 } });
  const asked = [1, 2, 3].map((n) => call.channel.getVariable(`V${n}`));
  await expect(call.channel.noop()).rejects.toMatchObject({ kind: "failed" });
  for (const n of [1, 2, 3]) {
    expect(await call.asterisk.line()).toBe(`GET VARIABLE "V${n}"`);
    expect(call.asterisk.unread).toEqual([]);
    call.asterisk.send(`200 result=1 (${n})\n`);
  }
  expect(await Promise.all(asked)).toEqual(["1", "2", "3"]);
});

test.each([
  ["an environment that does not end", "agi_network: yes\n", { environmentMilliseconds: 30 }, "time_out"],
  ["an environment with too many bytes", `agi_a: ${"x".repeat(100)}\n\n`, { environmentBytes: 100 }, "bad_reply"],
  ["an environment with too many lines", "agi_a: 1\nagi_b: 1\n\n", { environmentLines: 1 }, "bad_reply"],
  ["an environment that names a variable twice", "agi_a: 1\nagi_a: 2\n\n", {}, "bad_reply"],
  ["a browser", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", {}, "bad_reply"],
  ["an empty environment", "\n", {}, "bad_reply"],
])("%s closes the connection before onRequest", async (_, environment, limits, kind) => {
  const failure = Promise.withResolvers<unknown>();
  const onRequest = () => Promise.reject(new Error("onRequest ran"));
  await using server = await serveFastAgi({ port: 0, limits, onRequest, onError: failure.resolve });
  const asterisk = await RawAsterisk.connect(server.port, environment);
  expect(await failure.promise).toMatchObject({ kind });
  await asterisk.closed();
});

test("a connection above the limit is refused, and the others go on", async () => {
  await using call = await startCall({ limits: { connections: 1 } });
  const second = await RawAsterisk.connect(call.server.port, null);
  await second.closed();
  expect(call.errors).toMatchObject([{ kind: "failed" }]);
  const noop = call.channel.noop();
  await call.asterisk.line();
  call.asterisk.send("200 result=0\n");
  await noop;
});

test("what onRequest throws is told, and the connection ends", async () => {
  const told = Promise.withResolvers<unknown>();
  const failure = new Error("no database");
  await using server = await serveFastAgi({ port: 0, onRequest: () => Promise.reject(failure), onError: told.resolve });
  const asterisk = await RawAsterisk.connect(server.port);
  expect(await told.promise).toBe(failure);
  await asterisk.closed();
});

test("a script may close the call: what is asked afterwards is refused", async () => {
  await using call = await startCall();
  call.channel.close();
  await expect(call.channel.noop()).rejects.toMatchObject({ kind: "closed" });
  await call.asterisk.closed();
});

test("draining waits for the running call, takes no new one, and leaves nothing behind", async () => {
  await using call = await startCall();
  const drained = call.server.drain(60_000);
  const late = connect(call.server.port, "127.0.0.1");
  await expect(once(late, "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  const noop = call.channel.noop();
  await call.asterisk.line();
  call.asterisk.send("200 result=0\n");
  await noop;
  call.release();
  await drained;
  expect(call.server.connections).toBe(0);
});

test("a call that outlasts the drain is closed", async () => {
  await using call = await startCall();
  const digit = call.channel.waitForDigit(60_000);
  await call.server.drain(10);
  await expect(digit).rejects.toMatchObject({ kind: "closed" });
  await call.asterisk.closed();
});

test("a port that is none is refused, and one that is taken rejects", async () => {
  await using call = await startCall();
  const onRequest = async () => {};
  await expect(serveFastAgi({ port: 70_000, onRequest })).rejects.toThrow(RangeError);
  await expect(serveFastAgi({ port: call.server.port, onRequest })).rejects.toMatchObject({ code: "EADDRINUSE" });
});

const keys = { digits: "1*", complete: true };

function reply(result: string) {
  return { result, value: null, endpos: null };
}

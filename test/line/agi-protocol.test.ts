import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { LINE_LIMITS } from "../../line/limits.ts";
import { type DialOptions, dial, type SimulatedCall } from "../../line/simulated-call.ts";
import { type Request, serveScript } from "./scripted-server.ts";

const PROMPT_MS = 300;

/** A call whose one server does as told for `pay` and `ended`; what is not told is done without a word. */
async function callServedBy(script: {
  readonly pay?: (request: Request, call: SimulatedCall) => Promise<void>;
  readonly ended?: (request: Request) => Promise<void>;
  readonly options?: Partial<DialOptions>;
}) {
  let call: SimulatedCall | null = null;
  await using server = await serveScript(async (request) => {
    const isPay = request.environment.includes("agi_network_script: pay");
    if (isPay && script.pay && call) await script.pay(request, call);
    else if (!isPay && script.ended) await script.ended(request);
    if (!request.socket.writable) return;
    await request.ask("SET VARIABLE P2P_CLOSED 1");
    await request.ask("SET VARIABLE P2P_DONE 1");
  });
  call = dial({
    number: "+41900900904",
    callerId: null,
    agiServers: [server.address],
    secret: "s e:c",
    trunk: "carrier",
    uniqueid: "line-1.5",
    promptLengthMs: (language, fragment) =>
      fragment === "missing" ? 0 : language === "fr" ? PROMPT_MS : 2 * PROMPT_MS,
    ...script.options,
  });
  return await call.finished;
}

test("a request names the call as Asterisk does, in its order", async () => {
  let environment: readonly string[] = [];
  const end = await callServedBy({
    pay: async (request) => {
      environment = request.environment;
    },
  });
  expect(end).toEqual({ answeredAtMs: null, talkMs: null, endedBy: "server", cause: 16 });
  expect(environment.slice(0, 2)).toEqual(["agi_network: yes", "agi_network_script: pay"]);
  expect(environment[2]).toMatch(/^agi_request: agi:\/\/127\.0\.0\.1:\d+\/pay$/);
  expect(environment.slice(3, 9)).toEqual([
    "agi_channel: PJSIP/line-line-1.5",
    "agi_language: en",
    "agi_type: PJSIP",
    "agi_uniqueid: line-1.5",
    "agi_version: simulated",
    "agi_callerid: unknown",
  ]);
  expect(environment).toContain("agi_extension: 0900900904");
  expect(environment.slice(-3)).toEqual(["agi_arg_1: s e:c", "agi_arg_2: carrier", "agi_arg_3: 0900900904"]);
});

test("commands are answered as Asterisk answers them", async () => {
  const asked: string[] = [];
  const answers: string[] = [];
  const dialogue: readonly (readonly [string, string | RegExp])[] = [
    ["noop", "200 result=0"],
    ["CHANNEL STATUS", "200 result=4"],
    ["GET VARIABLE CHANNEL(state)", "200 result=1 (Ring)"],
    ["GET VARIABLE CDR(answer,u)", "200 result=1 (0.000000)"],
    ['SAY NUMBER 5 ""', "510 Invalid or unknown command"],
    ["EXEC Dial x", "200 result=-2"],
    ["EXEC constructor x", "200 result=-2"],
    ["STREAM FILE", "520-Invalid command syntax.  Proper usage follows:"],
    [String.raw`SET VARIABLE "A B" "say \"x\" \\ (y)"`, "200 result=1"],
    [`GET VARIABLE "A B"`, String.raw`200 result=1 (say "x" \ (y))`],
    [`GET FULL VARIABLE "\${A B} of \${UNSET}\${CHANNEL(language)}"`, String.raw`200 result=1 (say "x" \ (y) of en)`],
    ["GET VARIABLE UNSET", "200 result=0"],
    ["SET VARIABLE CHANNEL(language) fr", "200 result=1"],
    ['STREAM FILE /p/missing ""', "200 result=-1 endpos=0"],
    [`STREAM FILE /p/welcome ""`, "200 result=0 endpos=2400"],
    ["WAIT FOR DIGIT 20", "200 result=0"],
    ["GET DATA /p/welcome 50 4", "200 result= (timeout)"],
    ["EXEC Progress", "200 result=0"],
    ["ANSWER", "200 result=0"],
    ["CHANNEL STATUS", "200 result=6"],
    ["GET VARIABLE CDR(billsec,f)", /^200 result=1 \(0\.0\d{5}\)$/],
    ["SET VARIABLE TIMEOUT(absolute) 12.5", "200 result=1"],
    ["GET VARIABLE TIMEOUT(absolute)", /^200 result=1 \(12\.[45]\d\d\)$/],
    ["EXEC Wait 0.05", "200 result=0"],
  ];
  const end = await callServedBy({
    pay: async (request) => {
      for (const [command] of dialogue) {
        asked.push(command);
        answers.push(await request.ask(command));
        if (command === "STREAM FILE") for (let left = 2; left > 0; left--) await request.line();
      }
    },
  });
  expect(answers).toHaveLength(dialogue.length);
  for (const [index, [command, answer]] of dialogue.entries()) {
    const shown = `${command} → ${answers[index]}`;
    if (typeof answer === "string") expect(shown).toBe(`${command} → ${answer}`);
    else expect(answers[index]).toMatch(answer);
  }
  expect(end.talkMs).toBeGreaterThan(40);
});

test("keys: cut a prompt, are kept for Read, and are lost between two commands", async () => {
  const answers: Record<string, string> = {};
  await callServedBy({
    pay: async ({ ask }, call) => {
      const pressSoon = (keys: string) =>
        setTimeout(() => {
          for (const key of keys) call.press(key);
        }, 50);
      pressSoon("4#");
      answers.cut = await ask(`STREAM FILE /p/welcome "#"`);
      call.press("7");
      await delay(20);
      answers.lost = await ask("WAIT FOR DIGIT 50");
      await ask("SET VARIABLE TIMEOUT(digit) 0.1");
      pressSoon("12*45");
      answers.read = await ask(`EXEC Read "K,/p/one&/p/two,4,n,1"`);
      answers.status = await ask("GET VARIABLE READSTATUS");
      answers.keys = await ask("GET VARIABLE K");
      pressSoon("12");
      await ask(`EXEC Read "K,/p/one,4,n,1"`);
      answers.late = await ask("GET VARIABLE READSTATUS");
      answers.few = await ask("GET VARIABLE K");
      pressSoon("9#1");
      answers.data = await ask("GET DATA /p/one 1000 4");
      answers.state = await ask("CHANNEL STATUS");
    },
  });
  expect(answers.cut).toMatch(/^200 result=35 endpos=[3-8]\d\d$/);
  expect(answers).toMatchObject({
    lost: "200 result=0",
    read: "200 result=0",
    status: "200 result=1 (OK)",
    keys: "200 result=1 (12*4)",
    late: "200 result=1 (TIMEOUT)",
    few: "200 result=1 (12)",
    data: "200 result=9",
    state: "200 result=4",
  });
});

test("a command sent while a prompt plays cuts it short, and the prompt stays without a reply", async () => {
  let answer = "";
  await callServedBy({
    pay: async ({ socket, ask }) => {
      socket.write(`STREAM FILE /p/welcome ""\n`);
      await delay(50);
      answer = await ask("CHANNEL STATUS");
    },
  });
  expect(answer).toBe("200 result=4");
});

test("a caller who hangs up: the running command fails, HANGUP follows, and the books are closed on a dead channel", async () => {
  const heard: (string | null)[] = [];
  const end = await callServedBy({
    pay: async ({ ask, line }, call) => {
      await ask("ANSWER");
      setTimeout(() => call.hangUp(), 100);
      heard.push(await ask("WAIT FOR DIGIT 10000"), await line(), await line());
    },
    ended: async ({ ask }) => {
      heard.push(await ask("ANSWER"), await ask("HANGUP"), await ask('STREAM FILE x ""'), await ask("CHANNEL STATUS"));
      heard.push(await ask("GET VARIABLE CDR(billsec,f)"), await ask("EXEC NoOp"));
    },
  });
  expect(end.endedBy).toBe("caller");
  const refused = "511 Command Not Permitted on a dead channel or intercept routine";
  expect(heard.slice(0, 3)).toEqual(["200 result=-1", "HANGUP", null]);
  expect(heard.slice(3, 7)).toEqual([refused, refused, refused, refused]);
  expect(heard.slice(7)).toEqual([`200 result=1 (${((end.talkMs ?? 0) / 1_000).toFixed(6)})`, "200 result=0"]);
});

test("TIMEOUT(absolute) ends a call whose server is frozen, and then the other server is asked first", async () => {
  const asked: string[] = [];
  const script = (name: string) => async (request: Request) => {
    const script = request.environment[1]?.replace("agi_network_script: ", "");
    asked.push(`${name} ${script}`);
    if (script === "ended") return void (await request.ask("SET VARIABLE P2P_CLOSED 1"));
    await request.ask("ANSWER");
    await request.ask("SET VARIABLE TIMEOUT(absolute) 0.4");
    while ((await request.line()) !== null);
  };
  await using one = await serveScript(script("one"));
  await using two = await serveScript(script("two"));
  const call = dial({
    number: "0900900904",
    callerId: "0441112233",
    agiServers: [one.address, two.address],
    secret: "s",
    trunk: "demo",
    promptLengthMs: () => PROMPT_MS,
  });
  const end = await call.finished;
  expect(end).toMatchObject({ endedBy: "backstop", cause: 16 });
  expect(end.talkMs).toBeGreaterThanOrEqual(399); // not before its time; that it ended at all is the rule
  expect(asked).toEqual(["one pay", "two ended"]);
});

test("HANGUP by a server ends the call, and a cause that it gives is the call's", async () => {
  const hungUp = await callServedBy({
    pay: async ({ ask }) => {
      await ask("ANSWER");
      await ask("HANGUP");
    },
  });
  expect(hungUp).toMatchObject({ endedBy: "server", cause: 16 });
  const refused = await callServedBy({ pay: async ({ ask }) => void (await ask("SET VARIABLE P2P_CAUSE 21")) });
  expect(refused).toEqual({ answeredAtMs: null, talkMs: null, endedBy: "server", cause: 21 });
});

test("a server that floods the line is dropped, and options that could break a line are refused", async () => {
  const end = await callServedBy({
    pay: async ({ socket }) => {
      socket.write("NOOP\n".repeat(10_000));
      await new Promise((resolve) => socket.once("close", resolve));
    },
    options: { limits: { requests: 1 } },
  });
  expect(end).toMatchObject({ endedBy: "server", cause: 34 });
  const options = { number: "0900900904", agiServers: ["127.0.0.1:1"], secret: "s", trunk: "demo" as const };
  const refuse = (changes: Partial<DialOptions>) => () =>
    dial({ ...options, callerId: null, promptLengthMs: () => 0, ...changes });
  for (const changes of [
    { callerId: "1\nagi_x: 1" },
    { uniqueid: "a b" },
    { secret: "a\nb" },
    { agiServers: [] },
    { agiServers: ["nowhere"] },
  ])
    expect(refuse(changes)).toThrow(RangeError);
});

test("the line waits and asks as often as the dialplan does", async () => {
  const dialplan = await readFile(new URL("../../asterisk-config/extensions.conf", import.meta.url), "utf8");
  const setting = (name: string) => Number(new RegExp(`^${name} = ([\\d.]+)$`, "m").exec(dialplan)?.[1]);
  expect(LINE_LIMITS).toMatchObject({
    unservedMs: setting("P2P_UNSERVED_SECONDS_MAX") * 1_000,
    freshMs: setting("P2P_FRESH_SECONDS_MAX") * 1_000,
    requests: setting("P2P_REQUESTS_MAX"),
    servedMs: setting("P2P_SERVED_SECONDS") * 1_000,
    pauseMs: setting("P2P_PAUSE_SECONDS") * 1_000,
  });
});

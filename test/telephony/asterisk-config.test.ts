import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test as jestTest } from "@jest/globals";
import { findAsterisk, type RunningAsterisk, startAsterisk } from "../../bin/asterisk.ts";
import { eventually } from "../support/eventually.ts";
import { dtmfTones } from "./dtmf-tones.ts";
import { type Call, placeCall } from "./sip-call.ts";

const sipPort = 15060;
const agiPorts = [14573, 14574] as const;
const agiSecret = "secret-of-this-test";
const call = { number: "0900900904", sipPort, timeoutMs: 15_000 } as const;

/** On a laptop without Asterisk or SIPp these are skipped, in CI they fail. */
const sippIsThere = await promisify(execFile)("sipp", ["-v"]).then(
  () => true,
  (error: { code?: unknown }) => error.code !== "ENOENT",
);
const test = process.env.CI || (sippIsThere && (await findAsterisk())) ? jestTest : jestTest.skip;

/** One FastAGI request as a tiny server sees it. */
interface Request {
  readonly server: 1 | 2;
  readonly script: string;
  readonly uniqueid: string;
  readonly parameters: readonly string[];
  /** Sends a command and gives its reply, or "closed". */
  readonly command: (text: string) => Promise<string>;
  readonly hungUp: Promise<void>;
  readonly socket: Socket;
}

let asterisk: RunningAsterisk | undefined;
let directory = "";
let servers: Server[] = [];
let requests: Request[] = [];
let answerRequest: (request: Request) => Promise<void> = async () => {};

beforeAll(async () => {
  if (test === jestTest.skip) return;
  directory = await mkdtemp(join(tmpdir(), "p2p-config-test-"));
  const promptsDirectory = join(directory, "prompts");
  await mkdir(join(promptsDirectory, "en"), { recursive: true });
  await writeFile(join(promptsDirectory, "en", "prompt.alaw"), dtmfTones(""));
  servers = await Promise.all([listen(1), listen(2)]);
  asterisk = await startAsterisk({
    directory: join(directory, "asterisk"),
    sipPort,
    httpPort: 18088,
    amiPort: 15038,
    rtpPorts: [29000, 29199],
    agiServers: [`127.0.0.1:${agiPorts[0]}`, `127.0.0.1:${agiPorts[1]}`],
    agiSecret,
    amiSecret: "ami-secret-of-this-test",
    softphonePasswords: ["password-of-this-test"],
    promptsDirectory,
  });
});

afterAll(async () => {
  await asterisk?.stop();
  for (const server of servers) server.close();
  if (directory) await rm(directory, { recursive: true, force: true });
});

test("a clean start leaves no warning and no error in the log", async () => {
  const log = await readFile(asterisk!.logFile, "utf8");
  expect(log.split("\n").filter((line) => /WARNING|ERROR/.test(line))).toEqual([]);
});

test("the example of a site has the very files that the configuration includes", async () => {
  const config = join(import.meta.dirname, "../../asterisk-config");
  const included = new Set<string>();
  for (const name of await readdir(config)) {
    const text = name.endsWith(".conf") ? await readFile(join(config, name), "utf8") : "";
    for (const [, file] of text.matchAll(/^#include "site\.d\/(.+)"$/gm)) included.add(file!);
  }
  expect((await readdir(join(config, "site.example"))).sort()).toEqual([...included].sort());
  expect((await readdir(join(directory, "asterisk", "etc", "site.d"))).sort()).toEqual([...included].sort());
});

test("a number that is none of ours is refused with 404 before any answer, and no server hears of it", async () => {
  const outcome = await play(async () => {}, { scenario: "caller-is-refused", number: "0911234567" });
  expect(outcome).toMatchObject({ exitCode: 0, finalStatus: 404, answeredAfterMs: null });
  expect(requests).toEqual([]);
});

test("a number arrives as the national one, however the carrier writes it, and a server can refuse it unanswered", async () => {
  for (const number of ["0900900904", "+41900900904", "0041900900904", "41900900904"]) {
    const outcome = await play(
      async ({ command, socket }) => {
        await command("SET VARIABLE P2P_CAUSE 21");
        await command("SET VARIABLE P2P_CLOSED 1");
        await command("SET VARIABLE P2P_DONE 1");
        socket.end();
      },
      { scenario: "caller-is-refused", number, expectedStatus: 403 },
    );
    expect(outcome).toMatchObject({ exitCode: 0, finalStatus: 403 });
    expect(requests).toMatchObject([{ script: "pay", parameters: [agiSecret, "demo", "0900900904"] }]);
  }
});

test("when the first server dies in mid-call, the second has the same call at once, the caller still on the line", async () => {
  let diedAtMs = 0;
  let takenOverAtMs = 0;
  let stateAtTakeOver = "";
  const outcome = await play(
    async (request) => {
      if (request.server === 1) {
        await request.command("ANSWER");
        await request.command("EXEC StartMusicOnHold phone2pay");
        diedAtMs = performance.now();
        request.socket.resetAndDestroy();
        return;
      }
      takenOverAtMs = performance.now();
      stateAtTakeOver = await request.command("GET VARIABLE CHANNEL(state)");
      await finish(request);
    },
    { scenario: "caller-silent" },
  );
  expect(outcome).toMatchObject({ exitCode: 0, finalStatus: 200, endedBy: "asterisk" });
  expect(requests.map(({ server, script }) => [server, script])).toEqual([
    [1, "pay"],
    [2, "pay"],
  ]);
  expect(requests[1]!.uniqueid).toBe(requests[0]!.uniqueid);
  expect(stateAtTakeOver).toBe("200 result=1 (Up)");
  expect(takenOverAtMs - diedAtMs).toBeLessThan(250);
});

test("when nobody closed the books, the hang-up handler asks a server to, with the exact times of the call", async () => {
  const times: string[] = [];
  const outcome = await play(
    async ({ script, command, hungUp, socket }) => {
      if (script === "pay") {
        await command("ANSWER");
        await hungUp;
      } else {
        times.push(await command("GET VARIABLE CDR(answer,u)"), await command("GET VARIABLE CDR(end,u)"));
        await command("SET VARIABLE P2P_CLOSED 1");
      }
      socket.end();
    },
    { scenario: "caller-hangs-up-half-way", digits: "1", hangUpAfterMs: 1200 },
  );
  expect(outcome).toMatchObject({ exitCode: 0, endedBy: "caller" });
  await eventually(() => times.length === 2);
  expect(requests.map(({ script }) => script)).toEqual(["pay", "ended"]);
  const [answer, end] = times.map((reply) => Number(/\((\d+\.\d{6})\)/.exec(reply)?.[1]));
  expect(Math.abs(end! - answer! - outcome.talkSeconds!)).toBeLessThan(0.1);

  await eventually(async () => (await cdrLines()).some((line) => line.startsWith(`"${requests[0]!.uniqueid}",`)));
  const record = (await cdrLines()).find((line) => line.startsWith(`"${requests[0]!.uniqueid}",`))!.split(",");
  expect(record.slice(1, 2)).toEqual(['"0900900904"']);
  expect([Number(record[5]), Number(record[6])]).toEqual([answer, end]);
});

test("when the server has closed the books, nobody is asked again", async () => {
  await play(async (request) => finish(request), { scenario: "caller-is-refused", expectedStatus: 603 });
  expect(requests.map(({ script }) => script)).toEqual(["pay"]);
});

test("keys arrive as telephone-event, as SIP INFO and as tones in the sound, on one and the same line", async () => {
  for (const scenario of ["caller-keys-code-and-waits", "caller-keys-by-info", "caller-keys-in-band"] as const) {
    let keyed = "";
    const outcome = await play(
      async (request) => {
        await request.command("ANSWER");
        keyed = await readKeys(request, 4, "");
        await finish(request);
      },
      { scenario, digits: "4711" },
    );
    expect({ scenario, keyed }).toEqual({ scenario, keyed: "4711" });
    expect(outcome).toMatchObject({ exitCode: 0, finalStatus: 200, endedBy: "asterisk" });
  }
});

test("keys arrive before the answer, and reading them answers nothing", async () => {
  let keyed = "";
  let answeredAtMs = 0;
  const outcome = await play(
    async (request) => {
      await request.command("EXEC Progress");
      keyed = await readKeys(request, 1, "n");
      answeredAtMs = Date.now();
      await request.command("ANSWER");
      keyed += await readKeys(request, 4, "");
      await finish(request);
    },
    { scenario: "caller-accepts-price-then-keys", digits: "0815" },
  );
  // Read gives the key # as the end of what was keyed, and so as nothing.
  expect(keyed).toBe("0815");
  expect(outcome).toMatchObject({ exitCode: 0, finalStatus: 200, endedBy: "asterisk" });
  expect(Math.abs(outcome.startedAtMs + outcome.answeredAfterMs! - answeredAtMs)).toBeLessThan(250);
});

/** One call, answered by the given server, with the requests it led to left in `requests`. */
async function play(serve: (request: Request) => Promise<void>, particulars: Partial<Call> & Pick<Call, "scenario">) {
  requests = [];
  answerRequest = serve;
  const outcome = await placeCall({ ...call, ...particulars });
  await eventually(async () => /^0 active channels/m.test(await asterisk!.rx("core show channels count")));
  if (outcome.exitCode !== 0) throw new Error(outcome.log);
  return outcome;
}

async function finish({ command, socket }: Request): Promise<void> {
  await command("SET VARIABLE P2P_CLOSED 1");
  await command("SET VARIABLE P2P_DONE 1");
  socket.end();
}

async function readKeys({ command }: Request, keysMax: number, options: string): Promise<string> {
  await command(`EXEC Read KEYED,${join(directory, "prompts", "prompt")},${keysMax},${options},1,4`);
  return /\((.*)\)/.exec(await command("GET VARIABLE KEYED"))?.[1] ?? "";
}

async function cdrLines(): Promise<string[]> {
  return (await readFile(asterisk!.cdrFile, "utf8").catch(() => "")).split("\n");
}

function listen(number: 1 | 2): Promise<Server> {
  const server = createServer((socket) => {
    const variables = new Map<string, string>();
    let reply: ((line: string) => void) | undefined;
    let noteHangUp = () => {};
    const hungUp = new Promise<void>((resolve) => {
      noteHangUp = resolve;
    });
    const command = (text: string): Promise<string> =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve("closed");
        reply = resolve;
        socket.write(`${text}\n`);
      });
    const begin = () => {
      const parameters = [1, 2, 3].map((index) => variables.get(`agi_arg_${index}`) ?? "");
      const [script, uniqueid] = [variables.get("agi_network_script") ?? "", variables.get("agi_uniqueid") ?? ""];
      const request = { server: number, script, uniqueid, parameters, command, hungUp, socket };
      requests.push(request);
      void answerRequest(request);
    };
    const take = (line: string) => {
      if (line === "HANGUP") return noteHangUp();
      if (line === "") return begin();
      const variable = /^(agi_\w+): (.*)$/.exec(line);
      if (variable) variables.set(variable[1]!, variable[2]!);
      else reply?.(line);
    };
    let unfinished = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      const lines = (unfinished + text).split("\n");
      unfinished = lines.pop()!;
      for (const line of lines) take(line);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      noteHangUp();
      reply?.("closed");
    });
  });
  return new Promise((resolve) => server.listen(agiPorts[number - 1], "127.0.0.1", () => resolve(server)));
}

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dtmfTones } from "./dtmf-tones.ts";

export type Scenario =
  | "caller-keys-code-and-waits"
  | "caller-keys-early"
  | "caller-accepts-price-then-keys"
  | "caller-wrong-code-three-times"
  | "caller-silent"
  | "caller-hangs-up-half-way"
  | "caller-is-refused"
  | "caller-keys-by-info"
  | "caller-keys-in-band"
  | "caller-vanishes"
  | "caller-keys-early-and-is-refused"
  | "caller-accepts-price-after-answer"
  | "caller-chooses-language-then-keys";

export interface Call {
  readonly scenario: Scenario;
  /** As the caller's network sends it: 0900900904, +41900900904 … */
  readonly number: string;
  readonly digits?: string;
  readonly sipPort: number;
  /** The user of From: a number, or a word like `anonymous` or `sipp`. */
  readonly callerId?: string;
  /** Further lines of the INVITE: `Privacy: id` … */
  readonly headers?: readonly string[];
  /** Where the call comes from: 127.0.0.1 unless told otherwise. */
  readonly sourceAddress?: string;
  readonly pauseBeforeDigitsMs?: number;
  /** caller-hangs-up-half-way: counted from the answer. */
  readonly hangUpAfterMs?: number;
  /** caller-vanishes: SIPp is killed so long after it began. */
  readonly vanishAfterMs?: number;
  /** caller-chooses-language-then-keys */
  readonly languageKey?: string;
  /** caller-is-refused, caller-keys-early-and-is-refused */
  readonly expectedStatus?: number;
  /** What the caller's telephone does with a SIP INFO: by default it gives the call up, as what no scenario expects. */
  readonly onInfo?: "answer" | "ignore";
  /** The whole call; then SIPp gives up with an exit code that isn't 0. */
  readonly timeoutMs: number;
}

export interface CallOutcome {
  /** 0: everything happened in the order that the scenario names. */
  readonly exitCode: number;
  /** When INVITE was sent, in milliseconds since 1970, by SIPp's own trace like everything below. */
  readonly startedAtMs: number;
  /** From INVITE to the arrival of 183, which opens early media. */
  readonly progressAfterMs: number | null;
  /** From INVITE to the arrival of 200. */
  readonly answeredAfterMs: number | null;
  /** From INVITE to BYE, whoever sent it, or to the refusal. */
  readonly endedAfterMs: number | null;
  readonly endedBy: "caller" | "asterisk" | null;
  /** From 200 to BYE: what a carrier would bill. */
  readonly talkSeconds: number | null;
  /** Of the INVITE: 200, 404 … */
  readonly finalStatus: number | null;
  /** The SIP messages as SIPp saw them, then what it complained about. */
  readonly log: string;
}

const scenarios = join(import.meta.dirname, "scenarios");
/** SIPp's play_dtmf: 400 ms to get going, then 200 ms of key and 200 ms of pause each. */
const keyingMsPerDigit = 400;
const keyingMsBefore = 400;
/** SIPp's own time-out rounds to seconds and waits for its last messages. */
const lastMessagesMs = 5000;

export function keyingMs(digits: number): number {
  return keyingMsBefore + keyingMsPerDigit * digits;
}

/** One call by SIPp, played as its scenario says. Any number of them may run at once. SIPp's play_dtmf needs root. */
export async function placeCall(call: Call): Promise<CallOutcome> {
  const directory = await mkdtemp(join(tmpdir(), "p2p-call-"));
  try {
    const tonesFile = join(directory, "tones.alaw");
    if (call.scenario === "caller-keys-in-band") await writeFile(tonesFile, dtmfTones(call.digits ?? ""));
    if (call.scenario === "caller-vanishes") await writeFile(tonesFile, dtmfTones(call.digits ?? "", call.timeoutMs));
    const scenarioFile = join(directory, "scenario.xml");
    await writeFile(scenarioFile, await scenarioOf(call, tonesFile));
    const port = nextPorts();
    const sourceAddress = call.sourceAddress ?? "127.0.0.1";
    const [messages, errors] = [join(directory, "messages.log"), join(directory, "errors.log")];
    const { exitCode, output } = await sipp(
      [
        "-sf",
        scenarioFile,
        "-m",
        "1",
        "-nostdin",
        "-i",
        sourceAddress,
        "-p",
        String(port),
        "-mi",
        sourceAddress,
        "-mp",
        String(port + 2),
        "-trace_msg",
        "-message_file",
        messages,
        "-trace_err",
        "-error_file",
        errors,
        "-timeout",
        `${Math.ceil(call.timeoutMs / 1000)}s`,
        "-timeout_error",
        ...(call.onInfo === "answer" ? ["-aa"] : []),
        ...(call.onInfo === "ignore" ? ["-default_behaviors", "bye"] : []),
        `127.0.0.1:${call.sipPort}`,
      ],
      call.vanishAfterMs ?? call.timeoutMs + lastMessagesMs,
    );
    const trace = await readFile(messages, "utf8").catch(() => "");
    const complaints = await readFile(errors, "utf8").catch(() => "");
    const words = exitCode === 0 ? "" : output.slice(-2000);
    return { exitCode, ...readTrace(trace), log: [trace, complaints, words].filter(Boolean).join("\n") };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The scenario with its parts put in, and this call's values into both. */
async function scenarioOf(call: Call, tonesFile: string): Promise<string> {
  const digits = call.digits ?? "";
  const pauseBeforeDigitsMs = call.pauseBeforeDigitsMs ?? 500;
  const values: Record<string, string> = {
    number: call.number,
    callerId: call.callerId ?? "0441234567",
    // Behind a line that is there in any case: an empty one would end the headers.
    headers: (call.headers ?? []).map((line) => `\n      ${line}`).join(""),
    digits,
    tonesFile,
    pauseBeforeDigitsMs: String(pauseBeforeDigitsMs),
    keyingMs: String(keyingMs(digits.length)),
    hangUpAfterDigitsMs: String(Math.max(0, (call.hangUpAfterMs ?? 2000) - pauseBeforeDigitsMs)),
    languageKey: call.languageKey ?? "1",
    expectedStatus: String(call.expectedStatus ?? 404),
    mediaPort: "[auto_media_port]",
    sound: "", // beside the keys they send none
    "info-digits": await infoDigits(digits),
  };
  return readScenario(call.scenario, values);
}

/** A piece of a scenario, to be put into one in place of a value. */
export function readPart(name: string): Promise<string> {
  return readFile(join(scenarios, "parts", `${name}.xml`), "utf8");
}

/** A scenario as SIPp reads it, with its parts and the values put in. */
export async function readScenario(name: string, values: Readonly<Record<string, string>>): Promise<string> {
  return fill(await readFile(join(scenarios, `${name}.xml`), "utf8"), values);
}

/** `{{name}}` is a value or, where there is none of that name, the file parts/name.xml. */
async function fill(text: string, values: Readonly<Record<string, string>>): Promise<string> {
  let filled = "";
  let from = 0;
  for (const place of text.matchAll(/\{\{([\w-]+)\}\}/g)) {
    const name = place[1]!;
    const value = values[name] ?? (await readPart(name));
    filled += text.slice(from, place.index) + (await fill(value, values));
    from = place.index + place[0].length;
  }
  return filled + text.slice(from);
}

async function infoDigits(digits: string): Promise<string> {
  const part = await readPart("info-digit");
  return Array.from(digits)
    .map((digit, index) => part.replace("{{digit}}", digit).replace("{{sequence}}", String(index + 2)))
    .join("");
}

async function sipp(parameters: readonly string[], killAfterMs: number): Promise<{ exitCode: number; output: string }> {
  // Its screen is drawn by a terminal library, which wants to know a terminal even where there is none.
  const child = spawn("sipp", parameters, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TERM: "xterm" },
  });
  let output = "";
  const keep = (text: string) => {
    output = (output + text).slice(-8000);
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const insist = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? -1));
  });
  clearTimeout(insist);
  return { exitCode, output };
}

interface TracedMessage {
  readonly atMs: number;
  readonly sent: boolean;
  readonly firstLine: string;
  readonly method: string;
}

type TracedCall = Omit<CallOutcome, "exitCode" | "log">;

function readTrace(trace: string): TracedCall {
  const messages = [...tracedMessages(trace)];
  const invite = messages.find(({ sent, firstLine }) => sent && firstLine.startsWith("INVITE "));
  const startedAtMs = invite?.atMs ?? 0;
  const final = messages.find(
    ({ sent, firstLine, method }) => !sent && method === "INVITE" && /^SIP\/2\.0 [2-6]/.test(firstLine),
  );
  const finalStatus = final ? Number(final.firstLine.slice(8, 11)) : null;
  const answeredAtMs = final && finalStatus === 200 ? final.atMs : null;
  const progress = messages.find(({ sent, firstLine }) => !sent && firstLine.startsWith("SIP/2.0 183"));
  const bye = messages.find(({ firstLine }) => firstLine.startsWith("BYE "));
  const endedAtMs = bye?.atMs ?? (answeredAtMs === null ? final?.atMs : undefined) ?? null;
  return {
    startedAtMs,
    progressAfterMs: progress ? progress.atMs - startedAtMs : null,
    answeredAfterMs: answeredAtMs === null ? null : answeredAtMs - startedAtMs,
    endedAfterMs: endedAtMs === null ? null : endedAtMs - startedAtMs,
    endedBy: bye ? (bye.sent ? "caller" : "asterisk") : null,
    talkSeconds: answeredAtMs === null || endedAtMs === null ? null : (endedAtMs - answeredAtMs) / 1000,
    finalStatus,
  };
}

/** SIPp writes a dashed line with the local time to the microsecond, `UDP message sent` or `received`, and the message. */
function* tracedMessages(trace: string): Generator<TracedMessage> {
  const parts = trace.split(/^-{20,} (\d{4}-\d\d-\d\d)[ \t](\d\d:\d\d:\d\d)\.(\d{6}).*$/m);
  for (let index = 1; index + 3 < parts.length; index += 4) {
    const [day, time, microseconds, text] = parts.slice(index, index + 4) as [string, string, string, string];
    const lines = text.trim().split(/\r?\n/);
    const head = lines.findIndex((line) => /^(SIP\/2\.0 \d{3}|[A-Z]+ sip:)/.test(line));
    if (head < 0) continue;
    yield {
      atMs: Date.parse(`${day}T${time}`) + Number(microseconds) / 1000,
      sent: /message sent/.test(lines[0] ?? ""),
      firstLine: lines[head]!,
      method: /^CSeq:\s*\d+\s+([A-Z]+)/im.exec(text)?.[1] ?? "",
    };
  }
}

const portsPerWorker = 1_000;
/** Two lanes of tests run side by side (bin/test.ts), of two workers at most. */
const worker = 2 * Number(process.env.TEST_LANE ?? 1) + Number(process.env.JEST_WORKER_ID ?? 1);
/** SIPp takes the port that it is told, and each of its media streams a pair: eight ports keep two calls apart. */
const portsPerCall = 8;
const firstPort = 15_000 + portsPerWorker * worker;
let callsPlaced = 0;

/** The first of eight ports that no other call of these tests uses now. Asking the system for free ones would be a race. */
function nextPorts(): number {
  return firstPort + portsPerCall * (callsPlaced++ % (portsPerWorker / portsPerCall));
}

import { spawn } from "node:child_process";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { NUMBERS } from "../telephony/exchange.ts";
import { keyingMs, readPart, readScenario } from "../telephony/sip-call.ts";
import { callerSound } from "./caller-sound.ts";
import { type Behaviour, type Caller, wrongCode } from "./crowd.ts";

const SCENARIOS: Readonly<Record<Behaviour, string>> = {
  "keys the code": "caller-keys-code-and-waits",
  "keys before the answer": "caller-keys-early",
  "accepts the price": "caller-accepts-price-then-keys",
  "keys a wrong code first": "caller-keys-wrong-code-first",
  "hangs up half-way": "caller-hangs-up-half-way",
};
const PAUSE_BEFORE_DIGITS_MS = 1_000;
/**
 * In SIPp the sound takes the place of the keys: begun before the last of them has been sent, it would cut it off, and
 * SIPp 3.6.1 may crash. A busy machine is seconds late with keys.
 */
const AFTER_KEYING_MS = 3_000;
/** Callers send sound, too, from the code on; longer than any call here lasts. */
const SOUND_MS = 90_000;
/** After its last call has begun a group is given so long to end. */
const GROUP_ENDS_WITHIN_MS = 150_000;
/** Its SIP port, and a pair of media ports that all of its calls share, with a gap so that no two groups meet. */
const PORTS_PER_GROUP = 8;
const OUTPUT_KEPT_CHARACTERS = 4_000;

/** What SIPp says of a group of calls. */
export interface GroupOutcome {
  readonly behaviour: Behaviour;
  /** Calls that did not go as their scenario says. */
  readonly failed: number;
  /** SIPp's own words, where something failed. */
  readonly complaints: string;
}

/** Ports of the groups, in turn: by the time they come round again, the group before has ended. */
export function groupPorts(first: number, count: number): () => number {
  let given = 0;
  return () => first + PORTS_PER_GROUP * (given++ % Math.floor(count / PORTS_PER_GROUP));
}

/** All callers of one behaviour, played by one SIPp from an injection file, evenly over `beginOverMs`. */
export async function placeGroup(
  callers: readonly Caller[],
  options: {
    readonly sipPort: number;
    readonly ownPort: number;
    readonly beginOverMs: number;
    readonly hangUpAfterMs?: number;
    readonly signal: AbortSignal;
  },
): Promise<GroupOutcome> {
  const { sipPort, ownPort, beginOverMs, hangUpAfterMs = 10_000, signal } = options;
  const [first] = callers;
  if (!first) throw new Error("a group without callers");
  const { behaviour } = first;
  await using directory = await mkdtempDisposable(path.join(tmpdir(), "callers-"));
  const file = (name: string) => path.join(directory.path, name);
  const keying = keyingMs(first.code.length) + AFTER_KEYING_MS;
  const scenario = await readScenario(SCENARIOS[behaviour], {
    number: "[field0]",
    headers: "",
    digits: "[field1]",
    wrongDigits: "[field2]",
    callerId: "[field3]",
    mediaPort: "[media_port]",
    pauseBeforeDigitsMs: String(PAUSE_BEFORE_DIGITS_MS),
    keyingMs: String(keying),
    hangUpAfterDigitsMs: String(hangUpAfterMs - PAUSE_BEFORE_DIGITS_MS - keying),
    soundFile: file("sound.pcap"),
    sound: await readPart("caller-sound"),
  });
  await writeFile(file("scenario.xml"), scenario);
  await writeFile(file("callers.csv"), injected(callers));
  await writeFile(file("sound.pcap"), callerSound(SOUND_MS));
  const beginOver = Math.max(1, Math.round(beginOverMs));
  const parameters = [
    ["-sf", file("scenario.xml")],
    ["-inf", file("callers.csv")],
    ["-m", callers.length, "-l", callers.length],
    ["-r", callers.length, "-rp", beginOver],
    ["-i", "127.0.0.1", "-p", ownPort, "-mi", "127.0.0.1", "-mp", ownPort + 2],
    ["-nostdin", "-trace_err", "-error_file", file("errors.log")],
    ["-trace_stat", "-stf", file("statistics.csv"), "-fd", 1],
    ["-timeout", `${Math.ceil((beginOver + GROUP_ENDS_WITHIN_MS) / 1_000)}s`, "-timeout_error"],
    [`127.0.0.1:${sipPort}`],
  ];
  const { exitCode, signal: killedBy, output } = await sipp(parameters.flat().map(String), signal);
  const failed = failedCalls(await readFile(file("statistics.csv"), "utf8").catch(() => ""));
  const errors = await readFile(file("errors.log"), "utf8").catch(() => "");
  const complaints =
    exitCode === 0
      ? ""
      : [`SIPp ended with ${killedBy ?? `exit code ${exitCode}`}`, errors, errors ? "" : output].join("\n");
  return { behaviour, failed: exitCode === 0 ? 0 : Math.max(1, failed), complaints: complaints.trim() };
}

/** One line for each call, taken in order. */
function injected(callers: readonly Caller[]): string {
  const lines = callers.map(({ name, code, callerId }) =>
    [NUMBERS[name].number, code, wrongCode(code), callerId].join(";"),
  );
  return `SEQUENTIAL\n${lines.join("\n")}\n`;
}

/** Of SIPp's statistics the last line counts. */
function failedCalls(statistics: string): number {
  const lines = statistics.trim().split("\n");
  const column = (lines[0] ?? "").split(";").indexOf("FailedCall(C)");
  return Number(lines.at(-1)?.split(";")[column]) || 0;
}

async function sipp(parameters: readonly string[], signal: AbortSignal) {
  // Its screen is drawn by a terminal library, which wants to know a terminal even where there is none.
  const child = spawn("sipp", parameters, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TERM: "xterm" },
  });
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  let output = "";
  const keep = (text: string) => {
    output = (output + text).slice(-OUTPUT_KEPT_CHARACTERS);
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const end = await new Promise<{ exitCode: number | null; signal: string | null }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  signal.removeEventListener("abort", kill);
  return { ...end, output };
}

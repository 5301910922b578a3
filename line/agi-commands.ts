import { argumentsOf } from "./agi-arguments.ts";
import { APPLICATIONS } from "./applications.ts";
import { readVariable, setVariable, substitute } from "./channel-variables.ts";
import { promptForKeys } from "./keys.ts";
import { ANY_KEY, type LineChannel, type WaitEnd } from "./line-channel.ts";

const FRACTION_SAMPLES_PER_MS = 8; // 8,000 samples a second
const USAGE = "520-Invalid command syntax.  Proper usage follows:\nNo usage text here.\n520 End of proper usage.";
/** GET DATA's own timers, where the command names none, and the most keys it collects. */
const DATA_FIRST_MS = 6_000;
const DATA_NEXT_MS = 2_000;
const DATA_KEYS_MAX = 1_024;

/** A command's reply; null when Asterisk leaves it without one, because the server interrupted it. */
type Reply = string | null;

interface Command {
  readonly runsDead: boolean;
  readonly argumentsMin: number;
  run(channel: LineChannel, args: readonly string[], interrupt: AbortSignal): Promise<Reply> | Reply;
}

/** Runs one command line and answers what Asterisk (res_agi.c) would, without the line end. */
export async function runCommand(channel: LineChannel, line: string, interrupt: AbortSignal): Promise<Reply> {
  const words = argumentsOf(line, channel.options.limits.arguments);
  const found = findCommand(words);
  if (found === null) return "510 Invalid or unknown command";
  const { command, args } = found;
  if (channel.dead && !command.runsDead) return "511 Command Not Permitted on a dead channel or intercept routine";
  if (args.length < command.argumentsMin) return USAGE;
  return await channel.listenWhile(async () => command.run(channel, args, interrupt));
}

/** The command with the most words that the line starts with, in large or small letters. */
function findCommand(words: readonly string[]): { readonly command: Command; readonly args: readonly string[] } | null {
  for (let count = Math.min(words.length, COMMAND_WORDS_MAX); count > 0; count--) {
    const command = COMMANDS.get(words.slice(0, count).join(" ").toUpperCase());
    if (command) return { command, args: words.slice(count) };
  }
  return null;
}

const COMMAND_WORDS_MAX = 3;

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["ANSWER", { runsDead: false, argumentsMin: 0, run: answer }],
  ["HANGUP", { runsDead: false, argumentsMin: 0, run: hangUp }],
  ["NOOP", { runsDead: true, argumentsMin: 0, run: () => "200 result=0" }],
  ["VERBOSE", { runsDead: true, argumentsMin: 1, run: () => "200 result=1" }],
  ["CHANNEL STATUS", { runsDead: false, argumentsMin: 0, run: channelStatus }],
  ["STREAM FILE", { runsDead: false, argumentsMin: 2, run: streamFile }],
  ["WAIT FOR DIGIT", { runsDead: false, argumentsMin: 1, run: waitForDigit }],
  ["GET DATA", { runsDead: false, argumentsMin: 1, run: getData }],
  ["GET VARIABLE", { runsDead: true, argumentsMin: 1, run: getVariable }],
  ["GET FULL VARIABLE", { runsDead: true, argumentsMin: 1, run: getFullVariable }],
  ["SET VARIABLE", { runsDead: true, argumentsMin: 2, run: setOneVariable }],
  ["EXEC", { runsDead: true, argumentsMin: 1, run: exec }],
]);

function answer(channel: LineChannel): Reply {
  channel.answer();
  return channel.hungUp.aborted ? "200 result=-1" : "200 result=0";
}

function hangUp(channel: LineChannel): Reply {
  channel.end("server");
  return "200 result=1";
}

/** 4 is ringing, 6 is up. */
function channelStatus(channel: LineChannel): Reply {
  return channel.state === "Up" ? "200 result=6" : "200 result=4";
}

async function streamFile(channel: LineChannel, args: readonly string[], interrupt: AbortSignal): Promise<Reply> {
  const [file = "", keys = ""] = args;
  const played = await channel.play(file, { keys, interrupt });
  if (played === null) return "200 result=-1 endpos=0";
  if (played.end.kind === "interrupted") return null;
  return `200 result=${resultOf(played.end)} endpos=${Math.round(played.playedMs * FRACTION_SAMPLES_PER_MS)}`;
}

async function waitForDigit(channel: LineChannel, args: readonly string[], interrupt: AbortSignal): Promise<Reply> {
  const ms = Number(args[0]);
  if (!Number.isInteger(ms)) return USAGE;
  const end = await channel.wait({ ms: ms < 0 ? channel.options.limits.callMs : ms, keys: ANY_KEY, interrupt });
  return `200 result=${resultOf(end)}`;
}

/** The key's ASCII code, 0 when time ran out, -1 for a caller who hung up, 1 when the server interrupted. */
function resultOf(end: WaitEnd): number {
  if (end.kind === "key") return end.key.charCodeAt(0);
  return { time: 0, hung_up: -1, interrupted: 1 }[end.kind];
}

async function getData(channel: LineChannel, args: readonly string[], interrupt: AbortSignal): Promise<Reply> {
  const [file = "", timeout = "0", most = ""] = args;
  const ms = Number(timeout);
  if (!Number.isInteger(ms)) return USAGE;
  const own = ms < 0 ? channel.options.limits.callMs : ms;
  const read = await promptForKeys(channel, [file], {
    firstMs: own === 0 ? DATA_FIRST_MS : own,
    nextMs: own === 0 ? DATA_NEXT_MS : own,
    keysMax: Number(most) >= 1 ? Math.min(Number(most), DATA_KEYS_MAX) : DATA_KEYS_MAX,
    interrupt,
  });
  if (read.outcome === "interrupted") return null;
  if (read.outcome === "failed") return "200 result=-1";
  return read.outcome === "timeout" ? `200 result=${read.keys} (timeout)` : `200 result=${read.keys}`;
}

function getVariable(channel: LineChannel, [name = ""]: readonly string[]): Reply {
  const value = readVariable(channel, name);
  return value === null ? "200 result=0" : `200 result=1 (${value})`;
}

function getFullVariable(channel: LineChannel, [expression = ""]: readonly string[]): Reply {
  return `200 result=1 (${substitute(channel, expression)})`;
}

function setOneVariable(channel: LineChannel, [name = "", value = ""]: readonly string[]): Reply {
  setVariable(channel, name, value);
  return "200 result=1";
}

async function exec(channel: LineChannel, [name = "", options = ""]: readonly string[]): Promise<Reply> {
  const application = APPLICATIONS.get(name.toLowerCase());
  if (!application) return "200 result=-2";
  return `200 result=${await application(channel, options.split(","))}`;
}

import { setVariable } from "./channel-variables.ts";
import { type KeyString, promptForKeys } from "./keys.ts";
import type { LineChannel } from "./line-channel.ts";

type Application = (channel: LineChannel, args: readonly string[]) => Promise<number> | number;

/** The dialplan applications of this line by name, in small letters; each answers what EXEC gives as its result. */
export const APPLICATIONS: ReadonlyMap<string, Application> = new Map<string, Application>([
  ["noop", () => 0],
  ["progress", progress],
  ["startmusiconhold", (channel) => music(channel, true)],
  ["stopmusiconhold", (channel) => music(channel, false)],
  ["wait", waitSeconds],
  ["read", read],
]);

function progress(channel: LineChannel): number {
  channel.progress();
  return 0;
}

function music(channel: LineChannel, playing: boolean): number {
  channel.music(playing);
  return 0;
}

async function waitSeconds(channel: LineChannel, [seconds = "0"]: readonly string[]): Promise<number> {
  const end = await channel.wait({ ms: Math.max(0, Number(seconds) || 0) * 1_000 });
  return end.kind === "hung_up" ? -1 : 0;
}

const KEYS_MAX = 255;

/** Read(variable[,file[&file…]][,keys][,options][,attempts][,seconds]); of the options n and s. */
async function read(channel: LineChannel, args: readonly string[]): Promise<number> {
  const [variable = "", files = "", wanted = "", options = "", attempts = "", seconds = ""] = args;
  if (variable === "") return 0;
  const finish = (keys: string, status: string): number => {
    setVariable(channel, variable, keys);
    setVariable(channel, "READSTATUS", channel.hungUp.aborted ? "HANGUP" : status);
    return 0;
  };
  if (channel.state !== "Up" && options.includes("s")) return finish("", "SKIPPED");
  if (!options.includes("n")) channel.answer();
  const keysMax = Number(wanted) >= 1 && Number(wanted) <= KEYS_MAX ? Math.trunc(Number(wanted)) : KEYS_MAX;
  const ownMs = Number(seconds) > 0 ? Number(seconds) * 1_000 : null;
  const request = { firstMs: ownMs ?? channel.responseMs, nextMs: ownMs ?? channel.digitMs, keysMax };
  let answer: KeyString = { outcome: "failed", keys: "" };
  for (let left = Math.max(1, Math.trunc(Number(attempts)) || 1); left > 0; left--) {
    answer = await promptForKeys(channel, files.split("&"), request);
    if (answer.keys !== "" || answer.outcome === "failed") break;
  }
  return finish(answer.keys, STATUS[answer.outcome]);
}

const STATUS = { complete: "OK", timeout: "TIMEOUT", failed: "ERROR", interrupted: "INTERRUPTED" } as const;

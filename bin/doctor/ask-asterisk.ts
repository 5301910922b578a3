import { AmiError, type AmiErrorKind, connectAmi, type DialplanStep } from "../../agi/ami.ts";
import type { Config } from "../../core/config.ts";
import { type ClockReading, readClock } from "./clock.ts";
import { type Finding, reasonOf, unknown, well, wrong } from "./finding.ts";

/** All is asked at once, so that the whole takes no longer than login, clock and one more answer. */
const LIMITS = { loginMilliseconds: 3_000, actionMilliseconds: 3_000, listMilliseconds: 3_000, pendingActions: 40 };
const CHECK = "manager.login";

/** The modules without which sound isn't understood; which of them a site needs is for its endpoints to say. */
export const SOUND_MODULES = ["codec_alaw", "codec_ulaw", "codec_g722", "format_pcm"] as const;
/** Those that the dialplan and the voice servers call by name. */
export const DIALPLAN_MODULES = [
  "app_exec",
  "app_playback",
  "app_read",
  "app_stack",
  "cdr_custom",
  "func_callerid",
  "func_cdr",
  "func_channel",
  "func_logic",
  "func_strings",
  "func_timeout",
  "res_agi",
  "res_musiconhold",
] as const;
export type ModuleName = (typeof SOUND_MODULES)[number] | (typeof DIALPLAN_MODULES)[number];

/** What the running Asterisk says of itself. */
export interface AsteriskTold {
  readonly configDirectory: string;
  /** `host:port`, as the dialplan has them. */
  readonly agiServers: readonly string[];
  readonly agiSecret: string;
  readonly promptsDirectory: string;
  readonly clock: ClockReading;
  readonly steps: readonly DialplanStep[];
  /** Null when func_module isn't loaded, by which it is asked. */
  readonly missingModules: ReadonlySet<ModuleName> | null;
}

export interface Asked {
  /** Null when Asterisk can't be asked. */
  readonly told: AsteriskTold | null;
  readonly finding: Finding;
}

/** Asks the running Asterisk, through its manager interface, all that the checks want to know of it. */
export async function askAsterisk(ami: Config["ami"], now: () => number): Promise<Asked> {
  if (!ami) {
    const mend = "Set the four variables PHONE2PAY_AMI_…, and more can be looked at.";
    return { told: null, finding: unknown(CHECK, "not configured, so Asterisk itself can't be asked", mend) };
  }
  const where = `${ami.host}:${ami.port}`;
  try {
    await using asterisk = await connectAmi({ ...ami, limits: LIMITS });
    const read = (expression: string) => asterisk.getVariable(expression);
    const clock = await readClock(now, async () => Number(await read("STRFTIME(,,%s.%3q)")) * 1_000);
    const [configDirectory, first, second, agiSecret, promptsDirectory] = await Promise.all(
      ["ASTETCDIR", "P2P_AGI_1", "P2P_AGI_2", "P2P_SECRET", "P2P_PROMPTS"].map(read),
    );
    const [steps, missingModules] = await Promise.all([asterisk.showDialplan(), askModules(read)]);
    const told: AsteriskTold = {
      configDirectory: configDirectory ?? "",
      agiServers: [first ?? "", second ?? ""],
      agiSecret: agiSecret ?? "",
      promptsDirectory: promptsDirectory ?? "",
      clock,
      steps,
      missingModules,
    };
    return { told, finding: well(CHECK, `lets us in at ${where}`) };
  } catch (error) {
    const mend = error instanceof AmiError ? MENDS[error.kind] : undefined;
    const found = `${where}: ${reasonOf(error)}`;
    return { told: null, finding: wrong(CHECK, found, mend ?? "See Asterisk's log, and look again.") };
  }
}

const MENDS: { readonly [Kind in AmiErrorKind]?: string } = {
  unreachable:
    "Start Asterisk; see «enabled», «bindaddr» and «port» in site.d/manager.conf, and PHONE2PAY_AMI_HOST and _PORT.",
  refused:
    "Give PHONE2PAY_AMI_USER and PHONE2PAY_AMI_SECRET the name and secret of site.d/manager.conf; its «permit» must hold our address.",
  closed: "See «permit» in manager.conf: Asterisk closes connections from addresses that it doesn't list.",
  time_out: "Asterisk hangs, or something else listens there: see its log, and restart it.",
  bad_reply: "Another program listens there: set PHONE2PAY_AMI_PORT to the port of site.d/manager.conf.",
  failed: "Give the user of site.d/manager.conf the template (phone2pay-rights), unchanged.",
};

/** `IFMODULE` answers 1 or 0, and nothing at all where it isn't there itself. */
async function askModules(read: (expression: string) => Promise<string>): Promise<AsteriskTold["missingModules"]> {
  const names = [...SOUND_MODULES, ...DIALPLAN_MODULES];
  const answers = await Promise.all(names.map((name) => read(`IFMODULE(${name}.so)`)));
  return answers.includes("") ? null : new Set(names.filter((_name, index) => answers[index] !== "1"));
}

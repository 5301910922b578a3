import type { Config } from "../../core/config.ts";
import { type Asked, type AsteriskTold, askAsterisk } from "./ask-asterisk.ts";
import { type AsteriskFiles, lastValue, openAsteriskFiles } from "./asterisk-files.ts";
import { checkCodecs } from "./check-codecs.ts";
import { checkConfiguration } from "./check-configuration.ts";
import { checkDatabase } from "./check-database.ts";
import { checkDialplan } from "./check-dialplan.ts";
import { checkFastagi, isLoopback, type VoiceServers } from "./check-fastagi.ts";
import { checkJournal } from "./check-journal.ts";
import { checkAsteriskPorts, checkHttp } from "./check-ports.ts";
import { checkPrompts } from "./check-prompts.ts";
import { checkSecrets } from "./check-secrets.ts";
import { compareClocks } from "./clock.ts";
import { examined, type Finding, reasonOf, unknown } from "./finding.ts";

const USUAL_DIRECTORY = "/etc/asterisk";
const NEEDS_CONFIG = ["database.reachable", "manager.login", "fastagi.server", "ports.http"] as const;
const NEEDS_ASTERISK = ["asterisk.clock", "dialplan.steps", "dialplan.modules", "dialplan.secret"] as const;
const WITHOUT_ASTERISK = [
  "manager.login",
  ...NEEDS_ASTERISK,
  "prompts.recordings",
  "codecs.modules",
  "codecs.endpoints",
  "ports.sip",
] as const;

/** What is to be examined. */
export interface Installation {
  /** The variables that the product is configured by. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Asterisk's configuration; null for where the running one says it is, else /etc/asterisk. */
  readonly asteriskDirectory: string | null;
  /** Where the simulated line takes Asterisk's place: the voice servers that it asks. Null for a real Asterisk. */
  readonly simulatedLine: { readonly agiServers: readonly string[] } | null;
  /** This machine's clock, in ms since 1970. */
  readonly now?: () => number;
}

/**
 * Looks at everything, all at once, and changes nothing. Settles in time whatever hangs, and never rejects: what can't be
 * looked at because something else is wrong is a finding that says so.
 */
export async function examine(installation: Installation): Promise<readonly Finding[]> {
  const { environment, simulatedLine, now = Date.now } = installation;
  const { config, findings } = checkConfiguration(environment);
  const others = await Promise.all([
    config ? examined("database", () => checkDatabase(config.databaseUrl, now)) : [],
    simulatedLine ? examineSimulated(config, simulatedLine) : examineAsterisk(installation, config),
    config ? examined("ports.http", () => checkHttp(config.http.baseUrl)) : [],
    config ? examined("journal", async () => [await checkJournal(config.agi.journalDirectory, now)]) : [],
  ]);
  const why = "because the configuration is wrong";
  const unseen = config ? [] : NEEDS_CONFIG.map((check) => unknown(check, why));
  return [...findings, ...unseen, ...others.flat()];
}

async function examineSimulated(
  config: Config | null,
  { agiServers }: { readonly agiServers: readonly string[] },
): Promise<readonly Finding[]> {
  const why = "because the line is simulated: there is no Asterisk";
  const voice = { servers: agiServers, asteriskIsElsewhere: false };
  const fastagi = config ? await examined("fastagi", () => checkFastagi(voice, config.agi.secret)) : [];
  const [distinct] = await checkSecrets(config, null);
  return [...WITHOUT_ASTERISK.map((check) => unknown(check, why)), ...fastagi, ...(distinct ? [distinct] : [])];
}

/** First what Asterisk says of itself, which tells where the rest is. */
async function examineAsterisk(
  { asteriskDirectory, now = Date.now }: Installation,
  config: Config | null,
): Promise<readonly Finding[]> {
  const asked = config ? await askAsterisk(config.ami, now) : null;
  const told = asked?.told ?? null;
  const directory = asteriskDirectory ?? (told?.configDirectory || USUAL_DIRECTORY);
  const opened = await openAsteriskFiles(directory).catch((error: unknown) => reasonOf(error));
  const [files, unseen] = typeof opened === "string" ? [null, notSeen(directory, opened)] : [opened, null];
  const promptsDirectory = told?.promptsDirectory ?? (await siteGlobal(files, "p2p_prompts"));
  const directories = [promptsDirectory, config?.agi.promptsDirectory].filter((name) => typeof name === "string");
  const voice = await voiceServersOf(config, told, files);
  const checked = await Promise.all([
    examined("dialplan", async () => findingsOfTold(asked, config)),
    config ? examined("fastagi", () => checkFastagi(voice, config.agi.secret)) : [],
    examined("prompts", () => checkPrompts(directories, files)),
    examined("codecs", () => checkCodecs(told, files)),
    examined("ports", () => checkAsteriskPorts(files)),
    examined("secrets", () => checkSecrets(config, files)),
  ]);
  return [...(asked ? [asked.finding] : []), ...(unseen ? [unseen] : []), ...checked.flat()];
}

function notSeen(directory: string, reason: string): Finding {
  const mend =
    "Run the doctor on Asterisk's machine, as a user who may read its configuration; --asterisk-config says where it is.";
  return unknown("asterisk.configuration", `can't be read in ${directory}: ${reason}`, mend);
}

async function findingsOfTold(asked: Asked | null, config: Config | null): Promise<readonly Finding[]> {
  if (!asked?.told) return NEEDS_ASTERISK.map((check) => unknown(check, "because Asterisk can't be asked"));
  const clock = compareClocks("asterisk.clock", "Asterisk's machine", asked.told.clock);
  return [clock, ...(await checkDialplan(asked.told, config?.agi.secret ?? null))];
}

/** As the running dialplan has them, else as its files do, else the one that is configured here. */
async function voiceServersOf(
  config: Config | null,
  told: AsteriskTold | null,
  files: AsteriskFiles | null,
): Promise<VoiceServers> {
  const asteriskIsElsewhere = config?.ami ? !isLoopback(config.ami.host) : false;
  if (told) return { servers: told.agiServers, asteriskIsElsewhere };
  const written = [await siteGlobal(files, "p2p_agi_1"), await siteGlobal(files, "p2p_agi_2")].filter(
    (name) => name !== null,
  );
  const { host, port } = config?.agi ?? { host: "127.0.0.1", port: 0 };
  const own = `${host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host}:${port}`;
  return written.length > 0
    ? { servers: written, asteriskIsElsewhere }
    : { servers: [own], asteriskIsElsewhere: false };
}

async function siteGlobal(files: AsteriskFiles | null, key: string): Promise<string | null> {
  const sections = await files?.sections("site.d/extensions.conf").catch(() => []);
  return lastValue(
    (sections ?? []).flatMap(({ entries }) => entries),
    key,
  );
}

import { realpath } from "node:fs/promises";
import path from "node:path";
import { type DemoShop, startDemoShop } from "../demo/shop.ts";
import { type RunningAsterisk, startAsterisk } from "./asterisk.ts";
import {
  acceptsConnections,
  answersHttp,
  type Child,
  hangsOnHttp,
  keepRunning,
  untilReady,
  watchOver,
} from "./child-processes.ts";
import type { CompleteSecrets } from "./demo-secrets.ts";
import { type DemoSettings, shopUrlOf } from "./demo-settings.ts";
import { pingAgi } from "./doctor/ping-agi.ts";
import type { ProcessRecord } from "./left-overs.ts";
import { type SimulatedLine, startSimulatedLine } from "./simulated-line.ts";

const READY_MS_MAX = 60_000;
/** Two for each call: as many as Asterisk takes calls at once, several times over. */
const RTP_PORTS = 4_000;
const PROGRAM = path.join(import.meta.dirname, "phone2pay.ts");
const PROMPTS = path.resolve(import.meta.dirname, "../asterisk-config/prompts");

/** What every part of the demo is started with. */
export interface Stage {
  readonly settings: DemoSettings;
  readonly secrets: CompleteSecrets;
  readonly databaseUrl: string;
  readonly asterisk: "real" | "simulated";
  readonly tell: (line: string) => void;
  readonly record: (record: ProcessRecord) => void;
}

export function baseUrlOf(settings: DemoSettings): string {
  return `http://127.0.0.1:${settings.ports.http}`;
}

/** Asterisk, watched over and started again when it is killed; answers how to stop it. */
export async function startLine({ settings, secrets, record, tell }: Stage): Promise<() => Promise<void>> {
  const { ports } = settings;
  const directory = path.join(settings.directory, "asterisk");
  const begin = async (): Promise<RunningAsterisk> => {
    const asterisk = await startAsterisk({
      directory,
      sipPort: ports.sip,
      httpPort: ports.webSocket,
      amiPort: ports.ami,
      rtpPorts: [ports.rtp, ports.rtp + RTP_PORTS - 1],
      agiServers: [`127.0.0.1:${ports.agi1}`, `127.0.0.1:${ports.agi2}`],
      agiSecret: secrets.agiSecret,
      amiSecret: secrets.amiSecret,
      softphonePasswords: secrets.softphonePasswords,
      promptsDirectory: PROMPTS,
    });
    record({ name: "asterisk", pid: asterisk.pid, mark: await realpath(directory) });
    return asterisk;
  };
  let asterisk = await begin();
  const watch = watchOver({
    name: "Asterisk",
    alive: async () => isAlive(asterisk.pid),
    restart: async () => {
      asterisk = await begin();
    },
    tell,
  });
  return async () => {
    await watch.stop();
    await asterisk.stop();
  };
}

/** The line that takes Asterisk's place, where Asterisk's WebSocket would be: the shop's telephone page dials on it. */
export function startPlayedLine({ settings, secrets }: Stage): Promise<SimulatedLine> {
  const { ports } = settings;
  return startSimulatedLine({
    host: "127.0.0.1",
    port: ports.webSocket,
    agiServers: [`127.0.0.1:${ports.agi1}`, `127.0.0.1:${ports.agi2}`],
    secret: secrets.agiSecret,
    allowedOrigin: shopUrlOf(settings),
    callerId: "0445550100",
  });
}

export type Children = Readonly<Record<"http" | "agi1" | "agi2" | "jobs", Child>>;

/** What all of the product's processes are configured by. */
function productVariables({ settings, secrets, databaseUrl }: Stage): Readonly<Record<string, string>> {
  return {
    DATABASE_URL: databaseUrl,
    PHONE2PAY_HTTP_HOST: "127.0.0.1",
    PHONE2PAY_HTTP_PORT: String(settings.ports.http),
    PHONE2PAY_BASE_URL: baseUrlOf(settings),
    // The shop's page with the telephone beside it shows the payment in its frame.
    PHONE2PAY_FRAME_ANCESTORS: shopUrlOf(settings),
    PHONE2PAY_AGI_HOST: "127.0.0.1",
    PHONE2PAY_AGI_PORT: String(settings.ports.agi1),
    PHONE2PAY_AGI_SECRET: secrets.agiSecret,
    PHONE2PAY_PROMPTS_DIRECTORY: PROMPTS,
    PHONE2PAY_JOURNAL_DIRECTORY: path.join(settings.directory, "journal"),
    PHONE2PAY_CALLER_HASH_KEY: secrets.callerHashKey,
    PHONE2PAY_WEBHOOK_KEY: secrets.webhookKey,
    // The demo's merchant is on this machine.
    PHONE2PAY_WEBHOOK_PRIVATE_ADDRESSES: "yes",
  };
}

/** What the jobs know of Asterisk, besides. */
function asteriskVariables({ settings, secrets, asterisk }: Stage): Readonly<Record<string, string>> {
  if (asterisk === "simulated") return {};
  return {
    PHONE2PAY_AMI_HOST: "127.0.0.1",
    PHONE2PAY_AMI_PORT: String(settings.ports.ami),
    PHONE2PAY_CALL_RECORDS_FILE: path.join(settings.directory, "asterisk/log/cdr-custom/phone2pay.csv"),
    PHONE2PAY_AMI_USER: "phone2pay",
    PHONE2PAY_AMI_SECRET: secrets.amiSecret,
  };
}

/** The whole installation's configuration, for whoever looks at it as one. */
export function environmentOf(stage: Stage): Readonly<Record<string, string>> {
  return { ...productVariables(stage), ...asteriskVariables(stage) };
}

/** The product's own processes: one for pages and web services, two voice servers, one for what the clock does. */
export function startChildren(stage: Stage): {
  readonly children: Children;
  readonly stopChildren: () => Promise<void>;
} {
  const { settings, record, tell } = stage;
  const { ports, directory } = settings;
  const env = { ...process.env, ...productVariables(stage) };
  const child = (
    name: string,
    role: string,
    more: Readonly<Record<string, string>> = {},
    isStuck?: () => Promise<boolean>,
  ): Child => {
    return keepRunning({
      name,
      program: process.execPath,
      args: [PROGRAM, "serve", "--role", role],
      env: { ...env, ...more },
      logFile: path.join(directory, `${name}.log`),
      tell,
      onStart: (pid) => record({ name, pid, mark: `${PROGRAM} serve` }),
      ...(isStuck ? { isStuck } : {}),
    });
  };
  const voice = (name: string, port: number): Child =>
    child(name, "agi", { PHONE2PAY_AGI_PORT: String(port) }, async () => {
      return (await pingAgi(`127.0.0.1:${port}`, stage.secrets.agiSecret)) === "silent";
    });
  const children: Children = {
    http: child("http", "http", { PHONE2PAY_TEST_CALLS_AGI: `127.0.0.1:${ports.agi1},127.0.0.1:${ports.agi2}` }, () =>
      hangsOnHttp(`${baseUrlOf(settings)}/healthz`),
    ),
    agi1: voice("agi-1", ports.agi1),
    agi2: voice("agi-2", ports.agi2),
    jobs: child("jobs", "jobs", asteriskVariables(stage)),
  };
  // First nobody can start to pay any more, then the calls under way are let go, then the clock's work ends.
  const stopChildren = async () => {
    await children.http.stop();
    await Promise.all([children.agi1.stop(), children.agi2.stop()]);
    await children.jobs.stop();
  };
  return { children, stopChildren };
}

export async function childrenReady(settings: DemoSettings, children: Children, signal: AbortSignal): Promise<void> {
  const { ports } = settings;
  const until = (child: Child, ask: () => Promise<boolean>) =>
    untilReady({ name: child.name, ask, timeoutMs: READY_MS_MAX, logFile: child.logFile, signal });
  await Promise.all([
    until(children.http, () => answersHttp(`${baseUrlOf(settings)}/readyz`)),
    until(children.agi1, () => acceptsConnections(ports.agi1)),
    until(children.agi2, () => acceptsConnections(ports.agi2)),
  ]);
}

/** The shop sells in earnest, with the live key: a call pays it. Nobody is billed, because the line is this machine's own. */
export function startShop({ settings, secrets, asterisk }: Stage, simulatedLineUrl: string | null): Promise<DemoShop> {
  const { ports } = settings;
  const accounts = secrets.softphonePasswords.map((password, index) => ({ user: `softphone${index + 1}`, password }));
  return startDemoShop({
    port: ports.shop,
    host: "127.0.0.1",
    phone2pay: { baseUrl: baseUrlOf(settings), apiKey: secrets.liveKey },
    webhookSecret: secrets.shopWebhookSecret,
    softphone:
      asterisk === "real"
        ? { webSocketUrl: `ws://127.0.0.1:${ports.webSocket}/ws`, accounts, sipAddress: `127.0.0.1:${ports.sip}` }
        : null,
    asterisk,
    ...(simulatedLineUrl ? { simulatedLineUrl } : {}),
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

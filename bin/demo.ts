import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { contractOf, summaryOf } from "./demo-contract.ts";
import { prepareDatabase, startDemoDatabase } from "./demo-database.ts";
import { installationFile, installationOf, saveInstallation } from "./demo-installation.ts";
import { childrenReady, type Stage, startChildren, startLine, startPlayedLine, startShop } from "./demo-parts.ts";
import { loadSecrets, writePrivately } from "./demo-secrets.ts";
import { type DemoSettings, readDemoSettings, requireFreePorts } from "./demo-settings.ts";
import { examine } from "./doctor/examine.ts";
import { countOf, faultsOf } from "./doctor/report.ts";
import { endLeftOvers, type ProcessRecord, recordProcesses, runningDemo, thisProcess } from "./left-overs.ts";
import { ensureSystemPackages } from "./system-packages.ts";

/**
 * `phone2pay demo`: everything there is on one machine, as it would run in earnest, each role a process of its own that
 * is started again when it dies. Comes back when it was asked to stop and everything has stopped, in an order in which
 * no call loses its voice server before it was given time to end. What keeps it from starting is said in one line, and
 * the exit code is 1.
 */
export async function runDemo(): Promise<void> {
  const stop = awaitStopRequest();
  process.stdout.on("error", () => {}); // whoever read our lines may be gone before we are
  try {
    await playDemo(stop.signal);
    tell("stopped; the data is kept for the next start");
  } catch (error) {
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  } finally {
    stop.listenNoMore();
  }
}

async function playDemo(stop: AbortSignal): Promise<void> {
  const settings = readDemoSettings(process.env);
  await mkdir(settings.directory, { recursive: true, mode: 0o755 });
  const pidsFile = path.join(settings.directory, "pids.json");
  const running = await runningDemo(pidsFile);
  if (running !== null) throw new Error(`one is running already, as process ${running}; «kill ${running}» stops it`);
  const leftOver = await endLeftOvers(pidsFile);
  if (leftOver.length > 0) tell(`ended what a killed demo had left: ${leftOver.join(", ")}`);
  await rm(settings.contractFile, { force: true }); // a killed demo's: it promises what isn't there
  const processes = recordProcesses(pidsFile);
  processes.add(thisProcess("demo"));

  // Parts are given back in the reverse of the order in which they were started.
  await using parts = new AsyncDisposableStack();
  parts.defer(() => rm(pidsFile, { force: true }));
  parts.defer(() => processes.written());
  try {
    await startParts({ settings, parts, stop, record: processes.add });
    if (!stop.aborted) await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }));
  } catch (error) {
    if (!stop.aborted) throw error; // asked to stop while starting: that is no failure
  }
  tell("stopping …");
}

async function startParts(start: {
  readonly settings: DemoSettings;
  readonly parts: AsyncDisposableStack;
  readonly stop: AbortSignal;
  readonly record: (record: ProcessRecord) => void;
}): Promise<void> {
  const { settings, parts, stop, record } = start;
  const { asterisk, missing } = await ensureSystemPackages("demo", tell);
  for (const part of missing) tell(`missing: ${part}`);
  stop.throwIfAborted();
  await requireFreePorts(settings.ports, [
    "http",
    "shop",
    "agi1",
    "agi2",
    "webSocket",
    ...(asterisk === "real" ? (["sip", "ami"] as const) : []),
  ]);

  tell("starting PostgreSQL …");
  const database = await startDemoDatabase(settings, tell);
  parts.defer(() => database.stop());
  const secrets = await prepareDatabase(database.url, settings, await loadSecrets(settings.directory));
  const stage: Stage = { settings, secrets, databaseUrl: database.url, asterisk, tell, record };
  stop.throwIfAborted();

  if (asterisk === "real") {
    tell("starting Asterisk …");
    parts.defer(await startLine(stage));
  }
  stop.throwIfAborted();

  tell("starting voice servers, pages and jobs …");
  const { children, stopChildren } = startChildren(stage);
  parts.defer(stopChildren);
  await childrenReady(settings, children, stop);
  const playedLine = asterisk === "simulated" ? await startPlayedLine(stage) : null;
  if (playedLine) parts.defer(() => playedLine.close());
  const shop = await startShop(stage, playedLine?.url ?? null);
  parts.defer(() => shop.close());

  const contract = contractOf(stage, shop);
  parts.defer(() => rm(settings.contractFile, { force: true }));
  await writePrivately(settings.contractFile, contract);
  parts.defer(() => rm(installationFile(settings), { force: true }));
  await saveInstallation(settings, installationOf(stage));
  console.log(summaryOf(contract, stage, shop));
  await tellHealth(stage, stop);
}

/** What the doctor finds in a demo that has just started; it is no reason not to run. */
async function tellHealth(stage: Stage, stop: AbortSignal): Promise<void> {
  const stopped = new Promise<null>((resolve) => stop.addEventListener("abort", () => resolve(null), { once: true }));
  const findings = await Promise.race([examine(installationOf(stage)), stopped]);
  if (!findings || stop.aborted) return;
  console.log(`doctor: ${countOf(findings)}`);
  for (const fault of faultsOf(findings)) console.log(`doctor: ${fault}`);
}

/** Aborted by Ctrl-C, SIGTERM, or the end of the process that started us; asking again changes nothing. */
function awaitStopRequest(): { readonly signal: AbortSignal; listenNoMore(): void } {
  const request = new AbortController();
  const ask = () => request.abort();
  const events = ["SIGINT", "SIGTERM", "disconnect"] as const;
  for (const event of events) process.on(event, ask);
  return {
    signal: request.signal,
    listenNoMore() {
      for (const event of events) process.removeListener(event, ask);
    },
  };
}

function tell(line: string): void {
  console.log(`demo: ${line}`);
}

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, statSync, truncateSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const LOG_BYTES_MAX = 20_000_000;
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 5_000;
/** One that ran for so long was well: its next death is taken as a new one. */
const STEADY_MS = 10_000;
const STOP_MS_MAX = 10_000;
const ASK_AGAIN_MS = 100;
/** A child is looked at so often, and given up when it was stuck so many times in a row. */
const PROBE_EVERY_MS = 2_000;
const STUCK_TIMES_MAX = 2;

type Tell = (line: string) => void;

export interface ChildSettings {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly tell: Tell;
  /** Told every new process id, so that a later start can find what a killed one left behind. */
  readonly onStart: (pid: number) => void;
  /** Whether it is there and does nothing. One that is stuck several times in a row is killed, and so started anew. */
  readonly isStuck?: () => Promise<boolean>;
}

/** A process that is started again whenever it dies, until it is stopped. */
export interface Child {
  readonly name: string;
  readonly logFile: string;
  readonly pid: number | undefined;
  /** Ends it with SIGTERM, and with SIGKILL when it takes longer than ten seconds. */
  stop(): Promise<void>;
}

/** Starts the program and keeps it running: at once after a first death, then ever more slowly while it keeps dying. */
export function keepRunning(settings: ChildSettings): Child {
  const { name, logFile, tell } = settings;
  let process: ChildProcess | null = null;
  let ended = Promise.resolve();
  let stopping = false;
  const stopped = new AbortController();
  let delay = RESTART_MS_MIN;
  let restart: NodeJS.Timeout | undefined;

  function start(): void {
    const log = openLog(logFile);
    const startedAt = performance.now();
    const child = spawn(settings.program, settings.args, { env: settings.env, stdio: ["ignore", log, log] });
    closeSync(log);
    process = child;
    if (child.pid !== undefined) settings.onStart(child.pid);
    ended = new Promise((resolve) => {
      child.once("error", (error) => {
        tell(`${name} cannot be started: ${error.message}`);
        again();
        resolve();
      });
      child.once("exit", (code, signal) => {
        if (performance.now() - startedAt > STEADY_MS) delay = RESTART_MS_MIN;
        if (!stopping) tell(`${name} ended (${signal ?? `exit code ${code}`}) and is started again; see ${logFile}`);
        again();
        resolve();
      });
    });
  }

  async function probe(): Promise<void> {
    let stuck = 0;
    while (!stopped.signal.aborted) {
      await sleep(PROBE_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => {});
      const asked = process;
      if (!asked || stopped.signal.aborted || !settings.isStuck) continue;
      stuck = (await settings.isStuck()) ? stuck + 1 : 0;
      if (stuck < STUCK_TIMES_MAX || process !== asked || stopped.signal.aborted) continue;
      tell(`${name} is stuck and is killed; see ${logFile}`);
      asked.kill("SIGKILL");
      stuck = 0;
    }
  }

  function again(): void {
    process = null;
    if (stopping) return;
    restart = setTimeout(start, delay);
    delay = Math.min(delay * 2, RESTART_MS_MAX);
  }

  start();
  const probing = settings.isStuck ? probe() : Promise.resolve();
  return {
    name,
    logFile,
    get pid() {
      return process?.pid;
    },
    async stop() {
      stopping = true;
      stopped.abort();
      clearTimeout(restart);
      await probing;
      const child = process;
      if (!child) return;
      child.kill("SIGTERM");
      const insist = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
      await ended;
      clearTimeout(insist);
    },
  };
}

/** Looks every second whether something that is not our child still lives, and has it started again when it does not. */
export function watchOver(watched: {
  readonly name: string;
  readonly alive: () => Promise<boolean>;
  readonly restart: () => Promise<void>;
  readonly tell: Tell;
}): { stop(): Promise<void> } {
  const { name, tell } = watched;
  const stopped = new AbortController();
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      await sleep(1_000, undefined, { signal: stopped.signal }).catch(() => {});
      if (stopped.signal.aborted || (await watched.alive())) continue;
      tell(`${name} is gone and is started again`);
      await watched.restart().catch((error: unknown) => tell(`${name}: ${String(error)}`));
    }
  })();
  return {
    async stop() {
      stopped.abort();
      await watching;
    },
  };
}

/** Waits until `ask` says yes; throws with the end of the log when it doesn't in time. */
export async function untilReady(wanted: {
  readonly name: string;
  readonly ask: () => Promise<boolean>;
  readonly timeoutMs: number;
  readonly logFile: string;
  readonly signal: AbortSignal;
}): Promise<void> {
  const deadline = performance.now() + wanted.timeoutMs;
  while (!(await wanted.ask())) {
    wanted.signal.throwIfAborted();
    if (performance.now() > deadline) {
      const log = await readFile(wanted.logFile, "utf8").catch(() => "");
      throw new Error(`${wanted.name} is not ready after ${wanted.timeoutMs / 1000} s:\n${log.slice(-2_000)}`);
    }
    await sleep(ASK_AGAIN_MS);
  }
}

export function answersHttp(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    (response) => response.ok,
    () => false,
  );
}

/** Whether something takes the request and doesn't answer it, as a frozen process does: its system still accepts connections. */
export function hangsOnHttp(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    () => false,
    (error: unknown) => error instanceof DOMException && error.name === "TimeoutError",
  );
}

export function acceptsConnections(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 2_000 });
    const answer = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
    socket.once("timeout", () => answer(false));
  });
}

/** Appends; a log that has grown too long begins anew. */
function openLog(file: string): number {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) truncateSync(file);
  return openSync(file, "a", 0o600);
}

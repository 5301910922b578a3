import { Command, InvalidArgumentError } from "commander";
import { ensureSystemPackages } from "../../bin/system-packages.ts";
import { callAtOnce } from "./at-once.ts";
import { groupPorts } from "./caller-groups.ts";
import { CALLER_PORTS, CALLS_AT_ONCE_MAX, openInstallation } from "./installation.ts";
import { loadAverages, machine } from "./report.ts";
import { soak } from "./soak.ts";

const SOAK_CALLS_MAX = 100_000;
/** Above it the codes of a number, with their quarantine, run out (core/code.ts). */
const CALLS_PER_SECOND_MAX = 5;

interface Options {
  readonly calls: number;
  readonly soak: number;
  readonly rate: number;
}

/**
 * `npm run test:load`: real Asterisk, the product's own processes and SIPp on this machine, first with many calls at one
 * moment, then with many calls one after the other. Everything stays on loopback and is ended at the end. The exit code
 * is 1 when anything is wrong.
 */
async function main({ calls, soak: soakCalls, rate }: Options, signal: AbortSignal): Promise<boolean> {
  const { asterisk, missing } = await ensureSystemPackages("test", tell);
  if (asterisk !== "real") throw new Error(`a load test takes a real Asterisk: ${missing.join(", ")}`);
  tell(`machine: ${machine()}`);
  tell(`load average ${loadAverages()}: what else runs here makes timings worse`);
  await using installation = await openInstallation(signal);
  tell("PostgreSQL, Asterisk, two voice servers and the jobs are up");
  const nextPort = groupPorts(CALLER_PORTS.first, CALLER_PORTS.count);
  const options = { installation, nextPort, signal, tell };
  const right: boolean[] = [];
  try {
    if (calls > 0) right.push(await callAtOnce({ ...options, calls }));
    if (soakCalls > 0) right.push(await soak({ ...options, calls: soakCalls, perSecond: rate }));
  } catch (error) {
    for (const [complaint, times] of await installation.complaints()) tell(`${times} × ${complaint}`);
    throw error;
  }
  const passed = right.length > 0 && right.every(Boolean);
  tell(`${machine()}: ${passed ? "everything is right" : "NOT everything is right"}`);
  return passed;
}

const startedAt = performance.now();

function tell(line: string): void {
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  console.log(line === "" ? "" : `${String(seconds).padStart(5)} s  ${line}`);
}

/** Aborted by the first Ctrl-C or SIGTERM, or when whoever started us is gone. */
function untilStopped(): AbortSignal {
  const stop = new AbortController();
  const asked = () => stop.abort(new Error("asked to stop"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, asked);
  process.once("disconnect", asked);
  return stop.signal;
}

function count(most: number) {
  return (value: string): number => {
    const number = Number(value);
    if (!(Number.isInteger(number) && number >= 0 && number <= most))
      throw new InvalidArgumentError(`a whole number up to ${most}`);
    return number;
  };
}

function ratePerSecond(value: string): number {
  const rate = Number(value);
  if (!(rate > 0 && rate <= CALLS_PER_SECOND_MAX))
    throw new InvalidArgumentError(`more than 0, and ${CALLS_PER_SECOND_MAX} at most`);
  return rate;
}

const program = new Command("test:load")
  .description("200 calls at once, then a soak of 2,000, over real Asterisk")
  .option("--calls <count>", "calls at once; 0 leaves this part out", count(CALLS_AT_ONCE_MAX), 200)
  .option("--soak <count>", "calls of the soak; 0 leaves this part out", count(SOAK_CALLS_MAX), 2_000)
  .option("--rate <calls>", "calls of the soak that begin in a second", ratePerSecond, 2.7)
  .parse();
try {
  process.exitCode = (await main(program.opts<Options>(), untilStopped())) ? 0 : 1;
} catch (error) {
  console.error(process.env.DEBUG ? error : `test:load: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
process.disconnect?.();

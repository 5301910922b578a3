import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { ensureSystemPackages } from "./system-packages.ts";

const home = path.resolve(import.meta.dirname, "..");
/**
 * Run side by side, each with a PostgreSQL and ports of its own. Most tests wait for the clock, so that three at a time
 * fit on two processors; but two browsers at a time starve the telephones beside them: keys are lost, and calls with them.
 */
const LANES = [
  { name: "browsers", workers: 1, files: ["--testPathPatterns=browser|/demo/"] },
  { name: "others", workers: 2, files: ["--testPathIgnorePatterns=browser|/demo/"] },
] as const;
const FIRST_POSTGRES_PORT = Number(process.env.TEST_POSTGRES_PORT ?? 54_329);
/** Tests that were named run by themselves. */
const WORKERS = 2;

/** What Jest writes with --json, as far as it is read here. */
interface Results {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

/** `npm test`: every test there is, and as the last line `N passed, N failed`. Arguments go to Jest. */
async function main(): Promise<number> {
  const inCi = Boolean(process.env.CI) && process.env.CI !== "false";
  const { asterisk, missing } = await ensureSystemPackages("test", (line) => console.log(line));
  for (const part of missing) console.log(`missing: ${part}`);
  if (inCi && missing.length > 0) return verdict({ passed: 0, failed: missing.length, skipped: 0 });
  if (asterisk === "simulated") console.log("without Asterisk: what needs the real one is skipped");
  if (inCi && (await run("npm", ["run", "check"])) !== 0) {
    console.log("types, lint or dead code: npm run check fails");
    return verdict({ passed: 0, failed: 1, skipped: 0 });
  }
  const named = process.argv.slice(2);
  return verdict(await (named.length > 0 ? runJest("named", [`--maxWorkers=${WORKERS}`, ...named]) : runAll()));
}

/** Everything there is, lane by lane at the same time. */
async function runAll(): Promise<Count> {
  const counts = LANES.map(({ name, workers, files }, place) => {
    const ports = { TEST_POSTGRES_PORT: String(FIRST_POSTGRES_PORT + place), TEST_LANE: String(place) };
    return runJest(name, [`--maxWorkers=${workers}`, ...files], ports);
  });
  const all = await Promise.all(counts);
  const sum = (of: keyof Count) => all.reduce((total, count) => total + count[of], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

async function runJest(name: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Count> {
  const resultsFile = path.join(home, `.cache/test-results-${name}.json`);
  mkdirSync(path.dirname(resultsFile), { recursive: true });
  rmSync(resultsFile, { force: true });
  const jest = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", "node_modules/jest/bin/jest.js"];
  const code = await run(process.execPath, [...jest, "--json", `--outputFile=${resultsFile}`, ...args], environment);
  const results = readResults(resultsFile);
  if (!results) return { passed: 0, failed: 1, skipped: 0 };
  // A file that does not even load has no tests to fail; it counts as one that did.
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  return {
    passed: results.numPassedTests,
    // Jest may be unhappy with no test having failed: a set-up or tear-down broke.
    failed: failed === 0 && (code !== 0 || !results.success) ? 1 : failed,
    skipped: results.numPendingTests + results.numTodoTests,
  };
}

function readResults(file: string): Results | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Results;
  } catch {
    return null;
  }
}

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The last line, and the exit code that goes with it: nothing passed is a failure, too. */
function verdict(count: Count): number {
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : "";
  console.log(`${count.passed} passed, ${count.failed} failed${skipped}`);
  return count.failed > 0 || count.passed === 0 ? 1 : 0;
}

/** Streams what the program prints and answers its exit code. A signal to us ends it, and us with it. */
function run(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: home, stdio: "inherit", env: { ...process.env, ...environment } });
    const passOn = (signal: NodeJS.Signals) => child.kill(signal);
    const signals = ["SIGINT", "SIGTERM"] as const;
    for (const signal of signals) process.on(signal, passOn);
    const gone = () => child.kill("SIGTERM");
    process.once("disconnect", gone);
    child.once("error", reject);
    child.once("exit", (code) => {
      for (const signal of signals) process.removeListener(signal, passOn);
      process.removeListener("disconnect", gone);
      resolve(code ?? 1);
    });
  });
}

process.exit(await main());

// `npm run demo`, `npm test`, the load test and the benchmarks begin here, on a machine that has nothing but git, Node ≥ 20 and
// npm. So this file is plain JavaScript and imports nothing that has to be installed: it installs the packages, finds a
// Node that is new enough (one of the packages brings it along) and hands over to the real program.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync, utimesSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;
const PARENT_CHECK_MS = 250;
const home = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** Program and arguments behind each command. */
const COMMANDS = {
  demo: ["bin/phone2pay.ts", "demo"],
  test: ["bin/test.ts"],
  "test:load": ["test/load/load-test.ts"],
  "bench:create": ["bench/create-transaction.ts"],
  screenshots: ["docs/make-screenshots.ts"],
  "bench:guessing": ["bench/guessing.ts"],
  "bench:watchers": ["bench/watchers.ts"],
  "bench:paint": ["bench/paint.ts"],
};

/** Whether packages are missing or older than the list of what is wanted. */
export function needsInstall(directory) {
  const wanted = path.join(directory, "package-lock.json");
  const installed = path.join(directory, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return true;
  return existsSync(wanted) && statSync(wanted).mtimeMs > statSync(installed).mtimeMs;
}

/** The Node to run TypeScript with: the installed package's, else the running one if it is new enough, else null. */
export function findNode(directory, running = { path: process.execPath, version: process.versions.node }) {
  const installed = path.join(directory, `node_modules/node-${process.platform}-${process.arch}/bin/node`);
  for (const candidate of [installed, path.join(directory, "node_modules/.bin/node")]) {
    if (!existsSync(candidate)) continue;
    // A package for another C library or processor is there, too, but does not run.
    const asked = spawnSync(candidate, ["--version"], { encoding: "utf8", timeout: 20_000 });
    if (majorOf((asked.stdout ?? "").replace(/^v/, "")) >= NODE_MAJOR_MIN) return candidate;
  }
  return majorOf(running.version) >= NODE_MAJOR_MIN ? running.path : null;
}

/** What a shell would report for a child that ended this way. */
export function exitCodeOf(code, signal) {
  return signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1);
}

function majorOf(version) {
  return Number(version.split(".")[0]) || 0;
}

/** Ends with the child's exit code. `npm ci` would insist on optional packages of other platforms, so it is not used. */
function install() {
  console.log("Installing packages (about a minute the first time) …");
  const npmProgram = process.env.npm_execpath;
  const viaNode = npmProgram?.endsWith(".js") || npmProgram?.endsWith(".cjs");
  const [program, first] = viaNode ? [process.execPath, [npmProgram]] : ["npm", []];
  const beganAt = Date.now();
  const done = spawnSync(program, [...first, "install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: home,
    stdio: "inherit",
    shell: process.platform === "win32" && program === "npm",
  });
  if (done.error) throw done.error;
  if (done.status !== 0) process.exit(exitCodeOf(done.status, done.signal));
  // npm leaves its own record alone when nothing had to change: without this the next start would install again.
  const record = path.join(home, "node_modules/.package-lock.json");
  if (existsSync(record)) utimesSync(record, new Date(), new Date());
  console.log(`Packages are installed (${Math.round((Date.now() - beganAt) / 1000)} s).`);
}

function run(node, args) {
  // In a session of its own, so that Ctrl-C reaches it once, through here, and not also each server that it started:
  // the order in which they stop matters. The channel tells it, by closing, that this process is gone.
  const child = spawn(node, args, { cwd: home, stdio: ["ignore", "inherit", "inherit", "ipc"], detached: true });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal === "SIGHUP" ? "SIGTERM" : signal));
  }
  // npm passes signals on to the shell between us, and that shell just dies: then, too, the program has to stop.
  if (process.env.npm_lifecycle_event) {
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && child.kill("SIGTERM"), PARENT_CHECK_MS).unref();
  }
  child.once("error", (error) => {
    console.error(`cannot start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => process.exit(exitCodeOf(code, signal)));
}

function main([command, ...rest]) {
  const program = COMMANDS[command];
  if (!program) {
    console.error(`usage: node bin/start.mjs ${Object.keys(COMMANDS).join("|")}`);
    process.exit(2);
  }
  if (needsInstall(home)) install();
  const node = findNode(home);
  if (!node) {
    console.error(
      `Phone2Pay needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.versions.node}, and the package that brings ` +
        `one along exists for Linux on x64 only. Install it from https://nodejs.org and start again.`,
    );
    process.exit(1);
  }
  run(node, [...program, ...rest]);
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2));

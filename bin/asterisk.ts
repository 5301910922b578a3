import { type ChildProcess, execFile, spawn } from "node:child_process";
import { access, cp, glob, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type AsteriskOptions, promptsOf, siteFiles } from "./asterisk-site.ts";
import { isFreeTcp, isFreeUdp } from "./free-ports.ts";

const run = promisify(execFile);

const repository = join(import.meta.dirname, "..");
const configDirectory = join(repository, "asterisk-config");
const defaultRoot = join(repository, ".cache", "asterisk", "root");

const asteriskVersionMin = 20;
const readySecondsMax = 30;
const stopSecondsMax = 5;
/** `sockaddr_un.sun_path` holds 108 bytes, and Asterisk's control socket is a file. */
const socketPathBytesMax = 100;

export interface RunningAsterisk extends AsyncDisposable {
  readonly pid: number;
  /** One line per ended call; the columns are named in asterisk-config/cdr_custom.conf. */
  readonly cdrFile: string;
  readonly logFile: string;
  /** An absolute prompt `<promptsDirectory>/ivr-welcome` is played from `<promptsDirectory>/<language>/ivr-welcome.alaw`. */
  readonly promptsDirectory: string;
  /** Runs a command of Asterisk's console and gives what it prints. */
  readonly rx: (cliCommand: string) => Promise<string>;
  readonly stop: () => Promise<void>;
}

export type FoundAsterisk =
  | { readonly kind: "root"; readonly root: string }
  | { readonly kind: "path"; readonly program: string };

/** The Asterisk that startAsterisk would start: the tree made by install-asterisk.sh, else one on the PATH that is new enough. */
export async function findAsterisk(root: string = defaultRoot): Promise<FoundAsterisk | null> {
  const candidates: FoundAsterisk[] = [
    { kind: "root", root },
    { kind: "path", program: "asterisk" },
  ];
  for (const found of candidates) {
    const command = await commandOf(found).catch(() => null);
    const version = command && (await run(command.program, [...command.prefix, "-V"]).catch(() => null));
    const major = Number(/^Asterisk (?:certified[-/])?(\d+)/.exec(version ? version.stdout : "")?.[1]);
    if (major >= asteriskVersionMin) return found;
  }
  return null;
}

/**
 * Starts an Asterisk with the configuration an operator would copy, unchanged, and a site of its own, and waits until it takes calls.
 * Throws, with the end of the log, when there is none, or it doesn't come up.
 */
export async function startAsterisk(options: AsteriskOptions): Promise<RunningAsterisk> {
  await refuseUsedPorts(options);
  const found = await findAsterisk(options.root);
  if (!found) throw new Error("no Asterisk found: run asterisk-config/install-asterisk.sh");
  const command = await commandOf(found);
  const places = await makePlaces(options.directory);
  await writeConfiguration(found, places, options);
  const asterisk = [...command.prefix, "-C", join(places.etc, "asterisk.conf")];

  const child = spawn(command.program, [...asterisk, "-f"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...options.environment },
  });
  let lastWords = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    lastWords = (lastWords + text).slice(-4000);
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      lastWords += error.message;
      resolve();
    });
  });
  // An Asterisk that outlives its parent would hold the ports against the next start.
  const killNow = () => child.kill("SIGKILL");
  process.once("exit", killNow);

  const rx = async (cliCommand: string): Promise<string> => {
    const { stdout } = await run(command.program, [...asterisk, "-rx", cliCommand], { timeout: 10_000 });
    return stdout;
  };
  const stop = async (): Promise<void> => {
    process.removeListener("exit", killNow);
    await end(child, exited);
    if (places.run !== join(options.directory, "run")) await rm(places.run, { recursive: true, force: true });
  };
  const logFile = join(places.log, "messages.log");
  try {
    await ready(child, rx);
  } catch (cause) {
    await stop();
    const log = await readFile(logFile, "utf8").catch(() => "");
    throw new Error(`Asterisk did not come up: ${`${log}\n${lastWords}`.trim().slice(-2000)}`, { cause });
  }
  return {
    pid: child.pid!,
    cdrFile: join(places.log, "cdr-custom", "phone2pay.csv"),
    logFile,
    promptsDirectory: promptsOf(options),
    rx,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** With a port taken Asterisk would start all the same, and calls would reach somebody else. */
async function refuseUsedPorts({ sipPort, httpPort, amiPort, bindAddress }: AsteriskOptions): Promise<void> {
  const asked = [
    { port: sipPort, use: "SIP", free: isFreeUdp(sipPort, bindAddress) },
    { port: httpPort, use: "WebSocket", free: isFreeTcp(httpPort, bindAddress) },
    { port: amiPort, use: "AMI", free: isFreeTcp(amiPort) },
  ];
  for (const { port, use, free } of asked)
    if (!(await free)) throw new Error(`port ${port} for ${use} is in use: end what holds it, or choose another`);
}

/** Until Asterisk says of itself that it is fully booted; before its control socket is there the question itself fails. */
async function ready(child: ChildProcess, rx: (cliCommand: string) => Promise<string>): Promise<void> {
  const deadline = performance.now() + readySecondsMax * 1000;
  let reason: unknown = "no answer";
  while (performance.now() < deadline) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) throw new Error("it ended");
    try {
      await rx("core waitfullybooted");
      return;
    } catch (error) {
      reason = error;
    }
    await sleep(50);
  }
  throw new Error(`not ready within ${readySecondsMax} s`, { cause: reason });
}

/** By its own process id only: other instances may run beside it. */
async function end(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const insist = setTimeout(() => child.kill("SIGKILL"), stopSecondsMax * 1000);
  await exited;
  clearTimeout(insist);
}

interface Command {
  readonly program: string;
  readonly prefix: readonly string[];
  /** Where the tree keeps its libraries; none for an Asterisk that is at home on this machine. */
  readonly libraries?: string;
}

/**
 * The tree's own loader runs the tree's program with the tree's libraries. With chroot instead, /proc, /dev and the configuration would
 * have to be mounted into it, which takes root, and a killed process would leave the mounts behind.
 */
async function commandOf(found: FoundAsterisk): Promise<Command> {
  if (found.kind === "path") return { program: found.program, prefix: [] };
  for await (const loader of glob(join(found.root, "usr/lib/*-linux-*/ld-linux*.so.*"))) {
    const libraries = dirname(loader);
    const program = join(found.root, "usr/sbin/asterisk");
    await access(program);
    return { program: loader, prefix: ["--library-path", libraries, program], libraries };
  }
  throw new Error(`no Asterisk in ${found.root}`);
}

interface Places {
  readonly etc: string;
  readonly lib: string;
  readonly spool: string;
  readonly log: string;
  readonly run: string;
}

async function makePlaces(directory: string): Promise<Places> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const home = await realpath(directory);
  const runInside = join(home, "run");
  const tooLong = Buffer.byteLength(join(runInside, "asterisk.ctl")) > socketPathBytesMax;
  const places = {
    etc: join(home, "etc"),
    lib: join(home, "lib"),
    spool: join(home, "spool"),
    log: join(home, "log"),
    run: tooLong ? await mkdtemp(join(tmpdir(), "p2p-asterisk-")) : runInside,
  };
  // The configuration is always the present one; the records of an earlier run stay.
  await rm(places.etc, { recursive: true, force: true });
  for (const place of Object.values(places)) await mkdir(place, { recursive: true, mode: 0o700 });
  await mkdir(join(places.log, "cdr-custom"), { recursive: true });
  return places;
}

async function writeConfiguration(found: FoundAsterisk, places: Places, options: AsteriskOptions): Promise<void> {
  for (const name of await readdir(configDirectory)) {
    if (name.endsWith(".conf")) await cp(join(configDirectory, name), join(places.etc, name));
  }
  const asteriskConf = await readFile(join(configDirectory, "asterisk.conf"), "utf8");
  const { libraries } = await commandOf(found);
  const directories = [
    "[directories]",
    `astetcdir => ${places.etc}`,
    `astdbdir => ${places.lib}`,
    `astspooldir => ${places.spool}`,
    `astrundir => ${places.run}`,
    `astlogdir => ${places.log}`,
  ];
  if (found.kind === "root") {
    directories.push(
      `astmoddir => ${join(libraries!, "asterisk/modules")}`,
      `astdatadir => ${join(found.root, "usr/share/asterisk")}`,
      `astvarlibdir => ${places.lib}`,
      `astkeydir => ${places.lib}`,
    );
  }
  await writeFile(
    join(places.etc, "asterisk.conf"),
    asteriskConf.replace("[directories](!)", () => directories.join("\n")),
  );
  await mkdir(join(places.etc, "site.d"), { mode: 0o700 });
  for (const [name, lines] of Object.entries(siteFiles(options))) {
    await writeFile(join(places.etc, "site.d", name), `${lines.join("\n")}\n`, { mode: 0o600 });
  }
}

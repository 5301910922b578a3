import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const SET_UP_TIMEOUT_MS = 180_000;
const RUN_TIMEOUT_MS = 50_000;
/** What a script echoes last: cscript ends with 0 whatever happens. */
const DONE = "done";

/** A Windows of the test file's own, in which VBScript runs. To set it up takes up to half a minute. */
export class Wine implements AsyncDisposable {
  readonly #home: WineHome;
  readonly #idle: ChildProcess;

  static async start(): Promise<Wine> {
    const home = new WineHome(await mkdtemp(path.join(tmpdir(), "phone2pay-wine-")));
    await home.run(["wine", "wineboot", "--init"], { timeoutMs: SET_UP_TIMEOUT_MS });
    const wine = new Wine(home);
    // Windows keeps the time zone here; Wine doesn't. The tests' clock shows UTC.
    const zone = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\TimeZoneInformation";
    await home.run(["wine", "reg", "add", zone, "/v", "ActiveTimeBias", "/t", "REG_DWORD", "/d", "0", "/f"]);
    return wine;
  }

  private constructor(home: WineHome) {
    this.#home = home;
    // Waits for commands that never come. With nobody in it a Windows shuts down, and who comes then waits ten seconds.
    this.#idle = spawn("wine", ["cmd"], { env: home.env, stdio: ["pipe", "ignore", "ignore"] });
  }

  /** Runs a VBScript, and answers the lines that it echoes. */
  async run(script: string, settings: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
    const file = path.join(this.#home.directory, `${randomUUID()}.vbs`);
    await writeFile(file, `${script}\nWScript.Echo "${DONE}"`.replaceAll(/\r?\n/g, "\r\n"));
    const printed = await this.#home.run(["wine", "cscript", "//nologo", windowsPath(file)], { settings });
    const lines = printed.split(/\r?\n/).filter((line) => line !== "");
    if (lines.pop() !== DONE) throw new Error(`the script broke off after: ${lines.slice(-3).join(", ") || "nothing"}`);
    return lines;
  }

  /** Ends all that runs in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#idle, "exit");
    await this.#home.run(["wineserver", "--kill"]);
    await gone;
    await rm(this.#home.directory, { recursive: true, force: true });
  }
}

/** What a path of ours is called in there. */
export function windowsPath(file: string): string {
  return `Z:${file.replaceAll("/", "\\")}`;
}

/** Where a Wine keeps its things, and the environment that its programs run in. */
class WineHome {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(directory: string) {
    this.directory = directory;
    this.env = {
      PATH: process.env.PATH,
      HOME: directory,
      WINEPREFIX: path.join(directory, "prefix"),
      WINEDEBUG: "-all",
      // No .NET and no browser: they would ask to be installed.
      WINEDLLOVERRIDES: "mscoree,mshtml,winemenubuilder.exe=",
      TZ: "UTC",
    };
  }

  /** What a program prints. It goes to a file, because what a program leaves running would keep a pipe open. */
  async run(
    [program, ...args]: readonly [string, ...string[]],
    options: { readonly settings?: Readonly<Record<string, string>>; readonly timeoutMs?: number } = {},
  ): Promise<string> {
    const { settings = {}, timeoutMs = RUN_TIMEOUT_MS } = options;
    const printed = path.join(this.directory, `${randomUUID()}.txt`);
    await using file = await open(printed, "w");
    const child = spawn(program, args, {
      env: { ...this.env, ...settings },
      stdio: ["ignore", file.fd, "ignore"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    const [code, signal] = await once(child, "exit");
    if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${signal ?? code}`);
    return readFile(printed, "latin1");
  }
}

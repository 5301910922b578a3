import { spawn } from "node:child_process";

const RUN_TIMEOUT_MS = 60_000;

/** What a kit is asked to do; `verifyWebhook` needs no client. */
export interface Command {
  readonly call:
    | "createTransaction"
    | "checkTransaction"
    | "redeemTransaction"
    | "cancelTransaction"
    | "quote"
    | "verifyWebhook";
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly timeoutMs: number;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Of what changes something. */
  readonly idempotencyKey?: string;
}

export type Outcome = { readonly answer: Readonly<Record<string, unknown>> } | { readonly refusal: Refusal };

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly unknown[];
  readonly requestId: string | null;
}

/** A kit in its own language, with its example shop. */
export interface Kit extends AsyncDisposable {
  /** What it speaks: JSON under /v1, or plain POST and XML. */
  readonly wire: "rest" | "plain";
  /** Runs them one after the other. */
  run(commands: readonly Command[]): Promise<readonly Outcome[]>;
  serveShop(settings: ShopSettings): Promise<Shop>;
}

/** The environment of an example shop. */
export interface ShopSettings {
  readonly PHONE2PAY_BASE_URL: string;
  readonly PHONE2PAY_API_KEY: string;
  readonly PHONE2PAY_WEBHOOK_SECRET: string;
  /** A directory where the shop notes what it delivered. */
  readonly SHOP_DATA: string;
}

export interface Shop extends AsyncDisposable {
  readonly url: string;
  readonly paidPath: string;
  readonly webhookPath: string;
}

/** Runs a driver: commands on its standard input, outcomes on its standard output, both JSON. */
export async function runDriver(
  program: readonly [string, ...string[]],
  commands: readonly Command[],
): Promise<Outcome[]> {
  return JSON.parse(await runProgram(program, { input: JSON.stringify(commands) })) as Outcome[];
}

/** What a program prints. Fails when it ends with anything but 0. */
export function runProgram(
  [program, ...args]: readonly [string, ...string[]],
  options: {
    readonly input?: string | Uint8Array;
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
  } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const { input = "", ...rest } = options;
    const child = spawn(program, args, { ...rest, timeout: RUN_TIMEOUT_MS, killSignal: "SIGKILL" });
    const printed = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    child.stdout.on("data", (chunk: Buffer) => printed.stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => printed.stderr.push(chunk));
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(printed.stdout).toString("utf8"));
      reject(new Error(`${program} ended with ${signal ?? code}: ${Buffer.concat(printed.stderr).toString("utf8")}`));
    });
    // A program that ends without reading is told by its exit code.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

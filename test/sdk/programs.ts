import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const START_TIMEOUT_MS = 20_000;

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a server program, and answers once it prints what it says when it listens. It is ended when given back. */
export async function startServer(
  [program, ...args]: readonly [string, ...string[]],
  options: { readonly env: NodeJS.ProcessEnv; readonly listening: RegExp },
): Promise<AsyncDisposable> {
  const child = spawn(program, args, { env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
  const gone = once(child, "close");
  let printed = "";
  await new Promise<void>((resolve, reject) => {
    const fail = () => reject(new Error(`${program} did not start: ${printed}`));
    const timer = setTimeout(fail, START_TIMEOUT_MS);
    const read = (chunk: Buffer) => {
      printed += chunk.toString("utf8");
      if (options.listening.test(printed)) resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    void gone.then(fail, reject).finally(() => clearTimeout(timer));
    child.once("error", reject);
  });
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

/** The secrets of a process that tests start, and of the callers whom it knows by hash. */
export const COMMAND_KEY = "a-key-for-tests-only";
const program = path.resolve(import.meta.dirname, "../../bin/phone2pay.ts");

/** What the operator's command prints; rejects with what it complains about. */
export async function phone2pay(databaseUrl: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], {
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      PHONE2PAY_AGI_SECRET: "a-secret-for-tests-only",
      PHONE2PAY_CALLER_HASH_KEY: COMMAND_KEY,
      PHONE2PAY_WEBHOOK_KEY: COMMAND_KEY,
    },
  });
  return stdout;
}

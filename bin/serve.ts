import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Config } from "../core/config.ts";
import { openDatabase } from "../db/database.ts";
import { openLog } from "./log.ts";
import type { RoleParts } from "./role-parts.ts";

export const ROLES = ["http", "agi", "jobs"] as const;
export type Role = (typeof ROLES)[number];

/**
 * Plays the given roles in this process until `stop` is aborted; then lets calls and requests end, and comes back. A
 * role's program is loaded only where the role is played: a voice server carries no web framework.
 */
export async function serve(config: Config, roles: readonly Role[], stop: AbortSignal): Promise<void> {
  const log = openLog(config.logLevel, roles.join("+"));
  await using resources = new AsyncDisposableStack();
  const lost = (error: Error) => log.warn({ error }, "database.connection_lost");
  const { db } = resources.use(openDatabase(config.databaseUrl, lost));
  const worker = `${hostname()}/${process.pid}/${randomBytes(3).toString("hex")}`;
  const parts: RoleParts = { config, db, log, worker, resources, ownAgi: null };
  const ownAgi = roles.includes("agi") ? await (await import("./serve-agi.ts")).startAgi(parts) : null;
  if (roles.includes("http")) await (await import("./serve-http.ts")).startHttp({ ...parts, ownAgi });
  if (roles.includes("jobs")) (await import("./serve-jobs.ts")).startJobs(parts);
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }));
  log.info("stopping");
}

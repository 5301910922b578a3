import pino from "pino";
import type { Config } from "../core/config.ts";

export type Log = pino.Logger;

/**
 * JSON lines on standard output. What a reader could pay, redeem or call back with is never written: of an error only
 * what it is, because PostgreSQL's details quote whole rows.
 */
export function openLog(level: Config["logLevel"], role: string, destination?: pino.DestinationStream): Log {
  return pino(
    {
      level,
      base: { role, pid: process.pid },
      redact: { paths: ["req.headers.authorization", "*.caller", "*.password", "*.apiKey"], censor: "[hidden]" },
      serializers: { error: describeError, err: describeError },
    },
    destination ?? pino.destination(1),
  );
}

function describeError(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const { code, kind, constraint } = error as { code?: unknown; kind?: unknown; constraint?: unknown };
  // A peer that broke the protocol is told in one line: stacks of ours say nothing about it, and could fill a disk.
  return { name, message, code, kind, constraint, ...(kind === undefined ? { stack } : {}) };
}

import pino from "pino";
import type { Config } from "../core/config.ts";

export type Log = pino.Logger;

/** With the id of a transaction one can see it and pay, with a key redeem it: an id's first digits are left to find it by. */
const IDS = /\b([0-9a-f]{8})(?:(?:-|%2d)?[0-9a-f]{4}){3}(?:-|%2d)?[0-9a-f]{12}\b/gi;
const KEYS = /\b(p2p_(?:live|test)_)[\w-]+/g;

/**
 * JSON lines on standard output. What a reader could pay, redeem or call back with is never written: of an error only
 * what it is, because PostgreSQL's details quote whole rows, and of ids and keys, wherever they stand, only how they
 * begin: addresses hold them, and libraries put addresses into their messages.
 */
export function openLog(level: Config["logLevel"], role: string, destination?: pino.DestinationStream): Log {
  return pino(
    {
      level,
      base: { role, pid: process.pid },
      redact: {
        paths: ["req.headers.authorization", "caller", "*.caller", "password", "*.password", "apiKey", "*.apiKey"],
        censor: "[hidden]",
      },
      hooks: { streamWrite: (line) => line.replace(IDS, "$1-…").replace(KEYS, "$1…") },
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

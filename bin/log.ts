import pino from "pino";
import type { Config } from "../core/config.ts";

export type Log = pino.Logger;

/** JSON lines on standard output. What a reader could pay, redeem or call back with is never written. */
export function openLog(level: Config["logLevel"], role: string): Log {
  return pino({
    level,
    base: { role, pid: process.pid },
    redact: {
      paths: ["req.headers.authorization", "*.code", "*.caller", "*.password", "*.apiKey"],
      censor: "[hidden]",
    },
    serializers: { error: pino.stdSerializers.err },
  });
}

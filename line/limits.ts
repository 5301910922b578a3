import { CALL_SECONDS_MAX } from "../core/tariff.ts";

/** What the simulated line bounds. The ones of the dialplan have the values of asterisk-config/extensions.conf. */
export interface LineLimits {
  /** A line that nobody ends, not even TIMEOUT(absolute), is ended all the same. */
  readonly callMs: number;
  readonly connectMs: number;
  /** Asterisk's buffer for one command before 22.6; what is longer is cut into two commands, as there. */
  readonly commandBytes: number;
  /** Commands that a server may send ahead; no server of ours sends more than one. */
  readonly commandsQueued: number;
  /** Asterisk's argument table. */
  readonly arguments: number;
  readonly variables: number;
  readonly keysQueued: number;
  /** Asterisk waits without end for a server that closes the books; a simulated line has to be over some day. */
  readonly endedMs: number;
  readonly unservedMs: number;
  /** The same for a call that isn't answered yet. */
  readonly freshMs: number;
  readonly requests: number;
  readonly servedMs: number;
  readonly pauseMs: number;
}

export const LINE_LIMITS: LineLimits = {
  callMs: 2 * CALL_SECONDS_MAX * 1_000,
  connectMs: 2_000,
  commandBytes: 2_047,
  commandsQueued: 32,
  arguments: 127,
  variables: 200,
  keysQueued: 100,
  endedMs: 30_000,
  unservedMs: 90_000,
  freshMs: 4_000,
  requests: 1_000,
  servedMs: 5_000,
  pauseMs: 250,
};

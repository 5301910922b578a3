import { ANY_KEY, type LineChannel } from "./line-channel.ts";

/** What became of a string of keys: as many as wanted or ended by #, time ran out, no caller or recording, a new command. */
export interface KeyString {
  readonly outcome: "complete" | "timeout" | "failed" | "interrupted";
  readonly keys: string;
}

export interface KeyRequest {
  readonly firstMs: number;
  readonly nextMs: number;
  readonly keysMax: number;
  readonly interrupt?: AbortSignal;
}

/**
 * Plays the recordings and collects keys (ast_app_getdata): the first key cuts the playing one short and the others are
 * left out; between two recordings Asterisk listens for a moment, after the last one for `firstMs`.
 */
export async function promptForKeys(
  channel: LineChannel,
  files: readonly string[],
  request: KeyRequest,
): Promise<KeyString> {
  let read: KeyString = { outcome: "failed", keys: "" };
  for (const [index, file] of files.entries()) {
    const last = index === files.length - 1;
    read = await readAfter(channel, file, { ...request, firstMs: last ? request.firstMs : BETWEEN_PROMPTS_MS });
    if (read.keys !== "" || read.outcome === "complete" || read.outcome === "interrupted" || channel.hungUp.aborted)
      return read;
  }
  return read;
}

const BETWEEN_PROMPTS_MS = 50;

async function readAfter(channel: LineChannel, file: string, request: KeyRequest): Promise<KeyString> {
  const { interrupt, keysMax } = request;
  const wait = { keys: ANY_KEY, ...(interrupt ? { interrupt } : {}) };
  const played = file === "" ? null : await channel.play(file, wait);
  if (file !== "" && played === null) return { outcome: "failed", keys: "" };
  let end = played?.end;
  if (end === undefined || end.kind === "time") end = await channel.wait({ ...wait, ms: request.firstMs });
  for (let keys = ""; ; end = await channel.wait({ ...wait, ms: request.nextMs })) {
    if (end.kind === "hung_up") return { outcome: "failed", keys };
    if (end.kind === "interrupted") return { outcome: "interrupted", keys };
    if (end.kind === "time") return { outcome: "timeout", keys };
    if (end.key === "#") return { outcome: "complete", keys };
    keys += end.key;
    if (keys.length >= keysMax) return { outcome: "complete", keys };
  }
}

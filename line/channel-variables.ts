import type { LineChannel } from "./line-channel.ts";

const SUBSTITUTIONS_MAX = 50;

/**
 * Reads a variable or one of the dialplan functions that this line knows: CHANNEL(state|language|name),
 * CDR(answer,u), CDR(billsec,f), CDR(end,u), TIMEOUT(absolute|response|digit). Null when it is not set or not known.
 */
export function readVariable(channel: LineChannel, name: string): string | null {
  const call = functionOf(name);
  if (call === null) return channel.variables.get(name) ?? null;
  const read = FUNCTIONS.get(call);
  return read ? read(channel) : (channel.variables.get(call) ?? null);
}

/** Sets a variable, or what is settable of those functions; other functions are taken without effect, as by Asterisk. */
export function setVariable(channel: LineChannel, name: string, value: string): void {
  const key = functionOf(name) ?? name;
  const set = SETTABLE.get(key);
  const room = channel.variables.has(key) || channel.variables.size < channel.options.limits.variables;
  if (set) set(channel, value);
  else if (room) channel.variables.set(key, value);
}

/** Puts values in place of `${…}`, the innermost first, as GET FULL VARIABLE does; an unset one leaves nothing. */
export function substitute(channel: LineChannel, expression: string): string {
  let text = expression;
  for (let times = 0; times < SUBSTITUTIONS_MAX; times++) {
    const next = text.replace(/\$\{([^${}]*)\}/, (_whole, name: string) => readVariable(channel, name) ?? "");
    if (next === text) return text;
    text = next;
  }
  return text;
}

/** `CDR(answer,u)` in one spelling; null for a plain variable. */
function functionOf(name: string): string | null {
  const parts = /^(\w+)\((.*)\)$/s.exec(name);
  return parts === null ? null : `${parts[1]?.toUpperCase()}(${parts[2]})`;
}

const FUNCTIONS: ReadonlyMap<string, (channel: LineChannel) => string> = new Map([
  ["CHANNEL(state)", (channel: LineChannel) => channel.state],
  ["CHANNEL(language)", (channel) => channel.language],
  ["CHANNEL(name)", (channel) => channel.name],
  ["CDR(answer,u)", (channel) => seconds(channel.answeredAtMs ?? 0, 6)],
  ["CDR(end,u)", (channel) => seconds(channel.endedAtMs ?? 0, 6)],
  ["CDR(billsec,f)", (channel) => seconds(channel.talkMs ?? 0, 6)],
  ["TIMEOUT(absolute)", (channel) => seconds(channel.backstopInMs, 3)],
  ["TIMEOUT(response)", (channel) => seconds(channel.responseMs, 3)],
  ["TIMEOUT(digit)", (channel) => seconds(channel.digitMs, 3)],
]);

const SETTABLE: ReadonlyMap<string, (channel: LineChannel, value: string) => void> = new Map([
  [
    "CHANNEL(language)",
    (channel: LineChannel, value: string) => {
      channel.language = value;
    },
  ],
  ["TIMEOUT(absolute)", (channel, value) => channel.setBackstop(milliseconds(value))],
  [
    "TIMEOUT(response)",
    (channel, value) => {
      channel.responseMs = milliseconds(value);
    },
  ],
  [
    "TIMEOUT(digit)",
    (channel, value) => {
      channel.digitMs = milliseconds(value);
    },
  ],
]);

function seconds(ms: number, decimals: number): string {
  return (ms / 1_000).toFixed(decimals);
}

function milliseconds(text: string): number {
  const value = Number(text);
  return Number.isFinite(value) && value > 0 ? value * 1_000 : 0;
}

import { timingSafeEqual } from "node:crypto";
import { parseSmartNumber } from "../core/smart-number.ts";
import type { VoiceServer } from "./call.ts";
import { isUp } from "./channel.ts";
import { closeCall } from "./close-call.ts";
import { type AgiChannel, type FastAgiServer, serveFastAgi } from "./fastagi.ts";
import { payCall } from "./pay-call.ts";

/** The variable that is set in answer to `ping`, and its value: whoever asked knows then that we share the secret. */
export const PONG = { variable: "P2P_PONG", value: "phone2pay" } as const;

/**
 * The FastAGI side of the voice server. The dialplan asks for two things: `pay`, to serve a call, and `ended`, to close
 * the books of one that is over. `phone2pay doctor` asks for `ping`. Each request carries the secret that only our dialplan knows; whoever else connects
 * gets the connection closed and learns nothing.
 */
export async function serveAgi(
  server: VoiceServer,
  options: {
    readonly host: string;
    readonly port: number;
    readonly secret: string;
    /** Calls served at a time; a new one beyond it is left to the other server. */
    readonly callsMax: number;
  },
): Promise<FastAgiServer> {
  const places: Places = { callsMax: options.callsMax, calls: 0, full: false };
  return serveFastAgi({
    host: options.host,
    port: options.port,
    onRequest: (channel) => answerRequest(server, channel, options.secret, places),
    onError: (error) => server.log("call.failed", { error }),
  });
}

async function answerRequest(server: VoiceServer, channel: AgiChannel, secret: string, places: Places): Promise<void> {
  const [given = "", trunk = "", dialled = ""] = channel.args;
  if (!sameSecret(given, secret)) return server.log("call.wrong_secret", {});
  const number = parseSmartNumber(dialled) ?? "";
  if (channel.script === "pay") return payIfPlace(server, channel, { number, trunk }, places);
  if (channel.script === "ended") return closeCall(server, channel);
  if (channel.script === "ping") return channel.setVariable(PONG.variable, PONG.value);
  server.log("call.unknown_script", {});
}

interface Places {
  readonly callsMax: number;
  calls: number;
  /** Told once for each time that it comes to that. */
  full: boolean;
}

/** Serves a call if there is a place for it. One that is answered is being paid for and always has one: its server died. */
async function payIfPlace(
  server: VoiceServer,
  channel: AgiChannel,
  request: { readonly number: string; readonly trunk: string },
  places: Places,
): Promise<void> {
  if (places.calls >= places.callsMax && !(await isUp(channel))) {
    if (!places.full) server.log("calls.full", { calls: places.calls });
    places.full = true;
    return;
  }
  places.calls += 1;
  try {
    await payCall(server, channel, request);
  } finally {
    places.calls -= 1;
    places.full = false;
  }
}

/** Takes as long for every secret of the right length. */
export function sameSecret(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

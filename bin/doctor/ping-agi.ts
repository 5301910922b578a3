import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { PONG } from "../../agi/server.ts";
import { argumentsOf } from "../../line/agi-arguments.ts";

const ANSWER_MS_MAX = 3_000;
/** A FastAGI server waits for the whole request. What speaks or hangs up within this time is something else. */
const LISTEN_FIRST_MS = 100;
const BYTES_MAX = 4_096;
const WORDS_MAX = 10;

export type PingOutcome =
  /** It is a voice server of ours and knows the secret. */
  | "pong"
  | "unreachable"
  /** It accepted, and said nothing in time. */
  | "silent"
  /** It let go when it had read the whole request, as our servers do at a wrong secret; other programs may, too. */
  | "refused"
  /** It spoke out of turn, or not as a server of ours. */
  | "stranger";

/** Plays Asterisk's side of `AGI(agi://host:port/ping,secret)`; settles in time and never rejects. */
export async function pingAgi(server: string, secret: string): Promise<PingOutcome> {
  const colon = server.lastIndexOf(":");
  const port = Number(server.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) return "unreachable";
  const socket = connect({ host: server.slice(0, colon), port });
  const done = new AbortController();
  const waited = (milliseconds: number) =>
    delay(milliseconds, "time" as const, { signal: done.signal }).catch(() => "time" as const);
  try {
    const news = listenTo(socket);
    if (!(await Promise.race([news.connected, waited(ANSWER_MS_MAX).then(() => false)]))) return "unreachable";
    socket.write(
      `agi_network: yes\nagi_network_script: ping\nagi_request: agi://${server}/ping\nagi_arg_1: ${secret}\n`,
    );
    if ((await Promise.race([news.firstLine, waited(LISTEN_FIRST_MS)])) !== "time") return "stranger";
    socket.write("\n");
    const said = await Promise.race([news.firstLine, waited(ANSWER_MS_MAX)]);
    if (said === "time") return "silent";
    if (said === null) return "refused";
    if (!isPong(said.line)) return "stranger";
    socket.end("200 result=1\n");
    return "pong";
  } finally {
    done.abort();
    if (!socket.writableEnded) socket.destroy();
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
  }
}

function isPong(line: string): boolean {
  const [verb, noun, variable, value] = argumentsOf(line, WORDS_MAX);
  return `${verb} ${noun}`.toUpperCase() === "SET VARIABLE" && variable === PONG.variable && value === PONG.value;
}

interface News {
  readonly connected: Promise<boolean>;
  /** Null when the other side let go without one. */
  readonly firstLine: Promise<{ readonly line: string } | null>;
}

function listenTo(socket: Socket): News {
  const connected = Promise.withResolvers<boolean>();
  const firstLine = Promise.withResolvers<{ readonly line: string } | null>();
  let text = "";
  socket.setEncoding("latin1").on("data", (piece: string) => {
    text += piece;
    const end = text.indexOf("\n");
    if (end >= 0 || text.length > BYTES_MAX) firstLine.resolve({ line: text.slice(0, end) });
  });
  socket.once("connect", () => connected.resolve(true));
  socket.on("error", () => connected.resolve(false)); // and the socket closes
  const over = () => firstLine.resolve(text === "" ? null : { line: text });
  socket.on("end", over).on("close", over);
  return { connected: connected.promise, firstLine: firstLine.promise };
}

import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** What Asterisk sends first, with a colon in a value and a character of two bytes. */
export const ENVIRONMENT =
  "agi_network: yes\nagi_network_script: pay?x=1\nagi_request: agi://127.0.0.1:4573/pay?x=1\n" +
  "agi_uniqueid: 1.5\nagi_calleridname: Zoë: home\nagi_accountcode: \nagi_arg_1: 0901\nagi_arg_2: a:b\n\n";

/** Asterisk's end of an AGI connection, as a raw socket that says exactly what a test tells it to. */
export class RawAsterisk {
  readonly socket: Socket;
  readonly #lines: string[] = [];
  readonly #waiting: ((line: string) => void)[] = [];
  #text = "";

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.setEncoding("utf8").on("data", (text: string) => this.#take(text));
  }

  static async connect(port: number, environment: string | null = ENVIRONMENT): Promise<RawAsterisk> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    const asterisk = new RawAsterisk(socket);
    if (environment !== null) asterisk.send(environment);
    return asterisk;
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Sends and waits until the bytes have left, so that what comes later is another packet. */
  async sent(bytes: string | Buffer): Promise<void> {
    await new Promise((resolve) => this.socket.write(bytes, resolve));
  }

  /** The next line that the server sends. */
  async line(): Promise<string> {
    const line = this.#lines.shift();
    return line ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
  }

  /** Lines that have come and that nobody has asked for. */
  get unread(): readonly string[] {
    return this.#lines;
  }

  async closed(): Promise<void> {
    if (!this.socket.closed) await new Promise((resolve) => this.socket.once("close", resolve));
  }

  #take(text: string): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#lines.push(line);
      else waiting(line);
    }
  }
}

/** The arguments that Asterisk makes of a command line: parse_args of res_agi.c, letter by letter. */
export function asteriskArguments(line: string): string[] {
  const words: string[] = [];
  let [quoted, escaped, whitespace] = [false, false, true];
  const put = (character: string) => {
    if (whitespace) words.push("");
    whitespace = false;
    words[words.length - 1] += character;
    escaped = false;
  };
  for (const character of line) {
    if (character === '"' && !escaped) {
      quoted = !quoted;
      if (quoted && whitespace) {
        words.push("");
        whitespace = false;
      }
    } else if ((character === " " || character === "\t") && !quoted && !escaped) {
      whitespace = true;
    } else if (character === "\\" && !escaped) {
      escaped = true;
    } else {
      put(character);
    }
  }
  return words;
}

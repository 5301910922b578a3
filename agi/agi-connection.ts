import type { Duplex } from "node:stream";
import type Context from "ding-dong/lib/context.js";
import { AgiError, AgiLineReader, type AgiReply, parseEnvironmentLine, parseReply } from "./agi-reply.ts";

/** Everything that arrives, waits or is sent has a bound. */
export interface AgiLimits {
  readonly connections: number;
  readonly environmentBytes: number;
  readonly environmentLines: number;
  readonly environmentMilliseconds: number;
  readonly lineBytes: number;
  readonly usageLines: number;
  /** One command line with its line end. */
  readonly commandBytes: number;
  readonly commandArguments: number;
  readonly queuedCommands: number;
  /** How long a reply may take beyond the time that the command itself is meant to take. */
  readonly replyMilliseconds: number;
  readonly playMilliseconds: number;
  readonly execMilliseconds: number;
  readonly waitMilliseconds: number;
  /** How long HANGUP may follow a result of -1 and still be taken for its cause. */
  readonly hangupGraceMilliseconds: number;
  readonly keepAliveMilliseconds: number;
}

export const AGI_LIMITS: AgiLimits = {
  connections: 5_000,
  environmentBytes: 16_384,
  environmentLines: 160, // Asterisk sends 20 and up to 127 arguments.
  environmentMilliseconds: 5_000,
  lineBytes: 8_192,
  usageLines: 200,
  commandBytes: 2_047, // Asterisk reads into 2,048 bytes before 22.6, the last of them a NUL.
  commandArguments: 100, // Asterisk's table holds 127.
  queuedCommands: 16,
  replyMilliseconds: 5_000,
  playMilliseconds: 300_000,
  execMilliseconds: 60_000,
  waitMilliseconds: 86_400_000,
  hangupGraceMilliseconds: 250,
  keepAliveMilliseconds: 30_000,
};

type Settle = (error: Error | null, reply?: AgiReply) => void;

interface Command {
  readonly message: string;
  readonly milliseconds: number;
  readonly settle: Settle;
}

/**
 * One socket from Asterisk, under a ding-dong context whose `send` and `read` it replaces. Commands go out one at a
 * time, since Asterisk takes a command that arrives early for an interruption of the running one. Every command
 * settles: by its reply, by its time-out, or by the end of the socket.
 */
export class AgiConnection {
  /** The agi_* lines; rejects with an AgiError when they do not come whole and in time. */
  readonly environment: Promise<ReadonlyMap<string, string>>;
  /** Resolves when the stream is closed, whatever closed it; never rejects. */
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  readonly #context: Context<AgiReply>;
  readonly #limits: AgiLimits;
  readonly #reader: AgiLineReader;
  readonly #hungUp = new AbortController();
  readonly #settleEnvironment: (end: ReadonlyMap<string, string> | AgiError) => void;
  readonly #queue: Command[] = [];
  #variables: Map<string, string> | null = new Map();
  #environmentBytes = 0;
  #inFlight: Command | null = null;
  #receiving = false;
  #usageLinesLeft = 0;
  #usageMayFollow = false;
  #nextReplyMilliseconds: number;
  #timer: NodeJS.Timeout;
  #closedBy: AgiError | null = null;
  #fault: AgiError | null = null;

  constructor({ stream, context, limits }: { stream: Duplex; context: Context<AgiReply>; limits: AgiLimits }) {
    this.#stream = stream;
    this.#context = context;
    this.#limits = limits;
    this.#nextReplyMilliseconds = limits.replyMilliseconds;
    this.#reader = new AgiLineReader(
      {
        onLine: (line) => (this.#variables === null ? this.#onReplyLine(line) : this.#onEnvironmentLine(line)),
        onHangup: () => this.#hungUp.abort(new AgiError("hung_up", "the caller is gone")),
        onLineTooLong: () => this.#fail("bad_reply", "a line from Asterisk is too long"),
      },
      limits.lineBytes,
    );
    const environment = Promise.withResolvers<ReadonlyMap<string, string>>();
    this.environment = environment.promise;
    this.#settleEnvironment = (end) => (end instanceof AgiError ? environment.reject(end) : environment.resolve(end));
    this.#timer = setTimeout(this.#expire, limits.environmentMilliseconds);
    context.send = (message, settle) => this.#send(message, settle);
    context.read = () => "";
    this.closed = new Promise((resolve) => stream.once("close", resolve));
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("error", (cause) => this.#shut(new AgiError("closed", "the AGI socket broke", { cause })));
    stream.on("end", () => this.#onEnd());
    stream.on("close", () => this.#shut(new AgiError("closed", "the AGI socket was closed")));
  }

  get hungUp(): AbortSignal {
    return this.#hungUp.signal;
  }

  /** The time-out or breach of protocol that closed the connection, or null when it ended in an ordinary way. */
  get fault(): AgiError | null {
    return this.#fault;
  }

  /** The context whose next command may take this long, plus the time that any reply may take. */
  within(milliseconds: number): Context<AgiReply> {
    this.#nextReplyMilliseconds = milliseconds + this.#limits.replyMilliseconds;
    return this.#context;
  }

  /**
   * Ends the connection after what was already sent. The stream surely finishes: no more than one command line is
   * ever on its way, so there is always room for it.
   */
  end(): void {
    if (this.#closedBy !== null) return;
    this.#stream.end(() => this.#stream.destroy());
    this.#shut(new AgiError("closed", "the AGI connection was ended on this side"));
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#shut(new AgiError("closed", "the AGI connection was closed on this side"));
    this.#stream.destroy();
  }

  #send(message: string, settle: Settle): void {
    const milliseconds = this.#nextReplyMilliseconds;
    this.#nextReplyMilliseconds = this.#limits.replyMilliseconds;
    const refusal = this.#closedBy ?? this.#refusalOf(message);
    if (refusal !== null) {
      settle(refusal);
      return;
    }
    this.#queue.push({ message, milliseconds, settle });
    if (this.#inFlight === null && !this.#receiving) this.#sendNext();
  }

  #refusalOf(message: string): AgiError | null {
    // Arguments were checked one by one; this holds for the line, whoever built it.
    if (message.indexOf("\n") !== message.length - 1) return new AgiError("bad_argument", "an AGI command is one line");
    if (Buffer.byteLength(message) > this.#limits.commandBytes) {
      return new AgiError("bad_argument", "the AGI command is too long for Asterisk");
    }
    return this.#queue.length < this.#limits.queuedCommands
      ? null
      : new AgiError("failed", "too many AGI commands wait for their turn");
  }

  #sendNext(): void {
    const command = this.#queue.shift();
    if (command === undefined) return;
    this.#inFlight = command;
    this.#timer = setTimeout(this.#expire, command.milliseconds);
    this.#stream.write(command.message);
  }

  #receive(chunk: Buffer): void {
    if (this.#closedBy !== null) return;
    this.#receiving = true;
    this.#reader.push(chunk);
    this.#receiving = false;
    // The next command waits until all that has come is read: a second reply in the same chunk answers nothing that
    // was asked (a value with a line break can look like one) and must not be taken for the next command's reply.
    if (this.#inFlight === null && this.#closedBy === null) this.#sendNext();
  }

  #onEnvironmentLine(line: string): void {
    const variables = this.#variables;
    if (variables === null) return;
    this.#environmentBytes += Buffer.byteLength(line) + 1;
    if (line === "" && variables.size > 0) {
      clearTimeout(this.#timer);
      this.#variables = null;
      this.#context.variables = Object.fromEntries(variables);
      this.#settleEnvironment(variables);
      return;
    }
    const variable = parseEnvironmentLine(line);
    // Asterisk names each variable once. A second one would be a caller's name with a line break in it.
    if (variable === null || variables.has(variable.name)) {
      this.#fail("bad_reply", "the AGI environment is malformed");
    } else if (
      this.#environmentBytes > this.#limits.environmentBytes ||
      variables.size === this.#limits.environmentLines
    ) {
      this.#fail("bad_reply", "the AGI environment is too large");
    } else {
      variables.set(variable.name, variable.value);
    }
  }

  #onEnd(): void {
    this.#shut(new AgiError("closed", "Asterisk ended the AGI socket"));
    this.#stream.destroy(); // Asterisk never closes one half only, so nothing that is still to be sent has a reader.
  }

  #onReplyLine(line: string): void {
    if (this.#usageLinesLeft > 0) {
      this.#onUsageLine(line);
    } else if (line.startsWith("200 ")) {
      const reply = parseReply(line);
      if (reply === null) this.#fail("bad_reply", "a reply from Asterisk can't be read");
      else this.#settle(null, reply);
    } else if (line.startsWith("520-")) {
      this.#usageLinesLeft = this.#limits.usageLines;
    } else if (line.startsWith("520 ")) {
      this.#onUsage();
    } else if (line.startsWith("510 ")) {
      this.#settle(new AgiError("unknown_command", "Asterisk does not know this AGI command"));
    } else if (line.startsWith("511 ")) {
      this.#settle(new AgiError("dead_channel", "the channel is gone, and this AGI command needs one"));
    } else if (!line.startsWith("100 ")) {
      this.#fail("bad_reply", "a line from Asterisk is no AGI reply");
    }
  }

  #onUsageLine(line: string): void {
    this.#usageLinesLeft -= 1;
    if (line.startsWith("520 ")) {
      this.#usageLinesLeft = 0;
      this.#onUsage();
    } else if (this.#usageLinesLeft === 0) {
      this.#fail("bad_reply", "a usage text from Asterisk does not end");
    }
  }

  #onUsage(): void {
    if (this.#usageMayFollow) this.#usageMayFollow = false;
    else this.#settle(new AgiError("usage", "Asterisk refused the form of this AGI command"));
  }

  #settle(error: AgiError | null, reply?: AgiReply): void {
    const command = this.#inFlight;
    if (command === null) {
      this.#fail("bad_reply", "Asterisk replied to nothing");
      return;
    }
    clearTimeout(this.#timer);
    this.#inFlight = null;
    // An application that returns 1 is taken by Asterisk (agi_handle_command) for a call for help: after the reply it
    // sends EXEC's usage as well, which answers no command of ours.
    this.#usageMayFollow = reply?.result === "1" && command.message.startsWith("EXEC ");
    command.settle(error, reply);
  }

  readonly #expire = (): void => {
    this.#fail("time_out", this.#inFlight === null ? "the AGI environment did not come in time" : "no reply in time");
  };

  /** After a breach of protocol nobody can tell which reply belongs to which command, so the connection is over. */
  #fail(kind: "bad_reply" | "time_out", message: string): void {
    if (this.#closedBy !== null) return;
    this.#fault = new AgiError(kind, message);
    this.#shut(this.#fault);
    this.#stream.destroy();
  }

  #shut(reason: AgiError): void {
    if (this.#closedBy !== null) return;
    const closed = reason.kind === "closed" ? reason : new AgiError("closed", reason.message, { cause: reason });
    this.#closedBy = closed;
    clearTimeout(this.#timer);
    this.#reader.stop();
    this.#settleEnvironment(reason);
    this.#inFlight?.settle(reason);
    this.#inFlight = null;
    for (const command of this.#queue.splice(0)) command.settle(closed);
    this.#hungUp.abort(closed);
  }
}

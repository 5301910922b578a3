import { setTimeout as delay } from "node:timers/promises";
import type { AgiConnection, AgiLimits } from "./agi-connection.ts";
import { AgiError, type AgiReply, argumentsOf, escapeArgument, quoteArgument, scriptOf } from "./agi-reply.ts";

/**
 * One call, as a script sees it. Every command rejects with an AgiError and nothing else. Commands may be asked for
 * without waiting; they are sent one after another. One that nobody awaits may fail without ending the process.
 * After a hang-up Asterisk still runs variables, exec and noop, so they are still sent; others are `dead_channel`.
 */
export interface AgiChannel {
  /** "pay" for `AGI(agi://host/pay?x=1)`. */
  readonly script: string;
  readonly args: readonly string[];
  /** The agi_* lines, values as they came. */
  readonly variables: ReadonlyMap<string, string>;
  /** Aborted once, at HANGUP or when the socket ends; the reason is an AgiError, `hung_up` or `closed`. */
  readonly hungUp: AbortSignal;
  /** Sends any command: each part is one argument. `milliseconds` is how long the command itself may take. */
  command(parts: readonly string[], milliseconds?: number): Promise<AgiReply>;
  answer(): Promise<void>;
  /** A channel that is already gone is no error. */
  hangup(): Promise<void>;
  noop(): Promise<void>;
  /** Plays a prompt; a missing one is `failed`, a caller who hangs up meanwhile `hung_up`. */
  streamFile(file: string, escapeDigits?: string, milliseconds?: number): Promise<{ readonly digit: string | null }>;
  waitForDigit(milliseconds: number): Promise<string | null>;
  /** Null when the variable is not set. A name that holds `${` is an expression (GET FULL VARIABLE). */
  getVariable(name: string): Promise<string | null>;
  setVariable(name: string, value: string): Promise<void>;
  /**
   * Plays a prompt and collects up to `digitsMax` keys, `#` ending early. `complete` is false when time ran out:
   * `milliseconds` is the time for the first key and again for each further one.
   */
  getData(request: KeysRequest): Promise<{ readonly digits: string; readonly complete: boolean }>;
  /**
   * Runs a dialplan application and gives its result; `failed` when Asterisk has no such application. One option is
   * the application's whole option line, as in the dialplan; several are joined by commas and may hold none.
   */
  exec(application: string, ...args: string[]): Promise<number>;
  /** The same, for an application that may take this long. */
  execFor(milliseconds: number, application: string, ...args: string[]): Promise<number>;
  /** Ends the connection: Asterisk goes on in the dialplan. */
  close(): void;
}

export interface KeysRequest {
  readonly file: string;
  readonly milliseconds: number;
  readonly digitsMax: number;
}

interface ChannelParts {
  readonly connection: AgiConnection;
  readonly environment: ReadonlyMap<string, string>;
  readonly limits: AgiLimits;
}

export function createAgiChannel({ connection, environment, limits }: ChannelParts): AgiChannel {
  return {
    script: scriptOf(environment),
    args: argumentsOf(environment),
    variables: environment,
    hungUp: connection.hungUp,
    command: safely(async (parts: readonly string[], milliseconds = 0) => {
      checkDuration(milliseconds, limits);
      if (parts.length > limits.commandArguments) throw new AgiError("bad_argument", "too many AGI arguments");
      return await connection.within(milliseconds).sendCommand(parts.map(quoteArgument).join(" "));
    }),
    answer: safely(async () => {
      await succeeded(await connection.within(0).answer(), "ANSWER", { connection, limits });
    }),
    hangup: safely(async () => {
      const reply = await connection.within(0).hangup().catch(goneAlready);
      if (reply?.result === "-1") throw new AgiError("failed", "HANGUP failed");
    }),
    noop: safely(async () => {
      await connection.within(0).noop();
    }),
    streamFile: safely(async (file: string, escapeDigits = "", milliseconds = limits.playMilliseconds) => {
      checkDuration(milliseconds, limits);
      if (!/^[0-9*#A-D]*$/.test(escapeDigits)) throw new AgiError("bad_argument", "escape digits are 0-9, *, #, A-D");
      // ding-dong puts the quotes around these two itself.
      const reply = await connection.within(milliseconds).streamFile(escapeName(file), escapeDigits);
      return { digit: digitOf(await succeeded(reply, "STREAM FILE", { connection, limits })) };
    }),
    waitForDigit: safely(async (milliseconds: number) => {
      checkDuration(milliseconds, limits);
      const reply = await connection.within(milliseconds).waitForDigit(milliseconds);
      return digitOf(await succeeded(reply, "WAIT FOR DIGIT", { connection, limits }));
    }),
    getVariable: safely(async (name: string) => {
      const quoted = `"${escapeName(name)}"`;
      const context = connection.within(0);
      const reply = await (name.includes("${") ? context.getFullVariable(quoted) : context.getVariable(quoted));
      return reply.result === "1" ? reply.value : null;
    }),
    setVariable: safely(async (name: string, value: string) => {
      // ding-dong puts the quotes around the value, and none around the name.
      const reply = await connection.within(0).setVariable(`"${escapeName(name)}"`, escapeArgument(value));
      if (reply.result !== "1") throw new AgiError("failed", "SET VARIABLE failed");
    }),
    getData: safely((request: KeysRequest) => getData(connection, limits, request)),
    exec: safely((application: string, ...args: string[]) =>
      exec(connection, { milliseconds: limits.execMilliseconds, application, args }),
    ),
    execFor: safely(async (milliseconds: number, application: string, ...args: string[]) => {
      checkDuration(milliseconds, limits);
      return await exec(connection, { milliseconds, application, args });
    }),
    close: () => connection.end(),
  };
}

/** Node ends the process over a rejection that nobody handles; a call that ends must not do that to the others. */
function safely<A extends unknown[], T>(verb: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  return (...args) => {
    const outcome = verb(...args);
    outcome.catch(() => {});
    return outcome;
  };
}

async function getData(
  connection: AgiConnection,
  limits: AgiLimits,
  { file, milliseconds, digitsMax }: KeysRequest,
): Promise<{ readonly digits: string; readonly complete: boolean }> {
  if (!Number.isInteger(digitsMax) || digitsMax < 1) throw new AgiError("bad_argument", "digitsMax counts from 1");
  const allMilliseconds = limits.playMilliseconds + milliseconds * digitsMax;
  checkDuration(milliseconds, limits);
  checkDuration(allMilliseconds, limits);
  const context = connection.within(allMilliseconds);
  const reply = await context.getData(`"${escapeName(file)}"`, milliseconds, digitsMax);
  await succeeded(reply, "GET DATA", { connection, limits });
  return { digits: reply.result, complete: reply.value !== "timeout" };
}

async function exec(
  connection: AgiConnection,
  { milliseconds, application, args }: { milliseconds: number; application: string; args: readonly string[] },
): Promise<number> {
  if (!/^\w+$/.test(application)) throw new AgiError("bad_argument", "an application's name is one word");
  // The application cuts its option line at commas, so one of several options must not become two.
  if (args.length > 1 && args.some((arg) => arg.includes(",")))
    throw new AgiError("bad_argument", "an option holds a comma");
  const context = connection.within(milliseconds);
  const reply = await (args.length === 0
    ? context.exec(application)
    : context.exec(application, `"${escapeArgument(args.join(","))}"`));
  const result = numberOf(reply);
  if (result === -2) throw new AgiError("failed", `Asterisk has no application ${application}`);
  return result;
}

/**
 * Passes a reply on, unless its result is -1. That says both "no such file" and "hung up", and tells them apart by
 * nothing but HANGUP, which Asterisk sends right after the reply: so it gets a moment to arrive.
 */
async function succeeded(
  reply: AgiReply,
  command: string,
  { connection, limits }: { connection: AgiConnection; limits: AgiLimits },
): Promise<AgiReply> {
  if (reply.result !== "-1") return reply;
  if (!connection.hungUp.aborted) {
    await delay(limits.hangupGraceMilliseconds, undefined, { signal: connection.hungUp }).catch(() => {});
  }
  connection.hungUp.throwIfAborted();
  throw new AgiError("failed", `${command} failed`);
}

function goneAlready(error: unknown): null {
  if (error instanceof AgiError && error.kind === "dead_channel") return null;
  throw error;
}

/** The key pressed, from its ASCII code; null for 0, no key. */
function digitOf(reply: AgiReply): string | null {
  const ascii = numberOf(reply);
  if (ascii === 0) return null;
  const digit = String.fromCharCode(ascii);
  if (!/^[0-9*#A-D]$/.test(digit)) throw new AgiError("bad_reply", "a result from Asterisk is no key");
  return digit;
}

function numberOf(reply: AgiReply): number {
  if (!/^-?\d{1,9}$/.test(reply.result)) throw new AgiError("bad_reply", "a result from Asterisk is no number");
  return Number(reply.result);
}

function escapeName(name: string): string {
  if (name === "") throw new AgiError("bad_argument", "a name is empty");
  return escapeArgument(name);
}

function checkDuration(milliseconds: number, limits: AgiLimits): void {
  if (!Number.isInteger(milliseconds) || milliseconds < 0 || milliseconds > limits.waitMilliseconds) {
    throw new AgiError("bad_argument", `${milliseconds} is no duration of 0 to ${limits.waitMilliseconds} ms`);
  }
}

/** The part of ding-dong 0.1.7 that agi/fastagi.ts relies on; the package has no types of its own. */
declare module "ding-dong" {
  import type { Server } from "node:net";
  import type Context from "ding-dong/lib/context.js";

  /** Makes a FastAGI server; `start` takes the port as text too, and only "0" as text means any free port. */
  function dingDong<Reply>(handler: (context: Context<Reply>) => void): {
    start(port: number | string, host?: string): Server;
  };
  export = dingDong;
}

declare module "ding-dong/lib/context.js" {
  import type { EventEmitter } from "node:events";

  /** One call. Every command goes through `send`; what `send` hands to its callback is what a command promises. */
  class Context<Reply> extends EventEmitter {
    constructor(stream: Pick<EventEmitter, "on">);
    variables: Record<string, string>;
    read(): string;
    send(message: string, settle: (error: Error | null, reply?: Reply) => void): void;
    sendCommand(line: string): Promise<Reply>;
    answer(): Promise<Reply>;
    hangup(): Promise<Reply>;
    noop(): Promise<Reply>;
    streamFile(file: string, escapeDigits: string): Promise<Reply>;
    waitForDigit(milliseconds: number): Promise<Reply>;
    getVariable(name: string): Promise<Reply>;
    getFullVariable(expression: string): Promise<Reply>;
    getData(file: string, milliseconds: number, digitsMax: number): Promise<Reply>;
    setVariable(name: string, value: string): Promise<Reply>;
    exec(application: string, ...options: string[]): Promise<Reply>;
    onEvent(event: string): Promise<unknown>;
  }
  export = Context;
}

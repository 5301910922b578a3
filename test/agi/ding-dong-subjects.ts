import { once } from "node:events";
import type { Server, Socket } from "node:net";
import dingDong from "ding-dong";
import type Context from "ding-dong/lib/context.js";
import { type AgiChannel, serveFastAgi } from "../../agi/fastagi.ts";

/** A server as a scenario sees it, ours or ding-dong's, with what both can do under one name. */
export interface Subject extends AsyncDisposable {
  readonly port: number;
  readonly call: Promise<Call>;
}

export interface Call {
  variable(name: string): string | undefined;
  /** How often the script was told that the caller hung up. */
  hangups(): number;
  noop(): Promise<unknown>;
  getVariable(name: string): Promise<unknown>;
  setVariable(name: string, value: string): Promise<unknown>;
  streamFile(file: string): Promise<unknown>;
  getData(): Promise<unknown>;
}

export async function ours(): Promise<Subject> {
  const [started, released] = [Promise.withResolvers<Call>(), Promise.withResolvers<void>()];
  const server = await serveFastAgi({
    port: 0,
    limits: { replyMilliseconds: 100 },
    onError: () => {},
    onRequest: async (channel) => {
      started.resolve(asCall(channel));
      await released.promise;
    },
  });
  return {
    port: server.port,
    call: started.promise,
    async [Symbol.asyncDispose]() {
      released.resolve();
      await server.drain(0);
    },
  };
}

function asCall(channel: AgiChannel): Call {
  let hangups = channel.hungUp.aborted ? 1 : 0;
  channel.hungUp.addEventListener("abort", () => {
    hangups += 1;
  });
  return {
    variable: (name) => channel.variables.get(name),
    hangups: () => hangups,
    noop: () => channel.noop(),
    getVariable: (name) => channel.getVariable(name),
    setVariable: (name, value) => channel.setVariable(name, value),
    streamFile: (file) => channel.streamFile(file),
    getData: () => channel.getData({ file: "a", milliseconds: 1000, digitsMax: 4 }),
  };
}

interface BareReply {
  readonly code: number;
  readonly result: string;
  readonly value?: string;
}

export async function dingDongAlone(): Promise<Subject> {
  const started = Promise.withResolvers<Call>();
  const sockets = new Set<Socket>();
  const server: Server = dingDong<BareReply>((context) => {
    context.on("error", () => {});
    const call = asBareCall(context);
    context.on("variables", () => started.resolve(call));
  }).start("0");
  server.on("connection", (socket) => sockets.add(socket));
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return {
    port: address.port,
    call: started.promise,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function asBareCall(context: Context<BareReply>): Call {
  let hangups = 0;
  context.on("hangup", () => {
    hangups += 1;
  });
  return {
    variable: (name) => context.variables[name],
    hangups: () => hangups,
    noop: () => context.noop(),
    getVariable: (name) => context.getVariable(name).then((reply) => reply.value),
    setVariable: (name, value) => context.setVariable(name, value),
    streamFile: (file) => context.streamFile(file, ""),
    getData: () => context.getData("a", 1000, 4),
  };
}

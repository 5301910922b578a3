import { type AgiChannel, AgiError, type AgiLimits, type FastAgiServer, serveFastAgi } from "../../agi/fastagi.ts";
import { ENVIRONMENT, RawAsterisk } from "./raw-asterisk.ts";

/** One call under a server of its own; giving it back proves that the server let go of it. */
export interface RunningCall extends AsyncDisposable {
  readonly server: FastAgiServer;
  readonly asterisk: RawAsterisk;
  readonly channel: AgiChannel;
  readonly errors: readonly unknown[];
  /** Lets onRequest return. */
  release(): void;
  /** Resolves when the server holds no call any more. */
  readonly over: Promise<void>;
}

export async function startCall({
  environment = ENVIRONMENT,
  limits = {},
}: {
  environment?: string;
  limits?: Partial<AgiLimits>;
} = {}): Promise<RunningCall> {
  const [started, released] = [Promise.withResolvers<AgiChannel>(), Promise.withResolvers<void>()];
  const errors: unknown[] = [];
  const server = await serveFastAgi({
    port: 0,
    limits,
    onError: (error) => errors.push(error),
    onRequest: async (channel) => {
      started.resolve(channel);
      await released.promise;
    },
  });
  const asterisk = await RawAsterisk.connect(server.port, environment);
  const channel = await started.promise;
  return {
    server,
    asterisk,
    channel,
    errors,
    release: released.resolve,
    get over() {
      return server.drain(60_000);
    },
    async [Symbol.asyncDispose]() {
      released.resolve();
      await server.drain(60_000);
      await asterisk.closed();
      if (server.connections !== 0) throw new AgiError("failed", "a call was leaked");
    },
  };
}

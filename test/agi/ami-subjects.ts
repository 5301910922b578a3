import makeManager from "asterisk-manager";
import { type AmiConnection, AmiError, type AmiLimits, connectAmi } from "../../agi/ami.ts";
import type { RawManager, RawManagerConnection } from "./raw-manager.ts";

/** A client of AMI as a scenario sees it, ours or the bare library, with what both can do under one name. */
export interface Client {
  ping(): Promise<unknown>;
  hangup(channel: string): Promise<unknown>;
  /** Whether the client has found out that its connection is gone. */
  gone(): boolean;
}

export interface Subject {
  readonly what: "ours" | "bare";
  /** Connects, and again after a drop, as each is meant to. */
  connect(manager: RawManager, limits?: Partial<AmiLimits>): Promise<Client>;
}

export const QUICK: Partial<AmiLimits> = {
  loginMilliseconds: 300,
  actionMilliseconds: 150,
  listMilliseconds: 150,
  pingEveryMilliseconds: 100_000,
};

/** Logs in to that server, playing both ends. */
export async function connectOurs(
  manager: RawManager,
  options: Partial<Parameters<typeof connectAmi>[0]> = {},
): Promise<{ readonly connection: AmiConnection; readonly asterisk: RawManagerConnection }> {
  const connecting = connectAmi({
    host: "127.0.0.1",
    port: manager.port,
    user: "phone2pay",
    secret: "secret of the test",
    limits: QUICK,
    ...options,
  });
  const accepting = manager.connection().then((connection) => connection.letIn());
  const [connection, asterisk] = await Promise.all([connecting, accepting]);
  return { connection, asterisk };
}

export const ours: Subject = {
  what: "ours",
  async connect(manager, limits = {}) {
    let gone = false;
    const connection = await connectAmi({
      host: "127.0.0.1",
      port: manager.port,
      user: "phone2pay",
      secret: "secret of the test",
      limits: { ...QUICK, ...limits },
      onLost: () => {
        gone = true;
      },
    });
    return {
      ping: () => connection.ping(),
      hangup: (channel) => connection.hangup(channel, 16),
      gone: () => gone,
    };
  },
};

interface BareReply {
  readonly response: string;
}

/** One library manager per server, which it keeps over all its connections, as its keepConnected does. */
export function bareManager(): Subject {
  let manager: ReturnType<typeof makeManager<BareReply>> | null = null;
  return {
    what: "bare",
    connect: ({ port }) =>
      new Promise((resolve, reject) => {
        const bare = manager ?? makeManager<BareReply>(null, "127.0.0.1", "phone2pay", "secret of the test");
        manager = bare;
        let gone = false;
        bare.on("close", () => {
          gone = true;
        });
        const act = (fields: Readonly<Record<string, string>>): Promise<unknown> =>
          new Promise((settle, refuse) => {
            bare.action(fields, (refusal, reply) => (refusal ? refuse(refusal) : settle(reply?.response)));
          });
        const client: Client = {
          ping: () => act({ action: "ping" }),
          hangup: (channel) => act({ action: "hangup", channel }),
          gone: () => gone,
        };
        bare.connect(port, "127.0.0.1");
        bare.login((refusal) => (refusal ? reject(new AmiError("refused", "refused")) : resolve(client)));
      }),
  };
}

import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type AmiLink, superviseAmi } from "../../agi/ami-link.ts";
import { keepRecordEvents } from "../../agi/record-events.ts";
import { superviseLegs } from "../../agi/supervisor.ts";
import { layWire } from "../faults/wire.ts";
import { eventually } from "../support/eventually.ts";
import { type Exchange, openExchange, SECRET } from "./exchange.ts";

/** A leg that seems to have ended is closed while the test looks, but not before its own server has had the time to. */
const SUPERVISOR = { lookEveryMilliseconds: 500, graceMilliseconds: 4_000 };

/** An exchange whose every word is taken down: what the voice servers say to Asterisk, and what Asterisk tells the supervisor. */
export interface HostileExchange extends AsyncDisposable {
  readonly exchange: Exchange;
  readonly link: AmiLink;
  /** A directory that nobody but a successful attack writes to. */
  readonly watched: string;
  /** The lines that the voice servers have sent to Asterisk. */
  said(): readonly string[];
  /** How often each event was told, by name and uniqueid. */
  readonly told: ReadonlyMap<string, number>;
  /** Why the manager interface was lost, and what the supervisor and the keeper of records had to say. */
  readonly complaints: readonly unknown[];
}

export async function openHostileExchange(firstPort: number): Promise<HostileExchange> {
  await using resources = new AsyncDisposableStack();
  const watched = resources.use(await mkdtempDisposable(path.join(tmpdir(), "hostile-"))).path;
  const [said, told, complaints] = [new Map<string, string>(), new Map<string, number>(), [] as unknown[]];
  const listenIn = async (port: number) => {
    const wire = await layWire(port, (connection, bytes) => {
      const name = `${port}/${connection}`;
      said.set(name, (said.get(name) ?? "") + bytes.toString("latin1"));
    });
    return resources.use(wire).address;
  };
  const agiServers = [await listenIn(firstPort + 3), await listenIn(firstPort + 4)] as const;
  const exchange = resources.use(await openExchange({ firstPort, asterisk: { agiServers } }));
  const { db } = exchange;
  const account = { host: "127.0.0.1", port: firstPort + 2, user: "phone2pay", secret: SECRET };
  const link = resources.use(superviseAmi(account));
  link.listen({
    onDown: (reason) => complaints.push(reason),
    onEvent: (name, event) => {
      const uniqueid = event.get("uniqueid");
      if (uniqueid === undefined) return; // the beginning of an event that a text has cut: it tells of no call
      const key = `${name} ${uniqueid}`;
      told.set(key, (told.get(key) ?? 0) + 1);
    },
  });
  const log = (event: string, details: unknown) => complaints.push([event, details]);
  resources.use(superviseLegs({ db, link, worker: "supervisor", log, limits: SUPERVISOR }));
  resources.use(keepRecordEvents({ db, link, log }));
  await eventually(async () => link.up);
  const kept = resources.move();
  return {
    exchange,
    link,
    watched,
    said: () => [...said.values()].flatMap((text) => text.split("\n")).filter((line) => line !== ""),
    told,
    complaints,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { VoiceServer } from "../../agi/call.ts";
import { serveAgi } from "../../agi/server.ts";
import { openVoiceServer } from "../../agi/voice-server.ts";
import { type RunningAsterisk, startAsterisk } from "../../bin/asterisk.ts";
import type { AsteriskOptions } from "../../bin/asterisk-site.ts";
import type { Segment } from "../../core/tariff.ts";
import type { Order, Transaction } from "../../core/transaction.ts";
import { issueCode } from "../../db/codes.ts";
import type { Db, OpenDatabase } from "../../db/database.ts";
import { cloneDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { type Seeded, seedMerchant, seedNumber, seedTransaction } from "../support/seed.ts";

export const SECRET = "a-secret-for-tests-only";

/** The numbers of the demo, and what they cost. */
export const NUMBERS = {
  pulses: { number: "0900900904", segments: [{ kind: "time", rappenPerMinute: 120, incrementSeconds: 5 }] },
  minutes: { number: "0900900905", segments: [{ kind: "time", rappenPerMinute: 213, incrementSeconds: 60 }] },
  perCall: { number: "0900900906", segments: [{ kind: "fixed", priceRappen: 300 }] },
  consent: { number: "0900900907", segments: [{ kind: "time", rappenPerMinute: 600, incrementSeconds: 1 }] },
  early: { number: "0900900908", segments: [{ kind: "time", rappenPerMinute: 120, incrementSeconds: 1 }] },
} as const satisfies Readonly<Record<string, { readonly number: string; readonly segments: readonly Segment[] }>>;
export type NumberName = keyof typeof NUMBERS;

/** One line of Asterisk's own record of a call. */
export interface Cdr {
  readonly uniqueid: string;
  readonly answeredAtMs: number;
  readonly endedAtMs: number;
  readonly talkMs: number;
}

/** A real Asterisk with our configuration, a database of its own and, unless told otherwise, two voice servers in this process. */
export interface Exchange extends AsyncDisposable {
  readonly db: Db;
  readonly databaseUrl: string;
  readonly asterisk: RunningAsterisk;
  /** Kills Asterisk and its calls without a word, and starts it again as it was. */
  restartAsterisk(): Promise<void>;
  readonly journalDirectory: string;
  readonly sipPort: number;
  readonly agiPorts: readonly [number, number];
  /** A key of the merchant who holds all the numbers. */
  readonly liveKey: string;
  /** An open transaction on that number, with the code its page shows. */
  openPayment(
    name: NumberName,
    order?: Partial<Order>,
  ): Promise<{ readonly id: string; readonly code: string; readonly transaction: Transaction }>;
  newCode(id: string): Promise<string>;
  cdrs(): Promise<readonly Cdr[]>;
  /** What is wrong in the log of the voice servers. */
  readonly complaints: readonly unknown[];
}

export async function openExchange(options: {
  readonly firstPort: number;
  readonly serveHere?: boolean;
  /** A migrated database in place of a clone of the run's template. */
  readonly database?: OpenDatabase;
  readonly asterisk?: Partial<AsteriskOptions>;
}): Promise<Exchange> {
  const { firstPort, serveHere = true } = options;
  const resources = new AsyncDisposableStack();
  const database = resources.use(options.database ?? (await cloneDatabase()));
  const { db } = database;
  const seeded = await seedNumbers(db);
  const agiPorts = [firstPort + 3, firstPort + 4] as const;
  const directory = await mkdtemp(path.join(tmpdir(), "exchange-"));
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  const journalDirectory = path.join(directory, "journal");
  const complaints: unknown[] = [];
  const asteriskOptions: AsteriskOptions = {
    directory,
    sipPort: firstPort,
    httpPort: firstPort + 1,
    amiPort: firstPort + 2,
    rtpPorts: [firstPort + 100, firstPort + 899],
    agiServers: [`127.0.0.1:${agiPorts[0]}`, `127.0.0.1:${agiPorts[1]}`],
    agiSecret: SECRET,
    amiSecret: SECRET,
    softphonePasswords: ["a-password-of-softphone-one", "a-password-of-softphone-two"],
    ...options.asterisk,
  };
  let asterisk = await startAsterisk(asteriskOptions);
  if (serveHere) {
    for (const port of agiPorts) {
      const log: VoiceServer["log"] = (event, details) => complaints.push([event, details]);
      const voice = resources.use(
        await openVoiceServer({
          db,
          worker: `test/${port}`,
          callerHashKey: SECRET,
          promptsDirectory: asterisk.promptsDirectory,
          journalDirectory,
          log,
        }),
      );
      resources.use(await serveAgi(voice, { host: "127.0.0.1", port, secret: SECRET, callsMax: 100 }));
    }
  }
  resources.defer(() => asterisk.stop()); // last in, first out: no call is left when the servers go

  const issue = async (id: string): Promise<string> => {
    const code = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
    if ("refusal" in code) throw new Error(code.refusal);
    return code.code;
  };
  return {
    db,
    databaseUrl: database.url,
    get asterisk() {
      return asterisk;
    },
    async restartAsterisk() {
      process.kill(asterisk.pid, "SIGKILL");
      await asterisk.stop();
      asterisk = await startAsterisk(asteriskOptions);
    },
    journalDirectory,
    sipPort: firstPort,
    agiPorts,
    liveKey: seeded.pulses.liveKey,
    complaints,
    async openPayment(name, order = {}) {
      const transaction = await seedTransaction(db, seeded[name], order);
      return { id: transaction.id, code: await issue(transaction.id), transaction };
    },
    newCode: issue,
    cdrs: async () => readCdrs(await readFile(asterisk.cdrFile, "utf8").catch(() => "")),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function seedNumbers(db: Db): Promise<Readonly<Record<NumberName, Seeded>>> {
  const first = await seedMerchant(db, NUMBERS.pulses);
  const seeded: Partial<Record<NumberName, Seeded>> = { pulses: first };
  for (const name of ["minutes", "perCall", "consent", "early"] as const) {
    const { number, segments } = NUMBERS[name];
    const codeBeforeAnswer = name === "early";
    const { merchantId } = first;
    const { tariffId } = await seedNumber(db, { merchantId, number, segments, codeBeforeAnswer });
    seeded[name] = { ...first, number, tariffId, segments, codeBeforeAnswer };
  }
  return seeded as Readonly<Record<NumberName, Seeded>>;
}

/** Columns as asterisk-config/cdr_custom.conf names them. */
function readCdrs(csv: string): readonly Cdr[] {
  return csv
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const columns = line.split(",").map((column) => column.replace(/^"|"$/g, ""));
      const [answered, ended] = [Number(columns[5]), Number(columns[6])];
      return {
        uniqueid: columns[0] ?? "",
        answeredAtMs: answered * 1_000,
        endedAtMs: ended * 1_000,
        talkMs: Number(columns[8]) * 1_000,
      };
    });
}

/** The legs of a transaction with their booked pulses, once they are closed. */
export async function closedLegs(db: Db, transactionId: string, count: number) {
  return eventually(async () => {
    const legs = await db
      .selectFrom("call_legs")
      .select(["id", "uniqueid", "billed", "end_reason", "duration_ms", "epoch"])
      .where("transaction_id", "=", transactionId)
      .where("ended_at", "is not", null)
      .orderBy("id")
      .execute();
    return legs.length >= count && legs;
  });
}

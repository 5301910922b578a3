import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { serveAgi } from "../../agi/server.ts";
import { openVoiceServer } from "../../agi/voice-server.ts";
import { promptLengths, readRecordings } from "../../bin/line-news.ts";
import type { Donation } from "../../core/donation.ts";
import type { Segment } from "../../core/tariff.ts";
import { issueCode } from "../../db/codes.ts";
import type { Db } from "../../db/database.ts";
import { chooseDonation } from "../../db/donations.ts";
import { type DialOptions, dial, type LineEvent, type SimulatedCall } from "../../line/simulated-call.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedMerchant, seedNumber, seedTransaction } from "../support/seed.ts";

export const SECRET = "a-secret-for-tests-only";

const PER_MINUTE = (rappenPerMinute: number, incrementSeconds: number): readonly Segment[] => [
  { kind: "time", rappenPerMinute, incrementSeconds },
];
export const NUMBERS = {
  pulses: { number: "0900900904", segments: PER_MINUTE(120, 5), codeBeforeAnswer: false },
  consent: { number: "0900900907", segments: PER_MINUTE(600, 1), codeBeforeAnswer: false },
  early: { number: "0900900908", segments: PER_MINUTE(120, 1), codeBeforeAnswer: true },
  capped: {
    number: "0900900909",
    segments: [...PER_MINUTE(120, 1), { kind: "cap", callRappen: 60 }],
    codeBeforeAnswer: false,
  },
  cheaper: {
    number: "0900900910",
    segments: [{ kind: "time", rappenPerMinute: 120, incrementSeconds: 1, seconds: 40 }, ...PER_MINUTE(60, 1)],
    codeBeforeAnswer: true,
  },
} as const;
export type NumberName = keyof typeof NUMBERS;

/** A voice server of its own, which can be ended as by a crash: nothing is told to the line or written to the books. */
export interface Voice extends AsyncDisposable {
  readonly address: string;
}

/** Everything there is between the simulated line and the database, in this process. */
export interface SimulatedExchange extends AsyncDisposable {
  readonly db: Db;
  readonly complaints: readonly unknown[];
  startVoice(): Promise<Voice>;
  openPayment(
    name: NumberName,
    amountRappen: number,
    donation?: Donation,
  ): Promise<{ readonly id: string; readonly code: string }>;
  newCode(id: string): Promise<string>;
  /** Dials; the events of the call go into `events`, too. */
  call(options: Partial<DialOptions> & Pick<DialOptions, "number" | "agiServers">): SimulatedCall & {
    readonly events: readonly LineEvent[];
  };
}

export async function openSimulatedExchange(): Promise<SimulatedExchange> {
  const resources = new AsyncDisposableStack();
  const { db } = resources.use(await cloneDatabase());
  const seeded = await seedNumbers(db);
  const recordings = await readRecordings();
  const journalDirectory = resources.use(await mkdtempDisposable(path.join(tmpdir(), "journal-"))).path;
  const complaints: unknown[] = [];
  const newCode = async (id: string): Promise<string> => {
    const code = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
    if ("refusal" in code) throw new Error(code.refusal);
    return code.code;
  };
  return {
    db,
    complaints,
    newCode,
    async startVoice() {
      const parts = new AsyncDisposableStack();
      const log = (event: string, details: unknown) => complaints.push([event, details]);
      const voice = parts.use(
        await openVoiceServer({
          db,
          worker: "test/line",
          callerHashKey: SECRET,
          promptsDirectory: "/prompts",
          journalDirectory,
          log,
        }),
      );
      const { port } = parts.use(await serveAgi(voice, { host: "127.0.0.1", port: 0, secret: SECRET, callsMax: 50 }));
      resources.use(parts);
      return { address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: () => parts.disposeAsync() };
    },
    async openPayment(name, amountRappen, donation) {
      const { id } = await seedTransaction(db, seeded[name], { amountRappen, donation: donation ?? null });
      if (donation) await chooseDonation(db, { transactionId: id, amountRappen });
      return { id, code: await newCode(id) };
    },
    call(options) {
      const { onEvent = () => {}, ...others } = options;
      const events: LineEvent[] = [];
      const call = dial({
        callerId: null,
        secret: SECRET,
        trunk: "demo",
        promptLengthMs: promptLengths(recordings),
        onEvent(event) {
          events.push(event);
          onEvent(event);
        },
        ...others,
      });
      return Object.assign(call, { events });
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function seedNumbers(db: Db): Promise<Readonly<Record<NumberName, Seeded>>> {
  const pulses = await seedMerchant(db, NUMBERS.pulses);
  const add = async (name: NumberName): Promise<Seeded> => {
    const { number, segments, codeBeforeAnswer } = NUMBERS[name];
    const { tariffId } = await seedNumber(db, { merchantId: pulses.merchantId, ...NUMBERS[name] });
    return { ...pulses, number, tariffId, segments, codeBeforeAnswer };
  };
  return {
    pulses,
    consent: await add("consent"),
    early: await add("early"),
    capped: await add("capped"),
    cheaper: await add("cheaper"),
  };
}

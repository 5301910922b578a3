import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import Fastify from "fastify";
import { serveAgi } from "../../agi/server.ts";
import { openVoiceServer } from "../../agi/voice-server.ts";
import { promptLengths, readRecordings } from "../../bin/line-news.ts";
import type { Segment } from "../../core/tariff.ts";
import { type NoticeWatch, watchTransactions } from "../../db/notices.ts";
import { findLastPlay } from "../../db/test-plays.ts";
import { readJournal } from "../../db/transactions.ts";
import { webPages } from "../../web/pages.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedMerchant, seedNumber, THREE_FRANCS_A_CALL } from "../support/seed.ts";
import { PROVIDER, WebApp } from "./web-app.ts";

const SECRET = "a-secret-for-tests-only";
/** Where nobody is accepted, and connections fail at once. */
const NOBODY = "127.0.0.1:1";

const perMinute = (rappenPerMinute: number): readonly Segment[] => [
  { kind: "time", rappenPerMinute, incrementSeconds: 1 },
];
/** Numbers of one merchant, for each way in which a played call pays. */
const NUMBERS = {
  bySecond: { number: "0900900911", segments: perMinute(120), codeBeforeAnswer: false },
  /** Its carrier bills its real calls, and rounds them down. */
  carrier: { number: "0900900912", segments: perMinute(120), codeBeforeAnswer: false },
  keyedFirst: { number: "0900900913", segments: perMinute(120), codeBeforeAnswer: true },
  perCall: { number: "0900900914", segments: THREE_FRANCS_A_CALL, codeBeforeAnswer: false },
  capped: {
    number: "0900900915",
    segments: [...perMinute(120), { kind: "cap", callRappen: 20 }],
    codeBeforeAnswer: true,
  },
} as const satisfies Readonly<
  Record<string, { number: string; segments: readonly Segment[]; codeBeforeAnswer: boolean }>
>;
type NumberName = keyof typeof NUMBERS;

/** The shopper's pages with a real voice server behind them, on which callers can be played. */
export class PlayedWeb extends WebApp {
  readonly complaints: unknown[] = [];
  #watch!: NoticeWatch;
  #numbers!: Readonly<Record<NumberName, Seeded>>;
  #resources = new AsyncDisposableStack();

  /** Without a voice server calls ring until nobody has answered. */
  static async open(options: { readonly voice: boolean } = { voice: true }): Promise<PlayedWeb> {
    const database = await cloneDatabase();
    const seeded = await seedMerchant(database.db);
    const watch = await watchTransactions(database.url);
    const app = Fastify({ forceCloseConnections: true });
    const web = new PlayedWeb(app, database, seeded, watch);
    web.#watch = watch;
    web.#numbers = await seedNumbers(web);
    const agi = options.voice ? await web.#startVoice() : NOBODY;
    const recordings = await readRecordings();
    await app.register(webPages, {
      db: database.db,
      baseUrl: "http://localhost",
      provider: PROVIDER,
      watch,
      testLine: {
        agiServers: [agi],
        secret: SECRET,
        promptLengthMs: promptLengths(recordings),
      },
    });
    await app.ready();
    return web;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    await this.#resources[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }

  /** A test transaction on that number. */
  async openTest(on: NumberName, amountRappen: number, test = true): Promise<string> {
    return this.open({ amountRappen, test }, this.#numbers[on]);
  }

  play(id: string, action: string, headers: Record<string, string> = {}) {
    return this.post(`/pay/${id}/play`, `action=${action}`, headers);
  }

  /** Plays, and waits for the end of it. */
  async playOut(id: string, action: string): Promise<void> {
    const answer = await this.play(id, action);
    if (answer.statusCode !== 303) throw new Error(answer.body);
    await this.playEnds(id);
  }

  /** Resolves when nothing is played for the transaction any more. */
  async playEnds(id: string): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const look = () => findLastPlay(this.db, id).then((last) => last?.isPlaying || ended.resolve(), ended.reject);
    const leave = this.#watch.watch(id, look);
    await look();
    await ended.promise.finally(leave);
  }

  async eventsOf(id: string): Promise<readonly string[]> {
    return (await readJournal(this.db, id)).map(({ event }) => event.replace("transaction.", ""));
  }

  /** All calls to the number that a test of its own dials, in order. */
  async legsOn(on: NumberName) {
    return this.db.selectFrom("call_legs").selectAll().where("number", "=", NUMBERS[on].number).orderBy("id").execute();
  }

  async #startVoice(): Promise<string> {
    const directory = this.#resources.use(await mkdtempDisposable(path.join(tmpdir(), "journal-")));
    const voice = this.#resources.use(
      await openVoiceServer({
        db: this.db,
        worker: "test/play",
        callerHashKey: SECRET,
        promptsDirectory: "/prompts",
        journalDirectory: directory.path,
        log: (event, details) => this.complaints.push([event, details]),
      }),
    );
    const agi = await serveAgi(voice, { host: "127.0.0.1", port: 0, secret: SECRET, callsMax: 50 });
    this.#resources.use(agi);
    return `127.0.0.1:${agi.port}`;
  }
}

async function seedNumbers({ db, seeded }: WebApp): Promise<Readonly<Record<NumberName, Seeded>>> {
  const added = await Promise.all(
    Object.entries(NUMBERS).map(async ([name, entry]) => {
      const { tariffId } = await seedNumber(db, { merchantId: seeded.merchantId, ...entry });
      return [name, { ...seeded, ...entry, tariffId }] as const;
    }),
  );
  const { number } = NUMBERS.carrier;
  await db.updateTable("trunks").set({ duration_rounding: "down" }).where("name", "=", "carrier").execute();
  await db.updateTable("smart_numbers").set({ trunk: "carrier" }).where("number", "=", number).execute();
  return Object.fromEntries(added) as Readonly<Record<NumberName, Seeded>>;
}

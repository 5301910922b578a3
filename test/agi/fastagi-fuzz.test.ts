import { Duplex } from "node:stream";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import Context from "ding-dong/lib/context.js";
import fc from "fast-check";
import { AGI_LIMITS, AgiConnection } from "../../agi/agi-connection.ts";
import { type AgiChannel, AgiError, type AgiReply, serveCall, serveFastAgi } from "../../agi/fastagi.ts";
import { PONG } from "../../agi/server.ts";
import { ENVIRONMENT, RawAsterisk } from "./raw-asterisk.ts";

const CASES = 10_000;
const SPLIT_CASES = 2_000;
const LONG_LINE_CASES = 300;
const SOCKET_CASES = 300;
/** A conversation that takes longer hangs: its time-outs are of milliseconds, and the machine may be busy. */
const CONVERSATION_MS_MAX = 10_000;
const LIMITS = {
  ...AGI_LIMITS,
  environmentMilliseconds: 4,
  replyMilliseconds: 4,
  execMilliseconds: 0,
  hangupGraceMilliseconds: 1,
};
const MEGABYTE = Buffer.alloc(1_000_000, "x");

/** What Asterisk does next: says something, cut at the given places, and perhaps leaves. */
interface Turn {
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
  readonly leaves: "no" | "ends" | "breaks";
}

const validReply = fc.oneof(
  fc.constantFrom(
    "200 result=0\n",
    "200 result=1\r\n",
    "200 result=49 endpos=800\r\n",
    "200 result=-1\n",
    "200 result=-2\n",
  ),
  fc.constantFrom(
    "100 Trying...\n200 result=7\n",
    "HANGUP\n200 result=0\n",
    "HANGUP200 result=0\n",
    "200 result=0\nHANGUP\n",
  ),
  fc.string({ unit: "grapheme" }).map((text) => `200 result=1 (${text.replaceAll(/[\r\n]/g, "")})\n`),
);
const refusal = fc.constantFrom(
  "510 Invalid or unknown command\n",
  "511 Command Not Permitted on a dead channel or intercept routine\n",
  "520 Invalid command syntax.  Proper usage not available.\n",
  "520-Invalid command syntax.  Proper usage follows:\n Usage: é\n\n200 result=1\n520 End of proper usage.\n",
);
const unknownRefusal = fc
  .tuple(fc.integer({ min: 500, max: 599 }), fc.constantFrom(" ", "-", ""))
  .map(([status, after]) => Buffer.from(`${status}${after}result=-2\n`));
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom("503 result=-2\n", "200 result=0\n200 result=0\n", "200 result=1 (a\n", "\n\n", "HANG", "")
    .map((text) => Buffer.from(text)),
  unknownRefusal,
  fc.constantFrom(MEGABYTE, Buffer.concat([Buffer.from("200 result=1 ("), MEGABYTE, Buffer.from(")\n")])),
);
const spoken = fc.oneof(
  { weight: 12, arbitrary: validReply.map((text) => Buffer.from(text)) },
  { weight: 3, arbitrary: refusal.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: garbage },
);
const leaves = fc.oneof(
  { weight: 15, arbitrary: fc.constant("no" as const) },
  { weight: 1, arbitrary: fc.constantFrom("ends" as const, "breaks" as const) },
);
const cuts = fc.array(fc.nat(400), { maxLength: 8 });
const turn: fc.Arbitrary<Turn> = fc.record({ bytes: spoken, cuts, leaves });
const opening: fc.Arbitrary<Turn> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ bytes: fc.constant(Buffer.from(ENVIRONMENT)), cuts, leaves }) },
  { weight: 1, arbitrary: fc.record({ bytes: garbage, cuts, leaves }) },
  { weight: 1, arbitrary: fc.record({ bytes: fc.constant(Buffer.from(ENVIRONMENT.trimEnd())), cuts, leaves }) },
);
/**
 * How the script asks, until it ends: each command after the last one's reply, all at once, or each with a proof of life
 * behind it. One that asks nothing at all ends while Asterisk still listens.
 */
const ways = fc.shuffledSubarray(["one by one", "at once", "with proof"] as const);
const conversation = fc.record({ opening, ways, turns: fc.array(turn, { maxLength: 8 }) });
const OPENING: Turn = { bytes: Buffer.from(ENVIRONMENT), cuts: [], leaves: "no" };
type Conversation = typeof conversation extends fc.Arbitrary<infer T> ? T : never;

const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown) => unhandled.push(reason);
beforeAll(() => void process.on("unhandledRejection", noteUnhandled));
afterAll(() => void process.off("unhandledRejection", noteUnhandled));

test(`in ${CASES} conversations of any bytes every command settles, and nothing is left behind`, async () => {
  const timersBefore = activeTimers();
  await fc.assert(
    fc.asyncProperty(conversation, async (spokenThere) => {
      const { stream, channels, outcomes, errors } = await converse(spokenThere);
      const asked = spokenThere.ways.reduce((sum, way) => sum + OUTCOMES[way], 0);
      if (!stream.destroyed || !stream.closed) throw new Error("the stream was left open");
      if (outcomes.length !== channels.length * asked) throw new Error("a command did not settle");
      if (!channels.every(({ hungUp }) => hungUp.aborted)) throw new Error("a call does not know that it is over");
      for (const outcome of [...outcomes, ...errors]) {
        if (outcome instanceof Error && !(outcome instanceof AgiError)) throw outcome;
      }
      if (!stream.written.every((line) => /^[^\n]+\n$/.test(line))) throw new Error("a write was not one line");
    }),
    { numRuns: CASES },
  );
  expect(activeTimers()).toBeLessThanOrEqual(timersBefore);
  expect(unhandled).toEqual([]);
}, 120_000);

test("a line that is too long ends the call at once, and no more of it is kept, however it is cut", async () => {
  const beforeIt = fc.constantFrom("", "200 result=1 (", "520-", "HANGUP", "100 ");
  await fc.assert(
    fc.asyncProperty(beforeIt, cuts, async (start, places) => {
      const bytes = Buffer.concat([Buffer.from(start), MEGABYTE]);
      const { outcomes, stream } = await converse({
        opening: OPENING,
        ways: ["one by one", "at once", "with proof"],
        turns: [{ bytes, cuts: places, leaves: "no" }],
      });
      expect(outcomes.map(describe)).toEqual(["bad_reply", ...outcomes.slice(1).map(() => "closed")]);
      expect(stream.written).toHaveLength(1);
    }),
    { numRuns: LONG_LINE_CASES },
  );
}, 60_000);

test("where the bytes are cut makes no difference", async () => {
  const oneTurn = fc.record({ bytes: fc.oneof(validReply, refusal).map((text) => Buffer.from(text)), cuts });
  await fc.assert(
    fc.asyncProperty(
      cuts,
      ways,
      fc.array(oneTurn, { minLength: 1, maxLength: 12 }),
      async (environmentCuts, asked, turns) => {
        const start: Turn = { ...OPENING, cuts: environmentCuts };
        const said = turns.map((each): Turn => ({ ...each, leaves: "no" }));
        const cut = await converse({ opening: start, ways: asked, turns: said });
        const whole = await converse({ opening: uncut(start), ways: asked, turns: said.map(uncut) });
        expect(cut.outcomes.map(describe)).toEqual(whole.outcomes.map(describe));
      },
    ),
    { numRuns: SPLIT_CASES },
  );
}, 60_000);

test(`in ${SOCKET_CASES} conversations over sockets the server lives, and the count of calls goes back to zero`, async () => {
  await using server = await serveFastAgi({
    port: 0,
    onRequest: (channel) => run(channel, ["with proof", "at once", "one by one"], []),
    onError: () => {},
    limits: LIMITS,
  });
  await fc.assert(
    fc.asyncProperty(conversation, async ({ opening: first, turns }) => {
      const asterisk = await RawAsterisk.connect(server.port, null);
      for (const { bytes, cuts: places, leaves: how } of [first, ...turns]) {
        for (const piece of pieces(bytes, places)) asterisk.send(piece);
        if (how === "ends") asterisk.socket.end();
        if (how === "breaks") asterisk.socket.resetAndDestroy();
        if (how !== "no") break;
      }
      asterisk.socket.end();
      asterisk.socket.resume();
      await asterisk.closed();
    }),
    { numRuns: SOCKET_CASES },
  );
  await server.drain(60_000);
  expect(server.connections).toBe(0);
}, 60_000);

/** Asterisk's end in memory: answers each line with its next turn, and falls silent or leaves after the last. */
class MemoryAsterisk extends Duplex {
  readonly written: string[] = [];
  readonly #turns: Turn[];

  constructor(turns: readonly Turn[]) {
    super();
    this.#turns = [...turns];
  }

  override _read(): void {}

  override _write(line: Buffer, _encoding: string, done: () => void): void {
    this.written.push(line.toString());
    done();
    queueMicrotask(() => this.speak());
  }

  speak(): void {
    const next = this.#turns.shift();
    if (this.destroyed) return;
    if (next === undefined) {
      this.push(null);
      return;
    }
    for (const piece of pieces(next.bytes, next.cuts)) if (!this.destroyed) this.push(piece);
    if (next.leaves === "ends") this.push(null);
    if (next.leaves === "breaks") this.destroy(new Error("ECONNRESET"));
  }
}

async function converse({ opening: first, ways: asked, turns }: Conversation) {
  const stream = new MemoryAsterisk([first, ...turns]);
  const [channels, outcomes, errors]: [AgiChannel[], unknown[], unknown[]] = [[], [], []];
  const context = new Context<AgiReply>({ on: () => stream });
  const connection = new AgiConnection({ stream, context, limits: LIMITS });
  const onRequest = async (channel: AgiChannel): Promise<void> => {
    channels.push(channel);
    await run(channel, asked, outcomes);
  };
  const served = serveCall(connection, { onRequest, onError: (error) => errors.push(error), limits: LIMITS });
  stream.speak();
  let deadline: NodeJS.Timeout | undefined;
  const hangs = new Promise<never>((_, reject) => {
    deadline = setTimeout(() => reject(new Error("the conversation hangs")), CONVERSATION_MS_MAX);
  });
  await Promise.race([served, hangs]).finally(() => clearTimeout(deadline));
  return { stream, channels, outcomes, errors };
}

const COMMANDS: readonly ((channel: AgiChannel) => Promise<unknown>)[] = [
  (channel) => channel.noop(),
  (channel) => channel.answer(),
  (channel) => channel.getVariable("A"),
  (channel) => channel.setVariable(PONG.variable, PONG.value), // all that the request `ping` does
  (channel) => channel.exec("X", "a"),
  (channel) => channel.execFor(1, "Read", "A"),
  (channel) => channel.waitForDigit(0),
  (channel) => channel.streamFile("a", "#", 0),
  (channel) => channel.command(["SAY", "DIGITS", "1", ""]),
  (channel) => channel.hangup(),
];
const OUTCOMES = {
  "one by one": COMMANDS.length,
  "at once": COMMANDS.length,
  "with proof": 2 * COMMANDS.length,
} as const;

async function run(channel: AgiChannel, asked: Conversation["ways"], outcomes: unknown[]): Promise<void> {
  const note = async (reply: Promise<unknown>): Promise<void> => {
    outcomes.push(await reply.catch((error: unknown) => error));
  };
  for (const way of asked) {
    if (way === "at once") await Promise.all(COMMANDS.map((command) => note(command(channel))));
    if (way === "one by one") for (const command of COMMANDS) await note(command(channel));
    // The meter asks NOOP while a prompt or a Read is running.
    if (way === "with proof")
      for (const command of COMMANDS) await Promise.all([note(command(channel)), note(channel.noop())]);
  }
  void channel.noop(); // nobody may be waiting for it when the call ends
}

function describe(outcome: unknown): unknown {
  return outcome instanceof AgiError ? outcome.kind : outcome;
}

function uncut(whole: Turn): Turn {
  return { ...whole, cuts: [] };
}

function pieces(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length];
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)).filter((piece) => piece.length > 0);
}

function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

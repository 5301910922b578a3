import { Duplex } from "node:stream";
import { expect, test } from "@jest/globals";
import Context from "ding-dong/lib/context.js";
import fc from "fast-check";
import { AGI_LIMITS, AgiConnection } from "../../agi/agi-connection.ts";
import { type AgiChannel, AgiError, type AgiReply, serveCall, serveFastAgi } from "../../agi/fastagi.ts";
import { ENVIRONMENT, RawAsterisk } from "./raw-asterisk.ts";

const CASES = 10_000;
const SPLIT_CASES = 2_000;
const SOCKET_CASES = 300;
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
    "200 result=1\n",
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
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom("503 result=-2\n", "200 result=0\n200 result=0\n", "200 result=1 (a\n", "\n\n", "HANG", "")
    .map((text) => Buffer.from(text)),
  fc.constant(MEGABYTE),
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
const conversation = fc.record({ opening, turns: fc.array(turn, { maxLength: 8 }) });
type Conversation = typeof conversation extends fc.Arbitrary<infer T> ? T : never;

test(`in ${CASES} conversations of any bytes every command settles, and nothing is left behind`, async () => {
  const timersBefore = activeTimers();
  await fc.assert(
    fc.asyncProperty(conversation, async (spokenThere) => {
      const { stream, outcomes, errors } = await converse(spokenThere);
      if (!stream.destroyed || !stream.closed) throw new Error("the stream was left open");
      if (outcomes.length % COMMANDS.length !== 0) throw new Error("a command did not settle");
      for (const outcome of [...outcomes, ...errors]) {
        if (outcome instanceof Error && !(outcome instanceof AgiError)) throw outcome;
      }
      if (!stream.written.every((line) => /^[^\n]+\n$/.test(line))) throw new Error("a write was not one line");
    }),
    { numRuns: CASES },
  );
  expect(activeTimers()).toBeLessThanOrEqual(timersBefore);
}, 60_000);

test("where the bytes are cut makes no difference", async () => {
  const oneTurn = fc.record({ bytes: fc.oneof(validReply, refusal).map((text) => Buffer.from(text)), cuts });
  await fc.assert(
    fc.asyncProperty(cuts, fc.array(oneTurn, { minLength: 1, maxLength: 6 }), async (environmentCuts, turns) => {
      const start: Turn = { bytes: Buffer.from(ENVIRONMENT), cuts: environmentCuts, leaves: "no" };
      const said = turns.map((each): Turn => ({ ...each, leaves: "no" }));
      const cut = await converse({ opening: start, turns: said });
      const whole = await converse({ opening: uncut(start), turns: said.map(uncut) });
      expect(cut.outcomes.map(describe)).toEqual(whole.outcomes.map(describe));
    }),
    { numRuns: SPLIT_CASES },
  );
}, 60_000);

test(`in ${SOCKET_CASES} conversations over sockets the server lives, and the count of calls goes back to zero`, async () => {
  await using server = await serveFastAgi({
    port: 0,
    onRequest: (channel) => run(channel, []),
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

async function converse({ opening: first, turns }: Conversation) {
  const stream = new MemoryAsterisk([first, ...turns]);
  const [outcomes, errors]: [unknown[], unknown[]] = [[], []];
  const context = new Context<AgiReply>({ on: () => stream });
  const connection = new AgiConnection({ stream, context, limits: LIMITS });
  const onRequest = (channel: AgiChannel) => run(channel, outcomes);
  const served = serveCall(connection, { onRequest, onError: (error) => errors.push(error), limits: LIMITS });
  stream.speak();
  await served;
  return { stream, outcomes, errors };
}

const COMMANDS: readonly ((channel: AgiChannel) => Promise<unknown>)[] = [
  (channel) => channel.noop(),
  (channel) => channel.getVariable("A"),
  (channel) => channel.exec("X", "a"),
  (channel) => channel.waitForDigit(0),
  (channel) => channel.streamFile("a", "#", 0),
  (channel) => channel.hangup(),
];

/** All commands, one by one and then two at once, whatever becomes of each. */
async function run(channel: AgiChannel, outcomes: unknown[]): Promise<void> {
  for (const command of COMMANDS) outcomes.push(await command(channel).catch((error: unknown) => error));
  await Promise.all(
    COMMANDS.map(async (command) => outcomes.push(await command(channel).catch((error: unknown) => error))),
  );
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

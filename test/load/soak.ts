import { setTimeout as pause } from "node:timers/promises";
import type { PartOptions } from "./at-once.ts";
import { type BookedCall, readBooks, reconcile, untilBooksClosed } from "./books.ts";
import { type GroupOutcome, placeGroup } from "./caller-groups.ts";
import { type Caller, openPurchases, plansOfSoak } from "./crowd.ts";
import { flatFindings } from "./flat-findings.ts";
import { SERVERS } from "./installation.ts";
import {
  answeredAtOnce,
  bookingTable,
  callFindings,
  commonFindings,
  type Finding,
  findingLines,
  loadAverages,
  megabytes,
  pressureLine,
  releaseTable,
  useTable,
} from "./report.ts";
import { cpuSince, cpuTimes, memoryNow, pressureNow, sample, watch } from "./watch.ts";

type ServersMemory = Awaited<ReturnType<PartOptions["installation"]["memoryLeft"]>>;

/** Purchases are opened, and telephones started, for so many calls together; a whole number of tens. */
const CALLS_PER_ROUND = 50;
const SAMPLE_EVERY_MS = 2_000;
const COLLECT_EVERY_MS = 40_000;
/** By then the first calls have ended, and as many are on the line as ever will be. */
const STEADY_AFTER_MS = 80_000;
const TELL_EVERY_ROUNDS = 3;
/** Callers of part 1 have the numbers below. */
const FIRST_CALLER = 1_000;
/** Who hangs up does it so long after answer, by turns, so that it falls into every phase of a pulse. */
const HANG_UP_FROM_MS = 8_000;
const HANG_UP_OVER_MS = 9_000;
const HANG_UP_STEP_MS = 1_370;

/** Part 2: calls at a steady rate, with callers who err and who hang up, and nothing that grows with their number. */
export async function soak(
  options: PartOptions & { readonly calls: number; readonly perSecond: number },
): Promise<boolean> {
  const { installation, calls, perSecond, signal, tell } = options;
  const { exchange } = installation;
  const minutes = (calls / perSecond / 60).toFixed(0);
  tell(`part 2: a soak of ${calls} calls, ${perSecond} a second, about ${minutes} minutes; load ${loadAverages()}`);
  const [cpuBefore, pressureBefore, beganAt] = [cpuTimes(installation), pressureNow(), performance.now()];
  await using watching = watch(() => sample(installation), SAMPLE_EVERY_MS);
  await using collecting = watch(async () => tellMemory(await installation.memoryLeft(), tell), COLLECT_EVERY_MS);
  const { callers, rounds } = await placeRounds(options);
  // While calls still begin: what comes after is another state.
  const [samples, left] = [await watching.stop(), await collecting.stop()];
  const groups = (await Promise.all(rounds)).flat();
  signal.throwIfAborted();
  const seconds = (performance.now() - beganAt) / 1_000;
  const cpu = cpuSince(cpuBefore, cpuTimes(installation));
  const pressure = pressureLine(pressureBefore, pressureNow(), seconds);
  tell("the last telephone has hung up; waiting for Asterisk's records");
  const openLegs = await untilBooksClosed(exchange);
  const booked = await readBooks(exchange, callers);
  const [report, complaints] = [await reconcile(exchange), await installation.complaints()];

  const { findings, details } = callFindings(booked);
  const flat = flatFindings({
    samples: samples.slice(Math.floor(STEADY_AFTER_MS / SAMPLE_EVERY_MS)),
    left: left.slice(Math.floor(STEADY_AFTER_MS / COLLECT_EVERY_MS)),
  });
  const all: readonly Finding[] = [
    ...findings,
    ...commonFindings({ groups, openLegs, report, complaints }),
    ...flat.findings,
  ];
  const memory = memoryNow(installation);
  for (const line of [
    "",
    `a soak of ${booked.length} calls in ${seconds.toFixed(0)} s; load average at the end ${loadAverages()}; ${pressure}`,
    ...findingLines(all),
    ...details,
    ...groups.flatMap(({ complaints: words, behaviour }) => (words ? [`  telephone that ${behaviour}: ${words}`] : [])),
    "",
    `on the line: ${averageOnLine(booked, seconds).toFixed(0)} on average, ${answeredAtOnce(booked)} at most`,
    "",
    ...releaseTable(booked),
    "",
    ...bookingTable(booked),
    "",
    ...flat.table,
    "",
    ...useTable({ cpu, memory, calls: booked.length, seconds }),
    "",
  ])
    tell(line);
  return all.every(({ right }) => right !== false);
}

/** Begins round after round; answers when the last call has begun. */
async function placeRounds(
  options: PartOptions & { readonly calls: number; readonly perSecond: number },
): Promise<{ readonly callers: readonly Caller[]; readonly rounds: readonly Promise<readonly GroupOutcome[]>[] }> {
  const { installation, calls, perSecond, signal, tell } = options;
  const callers: Caller[] = [];
  const rounds: Promise<readonly GroupOutcome[]>[] = [];
  const beganAt = performance.now();
  while (callers.length < calls && !signal.aborted) {
    const plans = plansOfSoak(Math.min(CALLS_PER_ROUND, calls - callers.length), callers.length);
    const round = await openPurchases(installation.exchange, plans, FIRST_CALLER + callers.length);
    const beginsInMs = beganAt + (1_000 * callers.length) / perSecond - performance.now();
    await pause(Math.max(0, beginsInMs), undefined, { signal }).catch(() => {}); // stopped: the loop ends
    callers.push(...round);
    if (rounds.length % TELL_EVERY_ROUNDS === 0)
      tell(`${callers.length - round.length} of ${calls} calls have begun; load average ${loadAverages()}`);
    const placed = placeRound(round, rounds.length, options);
    placed.catch(() => {}); // told by whoever waits for all of them, when everything is being given back
    rounds.push(placed);
  }
  await pause((1_000 * CALLS_PER_ROUND) / perSecond, undefined, { signal }).catch(() => {});
  return { callers, rounds };
}

function placeRound(
  callers: readonly Caller[],
  round: number,
  { installation, nextPort, signal, perSecond }: PartOptions & { readonly perSecond: number },
): Promise<readonly GroupOutcome[]> {
  const groups = [...Map.groupBy(callers, ({ behaviour }) => behaviour).values()];
  return Promise.all(
    groups.map((group) =>
      placeGroup(group, {
        sipPort: installation.exchange.sipPort,
        ownPort: nextPort(),
        beginOverMs: (1_000 * callers.length) / perSecond,
        hangUpAfterMs: HANG_UP_FROM_MS + ((round * HANG_UP_STEP_MS) % HANG_UP_OVER_MS),
        signal,
      }),
    ),
  );
}

function tellMemory(left: ServersMemory, tell: PartOptions["tell"]): ServersMemory {
  const each = SERVERS.map((name) => `${name} ${megabytes(left[name].heapUsed)} of ${megabytes(left[name].rss)}`);
  tell(`heap after a collection, of memory in all, MB: ${each.join(", ")}`);
  return left;
}

function averageOnLine(calls: readonly BookedCall[], seconds: number): number {
  const talkMs = calls.flatMap(({ legs }) => legs.map(({ record }) => record?.talkMs ?? 0));
  return talkMs.reduce((sum, each) => sum + each, 0) / (1_000 * seconds);
}

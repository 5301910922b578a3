import { readBooks, reconcile, untilBooksClosed } from "./books.ts";
import { type GroupOutcome, placeGroup } from "./caller-groups.ts";
import { type Caller, openPurchases, plansAtOnce } from "./crowd.ts";
import type { Installation } from "./installation.ts";
import {
  answeredAtOnce,
  bookingTable,
  callFindings,
  commonFindings,
  type Finding,
  findingLines,
  loadAverages,
  pressureLine,
  releaseTable,
  useTable,
} from "./report.ts";
import { cpuSince, cpuTimes, memoryNow, pressureNow, type Sample, sample, WATCHED, watch } from "./watch.ts";

/** All calls begin within this time, long before the first one ends. */
const BEGIN_OVER_MS = 6_000;
const TELL_EVERY_MS = 10_000;
const SAMPLE_EVERY_MS = 1_000;

export interface PartOptions {
  readonly installation: Installation;
  readonly nextPort: () => number;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** Part 1: many calls on the line at one moment, all five tariffs, and each of them right to the rappen. */
export async function callAtOnce(options: PartOptions & { readonly calls: number }): Promise<boolean> {
  const { installation, calls, signal, tell } = options;
  const { exchange } = installation;
  tell(`part 1: ${calls} calls at once; load average ${loadAverages()}`);
  const callers = await openPurchases(exchange, plansAtOnce(calls), 0);
  tell(`${callers.length} purchases are open; the telephones begin to call, over ${BEGIN_OVER_MS / 1_000} s`);
  const [cpuBefore, pressureBefore, beganAt] = [cpuTimes(installation), pressureNow(), performance.now()];
  await using watching = watch(() => sample(installation), SAMPLE_EVERY_MS);
  const progress = setInterval(() => void tellProgress(options, calls), TELL_EVERY_MS);
  const groups = await placeAll(callers, options).finally(() => clearInterval(progress));
  signal.throwIfAborted();
  const seconds = (performance.now() - beganAt) / 1_000;
  const cpu = cpuSince(cpuBefore, cpuTimes(installation));
  const [load, pressure] = [loadAverages(), pressureLine(pressureBefore, pressureNow(), seconds)];
  const samples = await watching.stop();
  tell("the last telephone has hung up; waiting for Asterisk's records");
  const openLegs = await untilBooksClosed(exchange);
  const booked = await readBooks(exchange, callers);
  const [report, complaints] = [await reconcile(exchange), await installation.complaints()];

  const together = answeredAtOnce(booked);
  const { findings, details } = callFindings(booked);
  const all: readonly Finding[] = [
    { what: "on the line at one moment", found: `${together} of ${calls}`, right: together === calls },
    ...findings,
    ...commonFindings({ groups, openLegs, report, complaints }),
  ];
  const memory = memoryNow(installation);
  for (const line of [
    "",
    `${calls} calls at once, in ${seconds.toFixed(0)} s; load average at the end ${load}; ${pressure}`,
    ...findingLines(all),
    ...details,
    ...groups.flatMap(({ complaints: words, behaviour }) => (words ? [`  telephone that ${behaviour}: ${words}`] : [])),
    "",
    ...releaseTable(booked),
    "",
    ...bookingTable(booked),
    "",
    ...useTable({ cpu, memory, calls, seconds }),
    mostHeld(samples),
    "",
  ])
    tell(line);
  return all.every(({ right }) => right !== false);
}

/** The groups one after the other, so that all begin at a steady rate and the shortest calls come last. */
async function placeAll(callers: readonly Caller[], options: PartOptions): Promise<readonly GroupOutcome[]> {
  const { installation, nextPort, signal } = options;
  const groups: Promise<GroupOutcome>[] = [];
  for (const group of Map.groupBy(callers, ({ behaviour }) => behaviour).values()) {
    const beginOverMs = (BEGIN_OVER_MS * group.length) / callers.length;
    const { sipPort } = installation.exchange;
    const placed = placeGroup(group, { sipPort, ownPort: nextPort(), beginOverMs, signal });
    placed.catch(() => {}); // told by whoever waits for all of them, when everything is being given back
    groups.push(placed);
    await new Promise((resolve) => setTimeout(resolve, beginOverMs));
  }
  return Promise.all(groups);
}

async function tellProgress({ installation, tell }: PartOptions, calls: number): Promise<void> {
  const { db } = installation.exchange;
  const legs = await db.selectFrom("call_legs").select(["answered_at", "ended_at"]).execute();
  const up = legs.filter((leg) => leg.answered_at && !leg.ended_at).length;
  const over = legs.filter((leg) => leg.ended_at).length;
  tell(`${up} on the line, ${over} of ${calls} over; load average ${loadAverages()}`);
}

function mostHeld(samples: readonly Sample[]): string {
  const files = WATCHED.map((name) => `${name} ${Math.max(...samples.map(({ openFiles }) => openFiles[name]))}`);
  const connections = Math.max(...samples.map((sample) => sample.connections));
  return `at most: open files of ${files.join(", ")}; ${connections} connections to PostgreSQL`;
}

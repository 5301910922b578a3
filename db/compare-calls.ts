import { type Comparison, compareCall } from "../core/call-drift.ts";
import type { Rappen } from "../core/money.ts";
import {
  answeredRecordsWithoutLeg,
  type ComparedRow,
  legsWithRecords,
  type PageEnd,
  type Period,
} from "./compared-calls.ts";
import { type Db, databaseNow } from "./database.ts";
import { findTariff } from "./numbers.ts";

/** Calls that are held in memory at once. */
const PAGE_ROWS = 500;
/** A call that ended less than this ago isn't compared yet: its record or its books may be on their way. */
export const SETTLING_MS = 60_000;
/** Calls of each kind that a report names; it counts them all. */
export const CALLS_NAMED_MAX = 200;

/** One call by our books and by Asterisk's. */
export interface ComparedCall extends Comparison {
  readonly uniqueid: string;
  readonly number: string | null;
  readonly tariff: string | null;
  readonly endedAt: Date;
}

/** All calls of one number on one tariff. Drifts are the worst, ours less Asterisk's. */
export interface ReportLine {
  readonly number: string | null;
  readonly tariff: string | null;
  readonly calls: number;
  readonly matches: number;
  readonly drifts: number;
  readonly recordsMissing: number;
  readonly legsMissing: number;
  readonly worstAnswerMs: number;
  readonly worstEndMs: number;
  readonly worstTalkMs: number;
  readonly billedRappen: Rappen;
  readonly owedRappen: Rappen;
}

export interface CallReport extends Period {
  readonly lines: readonly ReportLine[];
  /** The gravest first: somebody pays the carrier, and nobody was credited. At most CALLS_NAMED_MAX of each kind. */
  readonly legsMissing: readonly ComparedCall[];
  readonly recordsMissing: readonly ComparedCall[];
  readonly drifts: readonly ComparedCall[];
  /** Whether every call matches. */
  readonly sound: boolean;
}

/**
 * Compares each call that ended in the period, page by page, in memory that doesn't grow with the period. Calls that
 * are open, or ended less than `settlingMs` ago, are left for later.
 */
export async function* comparedCalls(
  db: Db,
  period: Period,
  settlingMs: number = SETTLING_MS,
): AsyncGenerator<ComparedCall> {
  const settled = new Date((await databaseNow(db)).getTime() - settlingMs);
  const until = period.until < settled ? period.until : settled;
  for (const question of [answeredRecordsWithoutLeg, legsWithRecords]) {
    let after: PageEnd | null = null;
    do {
      const rows: readonly ComparedRow[] = await question(db, { since: period.since, until, after, limit: PAGE_ROWS });
      for (const row of rows) yield await compared(db, row);
      after = rows.length === PAGE_ROWS ? (rows.at(-1)?.end ?? null) : null;
    } while (after);
  }
}

async function compared(db: Db, { uniqueid, number, tariffId, leg, record }: ComparedRow): Promise<ComparedCall> {
  const tariff = tariffId === null ? null : await findTariff(db, tariffId);
  const comparison = compareCall({ leg, record, segments: tariff?.segments ?? null });
  const endedAt = new Date(record?.endedAtMs ?? leg?.endedAtMs ?? 0);
  return { uniqueid, number, tariff: tariff?.name ?? null, endedAt, ...comparison };
}

/** How our books stand to Asterisk's records over a period. */
export async function compareCalls(db: Db, period: Period, settlingMs: number = SETTLING_MS): Promise<CallReport> {
  const lines = new Map<string, ReportLine>();
  const named = { leg_missing: [], record_missing: [], drift: [] } as Record<string, ComparedCall[]>;
  for await (const call of comparedCalls(db, period, settlingMs)) {
    const key = JSON.stringify([call.number, call.tariff]);
    lines.set(key, added(lines.get(key) ?? emptyLine(call), call));
    const list = named[call.kind];
    if (list && list.length < CALLS_NAMED_MAX) list.push(call);
  }
  return {
    since: period.since,
    until: period.until,
    lines: [...lines.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line),
    legsMissing: named.leg_missing ?? [],
    recordsMissing: named.record_missing ?? [],
    drifts: named.drift ?? [],
    sound: [...lines.values()].every((line) => line.calls === line.matches),
  };
}

function emptyLine({ number, tariff }: ComparedCall): ReportLine {
  const counts = { calls: 0, matches: 0, drifts: 0, recordsMissing: 0, legsMissing: 0 };
  const worst = { worstAnswerMs: 0, worstEndMs: 0, worstTalkMs: 0 };
  return { number, tariff, ...counts, ...worst, billedRappen: 0, owedRappen: 0 };
}

function added(line: ReportLine, call: ComparedCall): ReportLine {
  const one = (kind: ComparedCall["kind"]) => (call.kind === kind ? 1 : 0);
  return {
    ...line,
    calls: line.calls + 1,
    matches: line.matches + one("match"),
    drifts: line.drifts + one("drift"),
    recordsMissing: line.recordsMissing + one("record_missing"),
    legsMissing: line.legsMissing + one("leg_missing"),
    worstAnswerMs: worse(line.worstAnswerMs, call.answerMs),
    worstEndMs: worse(line.worstEndMs, call.endMs),
    worstTalkMs: worse(line.worstTalkMs, call.talkMs),
    billedRappen: line.billedRappen + call.billedRappen,
    owedRappen: line.owedRappen + (call.owedRappen ?? 0),
  };
}

function worse(worst: number, drift: number | null): number {
  return Math.abs(drift ?? 0) > Math.abs(worst) ? (drift ?? 0) : worst;
}

import { cpus, loadavg, release, totalmem } from "node:os";
import { pulsesOf, type Segment } from "../../core/tariff.ts";
import type { CallReport } from "../../db/compare-calls.ts";
import { NUMBERS, type NumberName } from "../telephony/exchange.ts";
import type { BookedCall, BookedLeg } from "./books.ts";
import type { GroupOutcome } from "./caller-groups.ts";
import { windowOf } from "./crowd.ts";
import { mostAtOnce, percentile } from "./figures.ts";
import { BACKSTOP, BACKSTOPS_PERCENT_MAX, type Fault, faultsOf, RULES } from "./verdict.ts";
import type { CpuTimes, Pressure } from "./watch.ts";

const FAULTS_NAMED_MAX = 8;
const MEGABYTE = 1_000_000;

/** One line of a result: what was asked, what was found, and whether it is right; null where it is only told. */
export interface Finding {
  readonly what: string;
  readonly found: string;
  readonly right: boolean | null;
}

export function machine(): string {
  const [first] = cpus();
  const gigabytes = (totalmem() / 1e9).toFixed(1);
  const model = first?.model.trim() || "unknown processor";
  return `${cpus().length} × ${model}, ${gigabytes} GB, Linux ${release()}, Node ${process.versions.node}`;
}

/** How much of the time something had to wait for the machine itself, whoever was at fault. */
export function pressureLine(before: Pressure, after: Pressure, seconds: number): string {
  const share = (name: keyof Pressure) => `${((after[name] - before[name]) / (10_000 * seconds)).toFixed(1)} %`;
  return `somebody waited for a processor ${share("cpu")} of the time, for a disk ${share("io")}`;
}

export function loadAverages(): string {
  return loadavg()
    .map((load) => load.toFixed(1))
    .join(" ");
}

/** The rules, each with the number of calls that keep it; then what breaks them, the first few by name. */
export function callFindings(calls: readonly BookedCall[]): {
  readonly findings: readonly Finding[];
  readonly details: readonly string[];
} {
  const faults: readonly Fault[] = calls.flatMap(faultsOf);
  const findings: Finding[] = RULES.map((rule) => {
    const broken = faults.filter((fault) => fault.rule === rule).length;
    return { what: rule, found: `${calls.length - broken} of ${calls.length}`, right: broken === 0 };
  });
  const legs = calls.flatMap((call) => call.legs);
  const backstops = legs.filter(({ endReason }) => endReason === BACKSTOP).length;
  const few = backstops <= (BACKSTOPS_PERCENT_MAX / 100) * calls.length;
  findings.push({ what: "let go by Asterisk's own time-out", found: String(backstops), right: few });
  const named = faults.slice(0, FAULTS_NAMED_MAX).map(({ rule, what }) => `  ${rule}: ${what}`);
  const more = faults.length - named.length;
  return { findings, details: more > 0 ? [...named, `  and ${more} more`] : named };
}

/** What holds for all calls together. */
export function commonFindings(found: {
  readonly groups: readonly GroupOutcome[];
  readonly openLegs: number;
  readonly report: CallReport;
  readonly complaints: ReadonlyMap<string, number>;
}): readonly Finding[] {
  const { groups, openLegs, report, complaints } = found;
  const failed = groups.reduce((sum, group) => sum + group.failed, 0);
  const compared = report.lines.reduce((sum, line) => sum + line.calls, 0);
  const matches = report.lines.reduce((sum, line) => sum + line.matches, 0);
  return [
    { what: "telephones for which it went otherwise", found: String(failed), right: failed === 0 },
    { what: "legs left open", found: String(openLegs), right: openLegs === 0 },
    {
      what: "matches of «reconcile calls»",
      found: `${matches} of ${compared}`,
      right: report.sound && compared > 0,
    },
    { what: "warnings of the servers", found: told(complaints), right: complaints.size === 0 },
  ];
}

function told(complaints: ReadonlyMap<string, number>): string {
  return [...complaints].map(([event, count]) => `${count} × ${event}`).join("; ") || "none";
}

/** Most calls that Asterisk's records show answered at one moment. */
export function answeredAtOnce(calls: readonly BookedCall[]): number {
  const records = calls.flatMap(({ legs }) => legs.flatMap(({ record }) => (record ? [record] : [])));
  return mostAtOnce(records.map(({ answeredAtMs, endedAtMs }) => ({ fromMs: answeredAtMs, toMs: endedAtMs })));
}

/** When calls were let go, against the opening and the end of their windows, in ms. */
export function releaseTable(calls: readonly BookedCall[]): readonly string[] {
  const rows = (Object.keys(NUMBERS) as NumberName[]).flatMap((name) => {
    const paid = calls.filter(({ caller }) => caller.name === name && caller.behaviour !== "hangs up half-way");
    const ends = paid.flatMap(({ caller, legs: [leg] }) =>
      leg?.record ? [{ window: windowOf(caller), talkMs: leg.record.talkMs }] : [],
    );
    if (ends.length === 0) return [];
    const late = ends.map(({ window, talkMs }) => talkMs - window.opensAtMs);
    const spare = ends.map(({ window, talkMs }) => window.closesAtMs - talkMs);
    const wide = ends.map(({ window }) => window.closesAtMs - window.opensAtMs);
    const figures = [
      Math.min(...wide),
      percentile(late, 50),
      percentile(late, 99),
      Math.max(...late),
      Math.min(...spare),
    ];
    return [[name, String(ends.length), ...figures.map((figure) => figure.toFixed(0))]];
  });
  return aligned([["number", "calls", "window", "after its opening p50", "p99", "max", "spared at least"], ...rows]);
}

/**
 * How long after it fell, by Asterisk's moment of answer, a pulse stood in the books, in ms. One that falls while a
 * prompt plays waits for its end, when Asterisk can be asked whether the line is still there; the one that pays doesn't.
 */
export function bookingTable(calls: readonly BookedCall[]): readonly string[] {
  // A price per call falls due at the answer, when the code is still to be asked.
  const paid = calls.filter(({ caller }) => caller.behaviour !== "hangs up half-way" && caller.name !== "perCall");
  const paying = paid.flatMap((call) => call.legs.map((leg) => latenessMs(call, leg).at(-1) ?? Number.NaN));
  const all = calls.flatMap((call) => call.legs.flatMap((leg) => latenessMs(call, leg)));
  const row = (what: string, late: readonly number[]) => [
    what,
    String(late.length),
    ...[50, 90, 99, 100].map((percent) => percentile(late, percent).toFixed(0)),
  ];
  return aligned([
    ["booked after they fell, ms", "pulses", "p50", "p90", "p99", "max"],
    row("that pay a waiting caller's purchase", paying),
    row("all, with those during a prompt", all),
  ]);
}

function latenessMs({ caller }: BookedCall, { pulses, record, countsAfterMs }: BookedLeg): readonly number[] {
  const segments: readonly Segment[] = NUMBERS[caller.name].segments;
  if (!record) return [];
  return pulses.map(({ sequence, bookedAtMs }) => {
    const fellAfterMs = pulsesOf(segments)[sequence - 1]?.startsAtMs ?? Number.NaN;
    return bookedAtMs - (record.answeredAtMs + fellAfterMs + countsAfterMs);
  });
}

/** Processor time of each part, and its memory at the end. */
export function useTable(use: {
  readonly cpu: CpuTimes;
  readonly memory: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly seconds: number;
}): readonly string[] {
  const rows = Object.entries(use.cpu).map(([name, seconds]) => [
    name,
    seconds.toFixed(1),
    ((1_000 * seconds) / use.calls).toFixed(0),
    (seconds / use.seconds).toFixed(2),
    use.memory[name] === undefined ? "" : megabytes(use.memory[name]),
  ]);
  return aligned([["part", "CPU s", "CPU ms a call", "cores busy", "MB at the end"], ...rows]);
}

export function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}

export function findingLines(findings: readonly Finding[]): readonly string[] {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const mark = { true: "✓", false: "✗", null: "–" } as const;
  return findings.map(({ what, found, right }) => `${mark[`${right}`]} ${what.padEnd(width)}  ${found}`);
}

/** Words to the left, figures to the right, each column as wide as its widest. */
export function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}

import { formatFrancs } from "../core/money.ts";
import { type CallReport, type ComparedCall, compareCalls } from "../db/compare-calls.ts";
import { openDatabase } from "../db/database.ts";

const DAY_MS = 86_400_000;

/** Compares every call of the period with Asterisk's record; `sound` when nothing is beyond tolerance. */
export async function reconcileCalls(
  databaseUrl: string,
  options: { readonly since?: Date; readonly until?: Date; readonly json?: boolean },
): Promise<{ readonly sound: boolean; readonly text: string }> {
  await using database = openDatabase(databaseUrl);
  const until = options.until ?? new Date();
  const since = options.since ?? new Date(until.getTime() - DAY_MS);
  const report = await compareCalls(database.db, { since, until });
  return { sound: report.sound, text: options.json ? JSON.stringify(report, null, 2) : describe(report) };
}

function describe(report: CallReport): string {
  const { since, until, lines } = report;
  const calls = lines.reduce((sum, line) => sum + line.calls, 0);
  const head = `Calls that ended from ${since.toISOString()} to ${until.toISOString()}: ${calls}`;
  if (calls === 0) return head;
  const sections = [
    [
      "Answered by Asterisk's record, and no leg of ours: the carrier bills somebody whom nobody has credited",
      report.legsMissing,
    ],
    ["Legs of ours of which Asterisk has no record", report.recordsMissing],
    ["Beyond tolerance (ours less Asterisk's)", report.drifts],
  ] as const;
  const named = sections.flatMap(([title, list]) => (list.length > 0 ? ["", `${title}:`, ...list.map(lineOf)] : []));
  return [
    head,
    "",
    ...tableOf(lines),
    ...named,
    "",
    report.sound ? "Every call matches." : "Not every call matches.",
  ].join("\n");
}

/** Drifts are the worst of each number, ours less Asterisk's. */
function tableOf(lines: CallReport["lines"]): readonly string[] {
  const head = ["number", "tariff", "calls", "match", "drift", "no record", "no leg"];
  const measures = ["answer ms", "end ms", "talk ms", "billed CHF", "owed CHF", "difference"];
  const rows = lines.map((line) => [
    line.number ?? "none of ours",
    line.tariff ?? "?",
    ...[line.calls, line.matches, line.drifts, line.recordsMissing, line.legsMissing].map(String),
    ...[line.worstAnswerMs, line.worstEndMs, line.worstTalkMs].map((worst) => worst.toFixed(0)),
    ...[line.billedRappen, line.owedRappen].map(formatFrancs),
    signed(line.billedRappen - line.owedRappen),
  ]);
  return aligned([[...head, ...measures], ...rows]);
}

function lineOf(call: ComparedCall): string {
  const { uniqueid, number, endedAt, answerMs, endMs, talkMs, billedRappen, owedRappen, beyond } = call;
  const measured = [
    ["answer", answerMs],
    ["end", endMs],
    ["talk", talkMs],
  ] as const;
  const drifts = measured.map(([what, ms]) => `${what} ${ms === null ? "?" : `${ms.toFixed(0)} ms`}`);
  const money = `billed ${formatFrancs(billedRappen)}, owed ${owedRappen === null ? "?" : formatFrancs(owedRappen)}`;
  const what = beyond.length > 0 ? `${beyond.join(", ")}: ${drifts.join(", ")}, ${money}` : money;
  return `  ${endedAt.toISOString()}  ${uniqueid}  ${number ?? "none of ours"}  ${what}`;
}

function signed(rappen: number): string {
  const sign = rappen < 0 ? "-" : rappen > 0 ? "+" : "";
  return `${sign}${formatFrancs(Math.abs(rappen))}`;
}

/** Words to the left, figures to the right, each column as wide as its widest. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}

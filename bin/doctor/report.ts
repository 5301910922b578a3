import type { Finding } from "./finding.ts";

const SIGNS: Readonly<Record<Finding["state"], string>> = { well: "✓", wrong: "✗", unknown: "–" };
const NAME_WIDTH = 15;

/** For people: grouped by part, and under each fault what to do about it. */
export function reportOf(findings: readonly Finding[]): string {
  const parts = Map.groupBy(findings, ({ check }) => check.split(".")[0] ?? "");
  const lines = [...parts].flatMap(([part, ofPart]) => [part, ...ofPart.flatMap(linesOf), ""]);
  return [...lines, countOf(findings), ""].join("\n");
}

function linesOf({ check, state, found, mend }: Finding): readonly string[] {
  const name = check.split(".")[1] ?? "";
  const line = `  ${SIGNS[state]} ${name.padEnd(NAME_WIDTH)}${found}`;
  return mend === "" ? [line] : [line, `    ${"".padEnd(NAME_WIDTH)}→ ${mend}`];
}

/** «21 checks, all well», or how many aren't. */
export function countOf(findings: readonly Finding[]): string {
  const [wrong, unknown] = (["wrong", "unknown"] as const).map((state) => countIn(findings, state));
  const unseen = unknown ? `, ${unknown} could not be looked at` : "";
  return `${findings.length} checks, ${wrong ? `${wrong} wrong` : unknown ? "none wrong" : "all well"}${unseen}`;
}

/** Each fault in a line, for a log. */
export function faultsOf(findings: readonly Finding[]): readonly string[] {
  return findings
    .filter(({ state }) => state === "wrong")
    .map(({ check, found, mend }) => `${check}: ${found}. ${mend}`);
}

function countIn(findings: readonly Finding[], state: Finding["state"]): number {
  return findings.filter((finding) => finding.state === state).length;
}

/** For programs. `healthy` goes with the exit code: nothing is wrong. */
export function jsonOf(findings: readonly Finding[]): string {
  return JSON.stringify({ healthy: isHealthy(findings), findings }, null, 2);
}

export function isHealthy(findings: readonly Finding[]): boolean {
  return countIn(findings, "wrong") === 0;
}

import { type Allowance, flatness } from "./flatness.ts";
import { SERVERS, type ServerName } from "./installation.ts";
import type { MemoryLeft } from "./memory-on-request.ts";
import { aligned, type Finding, megabytes } from "./report.ts";
import { type Sample, WATCHED } from "./watch.ts";

/** A soak with fewer looks than this is too short to be judged. */
const LOOKS_MIN = 8;
const HEAP_ALLOWANCE: Allowance = { share: 0.1, amount: 5_000_000 };
const MEMORY_ALLOWANCE: Allowance = { share: 0.1, amount: 20_000_000 };
const FILES_ALLOWANCE: Allowance = { share: 0.1, amount: 10 };
const CONNECTIONS_ALLOWANCE: Allowance = { share: 0, amount: 3 };

interface Figure {
  readonly what: string;
  readonly values: readonly number[];
  readonly allowance: Allowance;
  readonly shown: (value: number) => string;
}

/**
 * Judges what must not grow with the number of calls, by the rule of flatness.ts. The memory of our own servers is
 * looked at after a garbage collection; what they take between two is only told.
 */
export function flatFindings(seen: {
  readonly samples: readonly Sample[];
  readonly left: readonly Readonly<Record<ServerName, MemoryLeft>>[];
}): { readonly findings: readonly Finding[]; readonly table: readonly string[] } {
  const { samples, left } = seen;
  if (left.length < LOOKS_MIN)
    return { findings: [{ what: "flat", found: "the soak was too short to tell", right: null }], table: [] };
  const judged = figuresOf(samples, left).map((figure) => ({
    ...figure,
    ...flatness(figure.values, figure.allowance),
  }));
  const between = SERVERS.map((name) => {
    const values = samples.map(({ residentBytes }) => residentBytes[name]);
    return [`memory of ${name} at any time, MB`, "", "", megabytes(Math.max(...values))];
  });
  return {
    findings: judged.map(({ what, earlier, later, flat, shown }) => ({
      what: `flat: ${what}`,
      found: `${shown(earlier)} → ${shown(later)}`,
      right: flat,
    })),
    table: aligned([
      ["medians of the soak", "second quarter", "last quarter", "most"],
      ...judged.map(({ what, earlier, later, most, shown }) => [what, ...[earlier, later, most].map(shown)]),
      ...between,
    ]),
  };
}

function figuresOf(
  samples: readonly Sample[],
  left: readonly Readonly<Record<ServerName, MemoryLeft>>[],
): readonly Figure[] {
  const servers = SERVERS.flatMap((name): readonly Figure[] => [
    {
      what: `heap of ${name}, MB`,
      values: left.map((look) => look[name].heapUsed),
      allowance: HEAP_ALLOWANCE,
      shown: megabytes,
    },
    {
      what: `memory of ${name}, MB`,
      values: left.map((look) => look[name].rss),
      allowance: MEMORY_ALLOWANCE,
      shown: megabytes,
    },
  ]);
  const files = WATCHED.map(
    (name): Figure => ({
      what: `open files of ${name}`,
      values: samples.map(({ openFiles }) => openFiles[name]),
      allowance: FILES_ALLOWANCE,
      shown: String,
    }),
  );
  const asterisk = samples.map(({ residentBytes }) => residentBytes.Asterisk);
  const connections = samples.map((look) => look.connections);
  return [
    ...servers,
    { what: "memory of Asterisk, MB", values: asterisk, allowance: MEMORY_ALLOWANCE, shown: megabytes },
    ...files,
    { what: "connections to PostgreSQL", values: connections, allowance: CONNECTIONS_ALLOWANCE, shown: String },
  ];
}

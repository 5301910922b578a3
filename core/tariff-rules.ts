import { pulsesOf, type Segment } from "./tariff.ts";

/** A price list longer than this can't be said to anybody. */
export const SEGMENTS_MAX = 10;
/** No figure of a tariff is larger: sums stay exact, and a call is over long before. */
const FIGURE_MAX = 1_000_000;

/** The figures of each kind of segment: the least that each may be, and which may be missing. */
const FIGURES: Readonly<Record<Segment["kind"], Readonly<Record<string, Figure>>>> = {
  free: { seconds: { min: 1 } },
  fixed: { priceRappen: { min: 1 } },
  repeat: { priceRappen: { min: 1 }, everySeconds: { min: 1 }, seconds: { min: 1, optional: true } },
  time: {
    rappenPerMinute: { min: 0 },
    incrementSeconds: { min: 1 },
    firstIncrementSeconds: { min: 1, optional: true },
    seconds: { min: 1, optional: true },
  },
  pulse: { pulseRappen: { min: 1 }, rappenPerMinute: { min: 1 }, seconds: { min: 1, optional: true } },
  cap: { callRappen: { min: 1 } },
};

interface Figure {
  readonly min: number;
  readonly optional?: boolean;
}

/**
 * What makes `segments` no tariff at all, in words for the operator who wrote it; an empty list says that it can be
 * billed. Takes what was read from a file or a request, so whatever it is. Whether a country allows the price is
 * another question (core/country-profiles).
 */
export function tariffFaults(segments: unknown): readonly string[] {
  if (!Array.isArray(segments)) return ["a tariff is a list of segments"];
  if (segments.length === 0) return ["a tariff has at least one segment"];
  if (segments.length > SEGMENTS_MAX) return [`a tariff has at most ${SEGMENTS_MAX} segments`];
  const unreadable = segments.flatMap((segment, index) => figureFaults(segment, `segment ${index + 1}`));
  if (unreadable.length > 0) return unreadable;
  const readable: readonly Segment[] = segments;
  const faults = [...orderFaults(readable), ...readable.flatMap(pulseFaults)];
  if (faults.length > 0) return faults;
  return pulsesOf(readable).length === 0 ? ["nothing is ever billed in a call of an hour"] : [];
}

function figureFaults(segment: unknown, name: string): readonly string[] {
  if (typeof segment !== "object" || segment === null) return [`${name} is no segment`];
  const { kind, ...figures } = segment as Readonly<Record<string, unknown>>;
  if (typeof kind !== "string" || !Object.hasOwn(FIGURES, kind))
    return [`${name} is of no known kind: ${Object.keys(FIGURES).join(", ")}`];
  const known = FIGURES[kind as Segment["kind"]];
  const strange = Object.keys(figures).filter((figure) => !Object.hasOwn(known, figure));
  return [
    ...strange.map((figure) => `${name} (${kind}) has no figure ${figure}`),
    ...Object.entries(known).flatMap(([figure, rule]) => figureFault(figures[figure], rule, `${name}: ${figure}`)),
  ];
}

function figureFault(value: unknown, { min, optional }: Figure, name: string): readonly string[] {
  if (value === undefined && optional) return [];
  const fits = Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= FIGURE_MAX;
  return fits ? [] : [`${name} must be a whole number from ${min} to ${FIGURE_MAX}`];
}

function orderFaults(segments: readonly Segment[]): readonly string[] {
  return segments.slice(0, -1).flatMap((segment, index) => {
    const name = `segment ${index + 1}`;
    if (segment.kind === "cap") return [`${name}: a cap must stand last`];
    const behind = segments[index + 1];
    const endless = segment.kind !== "fixed" && segment.seconds === undefined;
    return endless && behind?.kind !== "cap" ? [`${name} has no end, so nothing can follow it`] : [];
  });
}

/** Between any two pulses lies a second at least: less, and there would be no safe moment to hang up. */
function pulseFaults(segment: Segment, index: number): readonly string[] {
  if (segment.kind !== "pulse") return [];
  const name = `segment ${index + 1}`;
  const { pulseRappen, rappenPerMinute, seconds } = segment;
  if (60 * pulseRappen < rappenPerMinute) return [`${name}: its pulses are shorter than a second`];
  if (seconds === undefined) return [];
  // In sixtieths of a rappen, so in whole numbers: how far the segment's last second begins beyond a pulse.
  const lastSecond = ((seconds - 1) * rappenPerMinute) % (60 * pulseRappen);
  return lastSecond > 0 && lastSecond + rappenPerMinute > 60 * pulseRappen
    ? [`${name} ends less than a second after one of its pulses`]
    : [];
}

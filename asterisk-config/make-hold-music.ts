// Makes the music callers hear while they pay: moh/hold.alaw, our own composition, so that nobody else has rights in it.
//
//   node asterisk-config/make-hold-music.ts
//
// Eight bars of four seconds: soft plucked quavers over a slow chord, in the middle of the telephone band. What still sounds at
// the end of the last bar is added to the beginning of the first, so that the loop has no seam.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fromDecibels, PCM_MAX } from "./sound-level.ts";
import { LINE_SAMPLES_PER_SECOND, requireTools, SOUND_FORMATS, writeSound } from "./sox.ts";

interface Note {
  readonly startSeconds: number;
  readonly hertz: number;
  readonly volume: number;
}

const BAR_SECONDS = 4;
const QUAVER_SECONDS = 0.5;
/** Semitones above A3 (220 Hz): D major 9, B minor 7, G major 7, A major, F sharp minor 7, B minor 9, E minor 9, A suspended. */
const BARS: readonly (readonly number[])[] = [
  [5, 9, 12, 16, 19],
  [2, 5, 9, 12, 17],
  [-2, 5, 9, 14, 17],
  [0, 4, 7, 12, 16],
  [-3, 4, 7, 12, 16],
  [2, 5, 9, 14, 16],
  [7, 10, 14, 17, 21],
  [0, 5, 7, 12, 14],
];
/** Which note of the chord each quaver plucks; every other bar answers downwards. -1 rests. */
const RISING = [0, 2, 1, 3, 4, 3, 2, -1];
const FALLING = [0, 3, 4, 2, 3, 1, 2, -1];
const A3_HERTZ = 220;

const PLUCK_ATTACK_SECONDS = 0.012;
const PLUCK_DECAY_SECONDS = 0.55;
const PLUCK_SECONDS = 3;
const PAD_VOLUME = 0.12;
/** Well below the level of speech, which is measured by its average and not by its peaks. */
const PEAK = PCM_MAX * fromDecibels(-14);

await requireTools([["sox", "install sox"]]);
const folder = join(import.meta.dirname, "moh");
await mkdir(folder, { recursive: true });
await writeSound(join(folder, "hold.alaw"), compose(), SOUND_FORMATS.alaw);
console.log(`hold music: ${BARS.length * BAR_SECONDS} seconds in ${folder}`);

function compose(): Int16Array {
  const loop = new Float64Array(BARS.length * BAR_SECONDS * LINE_SAMPLES_PER_SECOND);
  BARS.forEach((chord, bar) => {
    for (const note of plucks(chord, bar)) addTo(loop, note, PLUCK_SECONDS, pluck);
    for (const semitones of chord.slice(0, 3)) {
      const note = { startSeconds: bar * BAR_SECONDS, hertz: hertzOf(semitones), volume: PAD_VOLUME };
      addTo(loop, note, 2 * BAR_SECONDS, pad);
    }
  });
  const peak = loop.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return Int16Array.from(loop, (sample) => Math.round((sample / peak) * PEAK));
}

function plucks(chord: readonly number[], bar: number): readonly Note[] {
  const pattern = bar % 2 === 0 ? RISING : FALLING;
  return pattern.flatMap((step, quaver) => {
    const semitones = chord[step];
    if (semitones === undefined) return [];
    const startSeconds = bar * BAR_SECONDS + quaver * QUAVER_SECONDS;
    // The bar's first note leads, the high ones stay behind, as a hand on strings would play them.
    return [{ startSeconds, hertz: hertzOf(semitones), volume: quaver === 0 ? 1 : 0.8 - 0.06 * step }];
  });
}

function addTo(
  loop: Float64Array,
  { startSeconds, hertz, volume }: Note,
  lengthSeconds: number,
  sound: (hertz: number, seconds: number) => number,
): void {
  const start = startSeconds * LINE_SAMPLES_PER_SECOND;
  for (let index = 0; index < lengthSeconds * LINE_SAMPLES_PER_SECOND; index++) {
    const at = (start + index) % loop.length;
    loop[at] = (loop[at] ?? 0) + volume * sound(hertz, index / LINE_SAMPLES_PER_SECOND);
  }
}

/** Mostly a sine, with a little of a triangle's overtones that fade first. Silent at the end of PLUCK_SECONDS. */
function pluck(hertz: number, seconds: number): number {
  const attack = Math.min(1, seconds / PLUCK_ATTACK_SECONDS);
  const decay = Math.exp(-seconds / PLUCK_DECAY_SECONDS) * (1 - seconds / PLUCK_SECONDS);
  const overtones = 0.25 * Math.exp(-seconds / (PLUCK_DECAY_SECONDS / 3)) * triangle(2 * hertz * seconds);
  return attack * decay * (Math.sin(2 * Math.PI * hertz * seconds) + overtones);
}

/** Swells over its bar and fades over the next, into which the next chord swells. */
function pad(hertz: number, seconds: number): number {
  return Math.sin((Math.PI * seconds) / (2 * BAR_SECONDS)) ** 2 * Math.sin(2 * Math.PI * hertz * seconds);
}

function triangle(turns: number): number {
  return 1 - 4 * Math.abs((turns % 1) - 0.5);
}

function hertzOf(semitones: number): number {
  return A3_HERTZ * 2 ** (semitones / 12);
}

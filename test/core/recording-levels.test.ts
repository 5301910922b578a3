import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import {
  PEAK_MAX_DECIBELS,
  peakOf,
  SPEECH_LEVEL_DECIBELS,
  speechLevel,
  toDecibels,
} from "../../asterisk-config/sound-level.ts";
import { LANGUAGES } from "../../core/messages.ts";

const folder = new URL("../../asterisk-config/", import.meta.url);
const SAMPLES_PER_SECOND = 8_000;

/** As far as two parts of one amount may differ before the louder one seems to come from somebody else. */
const LEVEL_BAND_DECIBELS = 2;
/** Music must let the caller think, and must not seem to have stopped. */
const MUSIC_BELOW_SPEECH_DECIBELS = { min: 6, max: 10 };

const PCM_OF_ALAW = Int16Array.from({ length: 256 }, (_, byte) => fromAlaw(byte));

test.each(LANGUAGES)("all recordings speak at one level, and no peak is cut: %s", (language) => {
  const files = readdirSync(new URL(`prompts/${language}/`, folder));
  expect(files.length).toBeGreaterThan(400);
  const uneven = files
    .map((file) => ({ file, ...measure(`prompts/${language}/${file}`) }))
    .filter(({ speech, peak }) => {
      const inBand = Math.abs(speech - SPEECH_LEVEL_DECIBELS) <= LEVEL_BAND_DECIBELS;
      return !inBand || peak > PEAK_MAX_DECIBELS;
    });
  expect(uneven).toEqual([]);
});

test("the music stays below the voice that speaks before and after it, and is heard", () => {
  const { speech: music, peak } = measure("moh/hold.alaw");
  const below = SPEECH_LEVEL_DECIBELS - music;
  expect(below).toBeGreaterThanOrEqual(MUSIC_BELOW_SPEECH_DECIBELS.min);
  expect(below).toBeLessThanOrEqual(MUSIC_BELOW_SPEECH_DECIBELS.max);
  expect(peak).toBeLessThan(PEAK_MAX_DECIBELS);
});

test("A-law is read as the standard writes it: loudest, quietest, and their negatives", () => {
  const samples = [0xaa, 0x2a, 0xd5, 0x55].map((byte) => PCM_OF_ALAW[byte]);
  expect(samples).toEqual([32_256, -32_256, 8, -8]);
});

function measure(file: string): { readonly speech: number; readonly peak: number } {
  const bytes = readFileSync(new URL(file, folder));
  const samples = new Int16Array(bytes.length);
  for (const [index, byte] of bytes.entries()) samples[index] = PCM_OF_ALAW[byte] ?? 0;
  return { speech: toDecibels(speechLevel(samples, SAMPLES_PER_SECOND)), peak: toDecibels(peakOf(samples)) };
}

/** ITU-T G.711: the sign, three bits of exponent, four of mantissa; every other bit is inverted on the line. */
function fromAlaw(byte: number): number {
  const bits = byte ^ 0x55;
  const exponent = (bits >> 4) & 0x07;
  const mantissa = ((bits & 0x0f) << 4) + 8;
  const height = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return bits & 0x80 ? height : -height;
}

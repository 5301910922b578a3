/** Keys as sound: what a telephone sends that knows no telephone-event. */

const samplesPerSecond = 8000;
const toneMs = 120;
const gapMs = 120;
const silenceBeforeMs = 300;
const silenceAfterMs = 1000;
const amplitudePerTone = 8000;

const rowsHz = [697, 770, 852, 941];
const columnsHz = [1209, 1336, 1477, 1633];
const keypad = ["123A", "456B", "789C", "*0#D"];

/** The digits as raw a-law at 8 kHz, with silence around them. */
export function dtmfTones(digits: string, silenceMs = silenceAfterMs): Buffer {
  const parts = [silence(silenceBeforeMs)];
  for (const digit of digits) parts.push(tone(digit), silence(gapMs));
  parts.push(silence(silenceMs));
  return Buffer.concat(parts);
}

function tone(digit: string): Buffer {
  const row = keypad.findIndex((keys) => keys.includes(digit));
  if (row < 0 || digit.length !== 1) throw new Error(`no such key: ${digit}`);
  const frequenciesHz = [rowsHz[row]!, columnsHz[keypad[row]!.indexOf(digit)]!];
  return Buffer.from(
    Array.from({ length: (toneMs * samplesPerSecond) / 1000 }, (_, sample) => {
      const phase = (2 * Math.PI * sample) / samplesPerSecond;
      return alaw(Math.round(amplitudePerTone * frequenciesHz.reduce((sum, hz) => sum + Math.sin(hz * phase), 0)));
    }),
  );
}

function silence(durationMs: number): Buffer {
  return Buffer.alloc((durationMs * samplesPerSecond) / 1000, alaw(0));
}

/** ITU-T G.711: sign, exponent, four bits of mantissa, every other bit inverted. */
function alaw(sample: number): number {
  const positive = sample >= 0;
  const magnitude = Math.min(positive ? sample : -sample - 1, 32767) >> 4;
  const exponent = Math.max(0, 32 - Math.clz32(magnitude) - 4);
  const mantissa = (exponent > 1 ? magnitude >> (exponent - 1) : magnitude) & 0x0f;
  return ((positive ? 0x80 : 0) | (exponent << 4) | mantissa) ^ 0x55;
}

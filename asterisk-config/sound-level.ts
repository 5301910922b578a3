/** The largest value of a sample of 16 bits: full scale. */
export const PCM_MAX = 32_767;
/** The level of speech is measured where somebody speaks, not in the gaps. */
export const SPEECH_ABOVE = PCM_MAX * fromDecibels(-45);
/** What every recording is brought to, so that the parts of an amount sound like one sentence. */
export const SPEECH_LEVEL_DECIBELS = -19;
/** Above it a coder on the way may cut the peaks off. */
export const PEAK_MAX_DECIBELS = -3;
const FRAMES_PER_SECOND = 50;

/** Decibels below full scale → a factor of full scale. */
export function fromDecibels(decibels: number): number {
  return 10 ** (decibels / 20);
}

/** A sample's or a level's height → decibels below full scale. */
export function toDecibels(height: number): number {
  return 20 * Math.log10(height / PCM_MAX);
}

/** The samples that are measured at once: 20 ms of them. */
export function frameLength(samplesPerSecond: number): number {
  return samplesPerSecond / FRAMES_PER_SECOND;
}

/** How loud each frame is, the last one shorter than the others. */
export function frameLevels(samples: Int16Array, samplesPerSecond: number): readonly number[] {
  const length = frameLength(samplesPerSecond);
  const count = Math.ceil(samples.length / length);
  return Array.from({ length: count }, (_, index) => level(samples.subarray(index * length, (index + 1) * length)));
}

/** How loud the speech is, without its gaps; 0 where nobody speaks. */
export function speechLevel(samples: Int16Array, samplesPerSecond: number): number {
  const speech = frameLevels(samples, samplesPerSecond).filter((height) => height > SPEECH_ABOVE);
  return Math.sqrt(speech.reduce((sum, height) => sum + height ** 2, 0) / Math.max(1, speech.length));
}

export function peakOf(samples: Int16Array): number {
  let most = 0;
  for (const sample of samples) {
    const height = sample < 0 ? -sample : sample;
    if (height > most) most = height;
  }
  return most;
}

function level(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
}

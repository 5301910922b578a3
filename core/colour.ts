/** A colour of the screen, as «#rrggbb» in small letters. */
export type Colour = `#${string}`;

export const WHITE: Colour = "#ffffff";
export const BLACK: Colour = "#000000";

/** Null: not a colour as «#rrggbb». */
export function parseColour(text: string): Colour | null {
  const lower = text.trim().toLowerCase();
  return /^#[0-9a-f]{6}$/.test(lower) ? (lower as Colour) : null;
}

/** From 1 (the same) to 21 (black on white): WCAG 2.2, «contrast ratio», https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio. */
export function contrast(one: Colour, other: Colour): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/**
 * WCAG 2.2, «relative luminance», https://www.w3.org/TR/WCAG22/#dfn-relative-luminance, with the threshold of
 * IEC 61966-2-1 that its note names (0.04045); in eight bits it makes no difference to the older 0.03928.
 */
export function luminance(colour: Colour): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The first colour with `share` (0 to 1) of the other. Of black or white this makes a shade or tint of the same HSL hue. */
export function mix(colour: Colour, other: Colour, share: number): Colour {
  const others = channels(other);
  const mixed = channels(colour).map((channel, index) =>
    Math.round(channel + share * ((others[index] ?? 0) - channel))
      .toString(16)
      .padStart(2, "0"),
  );
  return `#${mixed.join("")}`;
}

function channels(colour: Colour): readonly number[] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 0xff, value & 0xff];
}

import { BLACK, type Colour, contrast, mix, WHITE } from "./colour.ts";

/** WCAG 2.2, 1.4.3: text, whatever its size. */
export const TEXT_CONTRAST_MIN = 4.5;
/** WCAG 2.2, 1.4.11: buttons, marks and bars against what lies around them. */
export const FIGURE_CONTRAST_MIN = 3;

/** What the shopper's pages are drawn on, as `web/public/look.css` says it; a test holds the two equal. */
export const SURFACES = {
  light: { paper: "#ffffff", wash: "#f4f5f2", line: "#d8ddd8", ink: "#101513", muted: "#545e59" },
  dark: { paper: "#0f1311", wash: "#181d1a", line: "#2d3430", ink: "#f1f4f2", muted: "#a6b0ab" },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Colour>>>>;
export type Scheme = keyof typeof SURFACES;

/** What a merchant's colour becomes in one scheme. */
export interface Shades {
  /** Filled: buttons. */
  readonly accent: Colour;
  /** The same under the pointer. */
  readonly accentDeep: Colour;
  /** Text on both. */
  readonly onAccent: Colour;
  /** Drawn on the page: links, figures, marks, bars. */
  readonly accentInk: Colour;
  readonly accentInkDeep: Colour;
  /** The pane while a call is under way. */
  readonly accentWash: Colour;
}
export type BrandShades = Readonly<Record<Scheme, Shades>>;

const STEPS = 256;
const WASH_SHARE = 0.1;
/** How much another shade a button takes under the pointer: so much or so much, whatever its text allows. */
const DEEPER_SHARES = [0.2, 0.1];
const VISIBLY_OTHER = 1.08;
const LINK_DEEPER_SHARE = 0.3;

/**
 * The shades in which a colour is used. Light pages take it as it is; where it is too pale for them it is refused, with
 * the nearest shade that isn't. Dark pages take it, too, or the nearest lighter shade that stands off them.
 */
export function brandShades(colour: Colour): BrandShades | { readonly refusal: "too_pale"; readonly nearest: Colour } {
  const nearest = nearestShade(colour, BLACK, standsOff("light"));
  if (nearest !== colour) return { refusal: "too_pale", nearest };
  return {
    light: shadesOn("light", colour),
    dark: shadesOn("dark", nearestShade(colour, WHITE, standsOff("dark"))),
  };
}

function shadesOn(scheme: Scheme, accent: Colour): Shades {
  const { paper, wash, line } = SURFACES[scheme];
  const [pole, other] = scheme === "light" ? [BLACK, WHITE] : [WHITE, BLACK];
  // One of the two always does: black reaches 4.5:1 from luminance 0.175 up, white down from 0.183.
  const onAccent = contrast(accent, WHITE) >= TEXT_CONTRAST_MIN ? WHITE : BLACK;
  const accentWash = mix(paper, accent, WASH_SHARE);
  const accentInk = nearestShade(
    accent,
    pole,
    (shade) =>
      [paper, wash, accentWash].every((surface) => contrast(shade, surface) >= TEXT_CONTRAST_MIN) &&
      contrast(shade, line) >= FIGURE_CONTRAST_MIN,
  );
  const accentDeep = DEEPER_SHARES.flatMap((share) => [mix(accent, pole, share), mix(accent, other, share)]).find(
    (shade) =>
      contrast(shade, onAccent) >= TEXT_CONTRAST_MIN &&
      contrast(shade, accent) >= VISIBLY_OTHER &&
      standsOff(scheme)(shade),
  );
  return {
    accent,
    accentDeep: accentDeep ?? accent,
    onAccent,
    accentInk,
    accentInkDeep: mix(accentInk, pole, LINK_DEEPER_SHARE),
    accentWash,
  };
}

function standsOff(scheme: Scheme): (shade: Colour) => boolean {
  const { paper, wash } = SURFACES[scheme];
  return (shade) => [paper, wash].every((surface) => contrast(shade, surface) >= FIGURE_CONTRAST_MIN);
}

/** The colour itself if it passes, or the first that does on the way to black or white, which always do. */
function nearestShade(colour: Colour, pole: Colour, passes: (shade: Colour) => boolean): Colour {
  for (let step = 0; step < STEPS; step++) {
    const shade = mix(colour, pole, step / STEPS);
    if (passes(shade)) return shade;
  }
  return pole;
}

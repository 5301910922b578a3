import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type BrandShades, brandShades, type Scheme, type Shades, SURFACES } from "../../core/brand-shades.ts";
import { BLACK, type Colour, contrast, luminance, mix, parseColour, WHITE } from "../../core/colour.ts";

const anyColour = fc.nat(0xff_ff_ff).map((value): Colour => `#${value.toString(16).padStart(6, "0")}`);
const HARD: readonly Colour[] = [
  "#000000",
  "#0000ff",
  "#ff0000",
  "#8d8d8d",
  "#ac8a00",
  "#e8590c",
  "#777777",
  "#6a6a6a",
];

function usable(colour: Colour): { readonly colour: Colour; readonly shades: BrandShades } {
  const shades = brandShades(colour);
  return "refusal" in shades ? usable(shades.nearest) : { colour, shades };
}

/** Every pair that `look.css` makes of a merchant's shades, with what WCAG 2.2 asks for it. */
function pairs(scheme: Scheme, shades: Shades): readonly (readonly [string, Colour, Colour, number])[] {
  const { paper, wash, line, ink, muted } = SURFACES[scheme];
  const { accent, accentDeep, onAccent, accentInk, accentInkDeep, accentWash } = shades;
  return [
    ["text on a button", onAccent, accent, 4.5],
    ["text on a button under the pointer", onAccent, accentDeep, 4.5],
    ...[paper, wash].flatMap(
      (surface) =>
        [
          ["a button", accent, surface, 3],
          ["a button under the pointer", accentDeep, surface, 3],
          ["a link", accentInk, surface, 4.5],
          ["a link under the pointer", accentInkDeep, surface, 4.5],
          ["the ring of focus", ink, surface, 3],
        ] as const,
    ),
    ["the name of the house while a call is under way", accentInk, accentWash, 4.5],
    ["the order while a call is under way", ink, accentWash, 4.5],
    ["its notes", muted, accentWash, 4.5],
    ["a bar in its bed", accentInk, line, 3],
  ];
}

test("whatever colour is taken, nothing drawn in it is hard to read, in both schemes", () => {
  const check = (any: Colour) => {
    const { colour, shades } = usable(any);
    expect(shades.light.accent).toBe(colour);
    for (const scheme of ["light", "dark"] as const) {
      const faint = pairs(scheme, shades[scheme]).filter(([, one, other, least]) => contrast(one, other) < least);
      expect([colour, scheme, faint]).toEqual([colour, scheme, []]);
    }
  };
  for (const colour of HARD) check(colour);
  fc.assert(fc.property(anyColour, check), { numRuns: 1_000 });
});

test("a colour is refused only where it is too pale for white paper, with the nearest shade, which is taken", () => {
  fc.assert(
    fc.property(anyColour, (colour) => {
      const shades = brandShades(colour);
      const isPale = contrast(colour, SURFACES.light.wash) < 3;
      expect("refusal" in shades).toBe(isPale);
      if (!("refusal" in shades)) return;
      expect(brandShades(shades.nearest)).not.toHaveProperty("refusal");
      expect(contrast(shades.nearest, SURFACES.light.wash)).toBeLessThan(3.1); // and no darker than it must be
    }),
    { numRuns: 1_000 },
  );
  expect(brandShades("#ffcc00")).toEqual({ refusal: "too_pale", nearest: "#ac8a00" });
});

test("dark pages keep the colour where they can, and take a lighter one of the same hue where they can't", () => {
  expect(usable("#e8590c").shades.dark.accent).toBe("#e8590c");
  const { accent } = usable("#0000ff").shades.dark;
  expect(luminance(accent)).toBeGreaterThan(luminance("#0000ff"));
  expect(accent).toMatch(/^#([0-9a-f]{2})\1ff$/);
});

test("contrast is WCAG's: from 1 to 21, whichever way round", () => {
  expect(contrast(BLACK, WHITE)).toBeCloseTo(21, 10);
  expect(contrast(WHITE, WHITE)).toBe(1);
  expect(contrast("#777777", WHITE)).toBeCloseTo(4.478, 3);
  expect(contrast(WHITE, "#767676")).toBeCloseTo(4.542, 3);
  expect(mix("#112233", WHITE, 0.5)).toBe("#889199");
});

test("a colour is six hex digits behind a #, and nothing else", () => {
  expect(parseColour(" #AbCdEf ")).toBe("#abcdef");
  for (const text of ["", "abcdef", "#abc", "#abcdeg", "#abcdef00", "red", "#abcdef;", "#abcdef\n#abcdef"])
    expect(parseColour(text)).toBeNull();
});

test("the surfaces that shades are reckoned with are those of the style sheet", async () => {
  const css = await readFile(path.resolve(import.meta.dirname, "../../web/public/look.css"), "utf8");
  const [light = "", dark = ""] = [...css.matchAll(/:root \{([^}]+)\}/g)].map(([, block]) => block);
  for (const [block, surfaces] of [[light, SURFACES.light] as const, [dark, SURFACES.dark] as const]) {
    for (const [name, colour] of Object.entries(surfaces)) {
      const [, said = ""] = new RegExp(`--${name}: (#[0-9a-f]+);`).exec(block) ?? [];
      expect([name, said.length === 4 ? said.replace(/[0-9a-f]/g, "$&$&") : said]).toEqual([name, colour]);
    }
  }
});

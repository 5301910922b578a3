import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as fontkit from "fontkit";

/** Arimo has Latin, Greek and Cyrillic, is as wide as the pages' Helvetica or Arial, and its licence lets it be embedded. */
const FILES = {
  regular: "@expo-google-fonts/arimo/400Regular/Arimo_400Regular.ttf",
  bold: "@expo-google-fonts/arimo/700Bold/Arimo_700Bold.ttf",
};
const REPLACEMENT = "\ufffd";
const LINE_BREAKS = /[\t\n\v\f\r\u0085\p{Zl}\p{Zp}]+/gu;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export const FONTS = { regular: open(FILES.regular), bold: open(FILES.bold) };

const characters = new Set(FONTS.regular.characterSet.filter((point) => FONTS.bold.hasGlyphForCodePoint(point)));

/**
 * The text as our fonts can print it: what a reader sees as one character and they lack, an emoji say, becomes one «\ufffd», which
 * says that something is missing here. What nobody would see anyway (joiners, direction marks) is left out, so that it
 * can neither hide nor turn anything.
 */
export function printable(text: string): string {
  const line = text.toWellFormed().normalize("NFC").replace(LINE_BREAKS, " ");
  return Array.from(graphemes.segment(line), ({ segment }) => inOurFonts(segment)).join("");
}

function inOurFonts(grapheme: string): string {
  const visible = grapheme.replace(/\p{Default_Ignorable_Code_Point}+/gu, "");
  const isKnown = Array.from(visible).every((character) => characters.has(character.codePointAt(0) ?? 0));
  return isKnown ? visible : REPLACEMENT;
}

function open(file: string): fontkit.Font {
  const font = fontkit.create(readFileSync(fileURLToPath(import.meta.resolve(file))));
  if (!("characterSet" in font)) throw new Error(`not a single font: ${file}`);
  return font;
}

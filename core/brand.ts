import { type BrandShades, brandShades } from "./brand-shades.ts";
import { type Colour, parseColour } from "./colour.ts";
import { isReadable, ONE_LINE } from "./line-of-text.ts";
import { type Logo, readLogo } from "./logo.ts";

export const PROVIDER_LINE_LENGTH_MAX = 300;
export const CONTACT_LENGTH_MIN = 3;
export const CONTACT_LENGTH_MAX = 200;

/** What is to be changed of how a merchant appears, as somebody brought it: null takes it away, undefined leaves it. */
export interface BrandChange {
  readonly colour?: string | null;
  /** The file's bytes. */
  readonly logo?: Uint8Array | null;
  /** Who the merchant is by law, besides the address that stands with it: company, UID. */
  readonly providerLine?: string | null;
  /** Whom shoppers ask; every merchant has one. */
  readonly contact?: string;
}

export type BrandField = keyof BrandChange;

/** The same, read and found fit. */
export interface FitBrandChange {
  readonly colour?: Colour | null;
  readonly logo?: Logo | null;
  readonly providerLine?: string | null;
  readonly contact?: string;
}

export interface BrandFault {
  readonly field: BrandField;
  readonly message: string;
  /** Of a colour that can't be used: the nearest shade that can. */
  readonly nearest?: Colour;
}

/** Reads a change, or says of all that is wrong with it what it is. */
export function readBrandChange(change: BrandChange): FitBrandChange | { readonly faults: readonly BrandFault[] } {
  const { colour, logo, providerLine, contact } = change;
  const faults: BrandFault[] = [];
  const fit: { -readonly [Field in keyof FitBrandChange]: FitBrandChange[Field] } = {};
  if (colour !== undefined) {
    const read = colour === null ? null : readColour(colour);
    if (read && typeof read === "object") faults.push(read);
    else fit.colour = read;
  }
  if (logo !== undefined) {
    const read = logo && readLogo(logo);
    if (read && "fault" in read) faults.push({ field: "logo", message: read.fault });
    else fit.logo = read;
  }
  if (providerLine !== undefined) {
    const line = providerLine?.trim() ?? null;
    const message = line === null ? null : lineFault(line, 1, PROVIDER_LINE_LENGTH_MAX);
    if (message) faults.push({ field: "providerLine", message });
    else fit.providerLine = line;
  }
  if (contact !== undefined) {
    const message = lineFault(contact.trim(), CONTACT_LENGTH_MIN, CONTACT_LENGTH_MAX);
    if (message) faults.push({ field: "contact", message });
    else fit.contact = contact.trim();
  }
  return faults.length > 0 ? { faults } : fit;
}

/** The shades of a stored colour; null where the pages have changed so that it can't be used any more. */
export function shadesOfBrand(colour: string): BrandShades | null {
  const read = parseColour(colour);
  const shades = read && brandShades(read);
  return shades && !("refusal" in shades) ? shades : null;
}

function readColour(text: string): Colour | BrandFault {
  const colour = parseColour(text);
  if (!colour) return { field: "colour", message: "a colour as #rrggbb" };
  const shades = brandShades(colour);
  if (!("refusal" in shades)) return colour;
  const { nearest } = shades;
  return {
    field: "colour",
    message: `${colour} is too pale to stand off a white page; the nearest shade that does is ${nearest}`,
    nearest,
  };
}

/** Characters as PostgreSQL counts them: whole ones. */
function lineFault(line: string, min: number, max: number): string | null {
  const { length } = Array.from(line);
  if (length < min || length > max) return `${min} to ${max} characters; this one has ${length}`;
  return ONE_LINE.test(line) && isReadable(line)
    ? null
    : "one line of text that can be read, without control characters";
}

import { jpegSize, type LogoSize, pngSize, webpSize } from "./logo-formats.ts";

export const LOGO_BYTES_MAX = 100 * 1_024;
export const LOGO_SIDE_MIN_PX = 16;
export const LOGO_SIDE_MAX_PX = 1_200;
/** So many times as wide as high, or as high as wide: beyond, nothing of it could be seen in its place. */
export const LOGO_WIDE_MAX = 8;
export const LOGO_HIGH_MAX = 2;

export type LogoType = "image/png" | "image/jpeg" | "image/webp";

/** A merchant's logo as it was brought: never made anew, so what may stand in it is decided here. */
export interface Logo {
  readonly bytes: Uint8Array;
  readonly mediaType: LogoType;
  readonly widthPx: number;
  readonly heightPx: number;
}

interface Format {
  readonly name: string;
  readonly mediaType: LogoType;
  readonly begins: (head: string) => boolean;
  readonly size: (file: DataView) => LogoSize | "cut_off" | "followed" | "moving";
}

const FORMATS: readonly Format[] = [
  { name: "PNG", mediaType: "image/png", begins: (head) => head.startsWith("\x89PNG\r\n\x1a\n"), size: pngSize },
  { name: "JPEG", mediaType: "image/jpeg", begins: (head) => head.startsWith("\xff\xd8\xff"), size: jpegSize },
  {
    name: "WebP",
    mediaType: "image/webp",
    begins: (head) => head.startsWith("RIFF") && head.startsWith("WEBP", 8),
    size: webpSize,
  },
];
/** After the mark that some editors put before a text. */
const BEGINS_AS_MARKUP = /^(?:\xef\xbb\xbf)?\s*</;
const HEAD_BYTES = 64;

/**
 * Tells a logo by its bytes, whatever the file is called, and reads the size that browsers will give it. Taken is a still
 * picture that is nothing else besides: its format's last byte is the file's.
 */
export function readLogo(bytes: Uint8Array): Logo | { readonly fault: string } {
  if (bytes.length > LOGO_BYTES_MAX) return { fault: `the file may have ${LOGO_BYTES_MAX / 1_024} KB at most` };
  const head = String.fromCharCode(...bytes.subarray(0, HEAD_BYTES));
  const format = FORMATS.find(({ begins }) => begins(head));
  if (!format && BEGINS_AS_MARKUP.test(head))
    return { fault: "SVG isn't taken, because it can hold scripts: save the picture as PNG, WebP or JPEG" };
  if (!format) return { fault: "not a PNG, WebP or JPEG file (what counts is its content, not its name)" };
  const size = format.size(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (typeof size === "string") return { fault: `the ${format.name} file ${SPOILT[size]}` };
  const { widthPx, heightPx } = size;
  const fault = sizeFault(size);
  return fault ? { fault } : { bytes, mediaType: format.mediaType, widthPx, heightPx };
}

const SPOILT = {
  cut_off: "is damaged or cut off",
  followed: "is followed by something else: save the picture anew",
  moving: "moves: save a single picture",
} as const;

function sizeFault({ widthPx, heightPx }: LogoSize): string | null {
  const sides = [widthPx, heightPx];
  if (sides.some((side) => side < LOGO_SIDE_MIN_PX || side > LOGO_SIDE_MAX_PX))
    return `each side may have ${LOGO_SIDE_MIN_PX} to ${LOGO_SIDE_MAX_PX} pixels; this one is ${widthPx} × ${heightPx}`;
  if (widthPx > LOGO_WIDE_MAX * heightPx || heightPx > LOGO_HIGH_MAX * widthPx)
    return (
      `it may be ${LOGO_WIDE_MAX} times as wide as high, or ${LOGO_HIGH_MAX} times as high as wide, at most; ` +
      `this one is ${widthPx} × ${heightPx}`
    );
  return null;
}

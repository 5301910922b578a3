import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { LOGO_BYTES_MAX, LOGO_SIDE_MAX_PX, readLogo } from "../../core/logo.ts";
import { JPEG, LOSSLESS_WEBP, PROGRESSIVE_JPEG, png, WEBP } from "../support/pictures.ts";

const PICTURES = [
  ["PNG", png(), "image/png"],
  ["JPEG", JPEG, "image/jpeg"],
  ["progressive JPEG", PROGRESSIVE_JPEG, "image/jpeg"],
  ["WebP", WEBP, "image/webp"],
  ["lossless WebP", LOSSLESS_WEBP, "image/webp"],
] as const;

const faultOf = (bytes: Uint8Array) => {
  const read = readLogo(bytes);
  return "fault" in read ? read.fault : "";
};

test.each(PICTURES)("a %s is told by its bytes, with its size", (_name, bytes, mediaType) => {
  expect(readLogo(bytes)).toEqual({ bytes, mediaType, widthPx: 64, heightPx: 32 });
});

test.each(PICTURES)("a %s that is cut off anywhere is refused", (_name, bytes, _mediaType) => {
  for (let length = 0; length < bytes.length; length++) {
    expect([length, faultOf(bytes.subarray(0, length))]).toEqual([length, expect.stringMatching(/cut off|not a PNG/)]);
  }
});

test.each(PICTURES)(
  "a %s that is something else besides is refused: whatever follows its end",
  (_name, bytes, _mediaType) => {
    for (const more of ["<script>alert(1)</script>", "PK\x03\x04", "\n", "\0"])
      expect(faultOf(Buffer.concat([bytes, Buffer.from(more, "latin1")]))).toMatch(/followed by something else/);
  },
);

test("a picture that begins as one format and goes on as another is refused", () => {
  expect(faultOf(Buffer.concat([Buffer.from("GIF89a"), png()]))).toMatch(/not a PNG, WebP or JPEG/);
  expect(faultOf(Buffer.concat([JPEG.subarray(0, 3), png()]))).toMatch(/JPEG file is damaged/);
  expect(faultOf(Buffer.concat([png().subarray(0, 8), JPEG]))).toMatch(/PNG file is damaged/);
});

test("SVG is refused, and why is said", () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
  for (const text of [svg, `<?xml version="1.0"?>${svg}`, `\ufeff\n ${svg}`, `<!-- x -->${svg}`])
    expect(faultOf(Buffer.from(text))).toMatch(/^SVG isn't taken, because it can hold scripts/);
});

test("a PNG whose pixels were changed on the way is refused", () => {
  const bytes = png();
  bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
  expect(faultOf(bytes)).toBe("the PNG file is damaged or cut off");
});

test("what moves is refused: nothing on a page where money runs may distract", () => {
  expect(faultOf(png({ chunks: [["acTL", Buffer.alloc(8)]] }))).toMatch(/PNG file moves/);
  const moving = Buffer.concat([
    WEBP.subarray(0, 12),
    Buffer.from("ANIM\x06\0\0\0\0\0\0\0\0\0", "latin1"),
    WEBP.subarray(12),
  ]);
  moving.writeUInt32LE(moving.length - 8, 4);
  expect(faultOf(moving)).toMatch(/WebP file moves/);
});

test.each([
  [LOGO_SIDE_MAX_PX, LOGO_SIDE_MAX_PX, ""],
  [LOGO_SIDE_MAX_PX + 1, 600, "each side may have 16 to 1200 pixels; this one is 1201 × 600"],
  [600, LOGO_SIDE_MAX_PX + 1, "each side may have 16 to 1200 pixels; this one is 600 × 1201"],
  [15, 16, "each side may have 16 to 1200 pixels; this one is 15 × 16"],
  [800, 100, ""],
  [801, 100, "it may be 8 times as wide as high, or 2 times as high as wide, at most; this one is 801 × 100"],
  [100, 201, "it may be 8 times as wide as high, or 2 times as high as wide, at most; this one is 100 × 201"],
])("a picture of %d × %d pixels", (width, height, fault) => {
  expect(faultOf(png({ width, height }))).toBe(fault);
});

test("the largest file is taken, and one byte more is refused", () => {
  const room = LOGO_BYTES_MAX - png().length - 12;
  const filled = (bytes: number) => png({ chunks: [["tEXt", Buffer.alloc(bytes)]] });
  expect(filled(room)).toHaveLength(LOGO_BYTES_MAX);
  expect(faultOf(filled(room))).toBe("");
  expect(faultOf(filled(room + 1))).toBe("the file may have 100 KB at most");
});

test("bytes of any kind do no harm, even behind a picture's first ones", () => {
  const starts = PICTURES.map(([, bytes]) => bytes);
  const rest = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.nat(100), rest, (picture, kept, bytes) => {
      expect(readLogo(Buffer.concat([picture.subarray(0, kept), bytes]))).toEqual(expect.any(Object));
    }),
    { numRuns: 2_000 },
  );
});

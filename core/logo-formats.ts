import { crc32 } from "node:zlib";

export interface LogoSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** A file is walked from part to part until its format says that it ends: that has to be its last byte. */
type Walked = LogoSize | "cut_off" | "followed" | "moving";

const PNG_SIGNATURE_BYTES = 8;
/** Length, type and checksum around the data of each chunk. */
const PNG_CHUNK_FRAME_BYTES = 12;

/** PNG, third edition (W3C, 2025), §5: https://www.w3.org/TR/png-3/#5DataRep. */
export function pngSize(file: DataView): Walked {
  let size: LogoSize | null = null;
  let hasPixels = false;
  let at = PNG_SIGNATURE_BYTES;
  while (at + PNG_CHUNK_FRAME_BYTES <= file.byteLength) {
    const length = file.getUint32(at);
    const end = at + PNG_CHUNK_FRAME_BYTES + length;
    if (end > file.byteLength || crc32(bytesOf(file, at + 4, end - 4)) !== file.getUint32(end - 4)) return "cut_off";
    const type = text(file, at + 4, 4);
    if (type === "acTL") return "moving";
    const isHead = type === "IHDR" && length === 13;
    if ((size === null) !== isHead) return "cut_off"; // first of all, and once
    if (isHead) size = { widthPx: file.getUint32(at + 8), heightPx: file.getUint32(at + 12) };
    if (type === "IDAT") hasPixels = true;
    if (type === "IEND") return size && hasPixels ? endsAt(file, end, size) : "cut_off";
    at = end;
  }
  return "cut_off";
}

const JPEG_END = 0xd9;
const JPEG_SCAN = 0xda;

/** JPEG (ITU-T T.81), annex B: https://www.w3.org/Graphics/JPEG/itu-t81.pdf. */
export function jpegSize(file: DataView): Walked {
  let size: LogoSize | null = null;
  let hasPixels = false;
  let at = 2;
  while (at + 2 <= file.byteLength && file.getUint8(at) === 0xff) {
    const marker = file.getUint8(at + 1);
    if (marker === 0xff)
      at += 1; // fill
    else if (marker === JPEG_END) return size && hasPixels ? endsAt(file, at + 2, size) : "cut_off";
    else {
      if (at + 4 > file.byteLength) return "cut_off";
      const end = at + 2 + file.getUint16(at + 2);
      if (end < at + 4 || end > file.byteLength) return "cut_off";
      if (isJpegFrame(marker)) {
        if (size || end < at + 10) return "cut_off";
        size = { widthPx: file.getUint16(at + 7), heightPx: file.getUint16(at + 5) };
      }
      if (marker === JPEG_SCAN) hasPixels = true;
      at = marker === JPEG_SCAN ? endOfScan(file, end) : end;
    }
  }
  return "cut_off";
}

/** SOF0 to SOF15, among which DHT, JPG and DAC have their places, too. */
function isJpegFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Where the next marker stands that isn't part of the scan: there, 0xff is followed by 0 or by a restart's number. */
function endOfScan(file: DataView, from: number): number {
  for (let at = from; at + 1 < file.byteLength; at++) {
    if (file.getUint8(at) !== 0xff) continue;
    const next = file.getUint8(at + 1);
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return file.byteLength;
}

const RIFF_HEAD_BYTES = 12;
const RIFF_CHUNK_HEAD_BYTES = 8;

/** WebP (RFC 9649): https://www.rfc-editor.org/rfc/rfc9649#section-2. */
export function webpSize(file: DataView): Walked {
  const whole = file.getUint32(4, true) + RIFF_CHUNK_HEAD_BYTES;
  if (whole > file.byteLength) return "cut_off";
  let size: LogoSize | null = null;
  let at = RIFF_HEAD_BYTES;
  while (at + RIFF_CHUNK_HEAD_BYTES <= whole) {
    const [type, length, data] = [text(file, at, 4), file.getUint32(at + 4, true), at + RIFF_CHUNK_HEAD_BYTES];
    if (data + length > whole) return "cut_off";
    if (type === "ANIM" || type === "ANMF") return "moving";
    // Files of more than the picture say their size a second time; what counts is the picture's own.
    if (type === "VP8 " || type === "VP8L") {
      const found = type === "VP8 " ? lossySize(file, data, length) : losslessSize(file, data, length);
      if (size || !found) return "cut_off";
      size = found;
    }
    at = data + length + (length % 2);
  }
  return size && at === whole ? endsAt(file, whole, size) : "cut_off";
}

/** RFC 6386, §9.1: the frame's tag and start code, then two sides of 14 bits. */
function lossySize(file: DataView, data: number, length: number): LogoSize | null {
  if (length < 10) return null;
  const isKeyFrame = (file.getUint8(data) & 1) === 0;
  if (!isKeyFrame || file.getUint16(data + 3) !== 0x9d01 || file.getUint8(data + 5) !== 0x2a) return null;
  return { widthPx: file.getUint16(data + 6, true) & 0x3fff, heightPx: file.getUint16(data + 8, true) & 0x3fff };
}

/** RFC 9649, §3.4: a signature, then two sides of 14 bits, less one. */
function losslessSize(file: DataView, data: number, length: number): LogoSize | null {
  if (length < 5 || file.getUint8(data) !== 0x2f) return null;
  const bits = file.getUint32(data + 1, true);
  return { widthPx: (bits & 0x3fff) + 1, heightPx: ((bits >> 14) & 0x3fff) + 1 };
}

function endsAt(file: DataView, end: number, size: LogoSize): Walked {
  return end === file.byteLength ? size : "followed";
}

function bytesOf(file: DataView, from: number, to: number): Uint8Array {
  return new Uint8Array(file.buffer, file.byteOffset + from, to - from);
}

function text(file: DataView, at: number, length: number): string {
  return String.fromCharCode(...bytesOf(file, at, at + length));
}

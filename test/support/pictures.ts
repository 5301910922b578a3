import { crc32, deflateSync } from "node:zlib";

/** Each 64 × 32 pixels, by ImageMagick. */
export const JPEG = Buffer.from(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAgAEADASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAAQDBv/EABUQAQEAAAAAAAAAAAAAAAAAAAAS/8QAFgEBAQEAAAAAAAAAAAAAAAAAAAYB/8QAFhEBAQEAAAAAAAAAAAAAAAAAABRh/9oADAMBAAIRAxEAPwDnLLT2WyHFpYostPZZDhYostPZZDhYostPZZDhYwstPZayhxKWKLLT2WQ4WKLLT2WQ4WKLLT2WQ4WP/9k=",
  "base64",
);
export const PROGRESSIVE_JPEG = Buffer.from(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wgARCAAgAEADASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAAIE/8QAFwEBAQEBAAAAAAAAAAAAAAAAAAUBBP/aAAwDAQACEAMQAAABxpZRpIpIpIhKjw0kUkUkf//EABQQAQAAAAAAAAAAAAAAAAAAAFD/2gAIAQEAAQUCA//EABURAQEAAAAAAAAAAAAAAAAAAAAT/9oACAEDAQE/AaKKKKKKKP/EABURAQEAAAAAAAAAAAAAAAAAAAAT/9oACAECAQE/AZpppppppv/EABQQAQAAAAAAAAAAAAAAAAAAAFD/2gAIAQEABj8CA//EABUQAQEAAAAAAAAAAAAAAAAAAAAR/9oACAEBAAE/Iaqqqqqqqqqqqqqqqqqqqqr/2gAMAwEAAgADAAAAEM888/vvvv/EABQRAQAAAAAAAAAAAAAAAAAAADD/2gAIAQMBAT8QAA//xAAUEQEAAAAAAAAAAAAAAAAAAAAw/9oACAECAQE/EA//AP/EABQQAQAAAAAAAAAAAAAAAAAAAFD/2gAIAQEAAT8QAAAAAAP/2Q==",
  "base64",
);
export const WEBP = Buffer.from(
  "UklGRlAAAABXRUJQVlA4IEQAAABwAwCdASpAACAAPpFIn0ulpCKhpAgAsBIJZwDQRoAAII0kYaAA/u6mP/9x2BuvFv/+5wP+5wP+5wP42wiXYTbpQAAAAA==",
  "base64",
);
export const LOSSLESS_WEBP = Buffer.from("UklGRiIAAABXRUJQVlA4TBUAAAAvP8AHAAcQ/Y/+B4CE8P+8GtH/1AcA", "base64");

interface Picture {
  readonly width?: number;
  readonly height?: number;
  /** As «rrggbb». */
  readonly colour?: string;
  /** Chunks before the pixels. */
  readonly chunks?: readonly (readonly [type: string, data: Buffer])[];
}

/** A PNG of one colour. */
export function png({ width = 64, height = 32, colour = "1d5b9a", chunks = [] }: Picture = {}): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8); // eight bits of red, green and blue
  const row = Buffer.concat([Buffer.of(0), Buffer.alloc(3 * width, colour, "hex")]);
  const pixels = deflateSync(Buffer.concat(Array<Buffer>(height).fill(row)));
  const parts = [["IHDR", head], ...chunks, ["IDAT", pixels], ["IEND", Buffer.alloc(0)]] as const;
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...parts.map(([type, data]) => chunk(type, data))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
}

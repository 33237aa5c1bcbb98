// Makes a PNG small: at most 256 colours, which is all that a picture of the page needs.

import { deflateSync, inflateSync } from "node:zlib";

const kHead = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** The rows of an 8-bit RGB picture. Source: PNG specification, 9.2 (filter types). */
function decode(png: Buffer): { width: number; height: number; rgb: Buffer } {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const [depth, kind, , , interlaced] = png.subarray(24, 29);
  if (depth !== 8 || kind !== 2 || interlaced !== 0) throw new Error("expected an RGB picture of 8 bits");
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = 3 * width;
  const rgb = Buffer.alloc(stride * height);
  for (let y = 0; y < height; ++y) {
    const filter = raw[y * (stride + 1)]!;
    for (let x = 0; x < stride; ++x) {
      const at = y * stride + x;
      const left = x >= 3 ? rgb[at - 3]! : 0;
      const up = y > 0 ? rgb[at - stride]! : 0;
      const corner = x >= 3 && y > 0 ? rgb[at - stride - 3]! : 0;
      let guess = 0;
      if (filter === 1) guess = left;
      else if (filter === 2) guess = up;
      else if (filter === 3) guess = (left + up) >> 1;
      else if (filter === 4) {
        const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
        guess = a <= b && a <= c ? left : b <= c ? up : corner;
      }
      rgb[at] = raw[y * (stride + 1) + 1 + x]! + guess;
    }
  }
  return { width, height, rgb };
}

/** The most frequent colours, and of the rest the most frequent one of every part of the colour space. */
function paletteOf(counts: ReadonlyMap<number, number>): number[] {
  const ordered = [...counts].sort((a, b) => b[1] - a[1]);
  const chosen = ordered.slice(0, 128).map(([colour]) => colour);
  const parts = new Map<number, { colour: number; count: number }>();
  for (const [colour, count] of ordered.slice(128)) {
    const part = parts.get(colour & 0xf0f0f0);
    if (part) part.count += count;
    else parts.set(colour & 0xf0f0f0, { colour, count });
  }
  const others = [...parts.values()].sort((a, b) => b.count - a.count).slice(0, 128);
  return [...chosen, ...others.map(({ colour }) => colour)];
}

function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; ++bit) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return ~value >>> 0;
}

function chunk(kind: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc(body), body.length + 4);
  return framed;
}

export function smaller(png: Buffer): Buffer {
  const { width, height, rgb } = decode(png);
  const counts = new Map<number, number>();
  for (let i = 0; i < rgb.length; i += 3) {
    const colour = rgb.readUIntBE(i, 3);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = paletteOf(counts);
  const nearest = new Map<number, number>(palette.map((colour, i) => [colour, i]));
  const find = (colour: number): number => {
    const known = nearest.get(colour);
    if (known !== undefined) return known;
    let best = 0;
    let least = Infinity;
    palette.forEach((other, i) => {
      const distance = [16, 8, 0].reduce((sum, shift) => sum + (((colour >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0);
      if (distance < least) [best, least] = [i, distance];
    });
    nearest.set(colour, best);
    return best;
  };
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; ++y) for (let x = 0; x < width; ++x) rows[y * (width + 1) + 1 + x] = find(rgb.readUIntBE(3 * (y * width + x), 3));
  const head = Buffer.from(png.subarray(16, 29));
  head[9] = 3;
  const colours = Buffer.alloc(3 * palette.length);
  palette.forEach((colour, i) => colours.writeUIntBE(colour, 3 * i, 3));
  return Buffer.concat([kHead, chunk("IHDR", head), chunk("PLTE", colours), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

/** Reading and writing of portraits: just enough PNG (ISO/IEC 15948) for 8-bit RGB and RGBA pictures without interlace. */
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { VisavisError } from '../errors.ts';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const RGB = 2;
const RGBA = 6;
/** Portraits are a few hundred pixels wide; more is a mistake, or an attack on memory. */
const MAX_SIDE = 4096;

/** A picture, row by row from the top, three bytes a pixel. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Predictor of filter type 4 (§9.4): whichever of left, up and upper left is nearest to left + up - upper left. */
const paeth = (left: number, up: number, upperLeft: number): number => {
  const estimate = left + up - upperLeft;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toUpperLeft = Math.abs(estimate - upperLeft);
  if (toLeft <= toUp && toLeft <= toUpperLeft) return left;
  return toUp <= toUpperLeft ? up : upperLeft;
};

/** Undoes the filter of one row in place (§9.2); `above` is the row before it, already undone. */
const unfilter = (type: number, row: Uint8Array, above: Uint8Array, bytesPerPixel: number): boolean => {
  for (let i = 0; i < row.length; i++) {
    const left = i < bytesPerPixel ? 0 : row[i - bytesPerPixel]!;
    const upperLeft = i < bytesPerPixel ? 0 : above[i - bytesPerPixel]!;
    const up = above[i]!;
    if (type === 1) row[i]! += left;
    else if (type === 2) row[i]! += up;
    else if (type === 3) row[i]! += (left + up) >> 1;
    else if (type === 4) row[i]! += paeth(left, up, upperLeft);
  }
  return type <= 4;
};

/**
 * Decodes a PNG file; transparency is dropped.
 * @param name - what to call the file in errors
 * @throws {VisavisError} `bad_model` for anything but an intact 8-bit RGB or RGBA PNG without interlace, up to 4096 pixels a side
 */
export const decodePng = (file: Uint8Array, name: string): RgbImage => {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const refuse = (got: string, options?: ErrorOptions) =>
    new VisavisError(
      'bad_model',
      `${name}: expected an 8-bit RGB or RGBA PNG without interlace, got ${got}. Save the picture again as such a PNG.`,
      options,
    );
  if (!bytes.subarray(0, 8).equals(SIGNATURE)) throw refuse('a file without the PNG signature');

  let width = 0;
  let height = 0;
  let bytesPerPixel = 0;
  const compressed: Buffer[] = [];
  for (let at = 8; ;) {
    if (at + 12 > bytes.length) throw refuse('a file that ends early');
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (at + 12 + length > bytes.length) throw refuse('a file that ends early');
    const data = bytes.subarray(at + 8, at + 8 + length);
    at += 12 + length;
    if (type === 'IEND') break;
    if (type === 'IDAT') compressed.push(data);
    if (type !== 'IHDR') continue;
    if (length !== 13) throw refuse('a damaged header');
    width = data.readUInt32BE(0);
    height = data.readUInt32BE(4);
    const [depth, colour, , , interlace] = data.subarray(8);
    if (depth !== 8 || (colour !== RGB && colour !== RGBA) || interlace !== 0) {
      throw refuse(`bit depth ${depth}, colour type ${colour}, interlace ${interlace}`);
    }
    bytesPerPixel = colour === RGB ? 3 : 4;
    if (width === 0 || height === 0 || width > MAX_SIDE || height > MAX_SIDE) {
      throw refuse(`${width} × ${height} pixels (1…${MAX_SIDE} each)`);
    }
  }
  if (bytesPerPixel === 0) throw refuse('a file without a header');

  const stride = width * bytesPerPixel;
  const size = height * (stride + 1);
  let filtered: Buffer;
  try {
    filtered = inflateSync(Buffer.concat(compressed), { maxOutputLength: size });
  } catch (cause) {
    throw refuse('damaged picture data', { cause });
  }
  if (filtered.length !== size) throw refuse('too little picture data');

  const rgb = new Uint8Array(width * height * 3);
  let above: Uint8Array = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const row = filtered.subarray(start + 1, start + 1 + stride);
    if (!unfilter(filtered[start]!, row, above, bytesPerPixel)) throw refuse(`filter type ${filtered[start]}`);
    for (let x = 0; x < width; x++) {
      rgb.set(row.subarray(x * bytesPerPixel, x * bytesPerPixel + 3), (y * width + x) * 3);
    }
    above = row;
  }
  return { width, height, rgb };
};

/** A chunk (§5.3): length, type, data and their check sum. */
const chunk = (type: string, data: Uint8Array): Buffer => {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
};

/** A picture as an 8-bit RGB PNG file. */
export const encodePng = ({ width, height, rgb }: RgbImage): Uint8Array => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, RGB], 8);
  const stride = 3 * width;
  const rows = Buffer.alloc(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    // What is above predicts best in pictures of soft light (filter type 2, §9.2).
    rows[y * (stride + 1)] = 2;
    for (let x = 0; x < stride; x++) {
      rows[y * (stride + 1) + 1 + x] = rgb[y * stride + x]! - (y > 0 ? rgb[(y - 1) * stride + x]! : 0);
    }
  }
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};

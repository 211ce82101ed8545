/** What a picture file says of itself before anything of it is decoded: whoever decodes one knows first how large it gets. */

/** A kind of picture and its size in pixels. */
export interface PictureHeader {
  readonly format: 'PNG' | 'JPEG' | 'WebP';
  readonly width: number;
  readonly height: number;
}

/** Frame headers of JPEG, SOF0…SOF15 without DHT, JPG and DAC (ITU-T T.81 table B.1). */
const isJpegFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** ISO/IEC 15948 §11.2.2: IHDR comes first. */
const readPng = (bytes: Buffer): PictureHeader | null =>
  bytes.length >= 24 &&
  bytes.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n' &&
  bytes.toString('latin1', 12, 16) === 'IHDR'
    ? { format: 'PNG', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
    : null;

/** ITU-T T.81 §B.1.1: segments up to the frame header. */
const readJpeg = (bytes: Buffer): PictureHeader | null => {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 <= bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!;
    if (isJpegFrame(marker)) {
      return { format: 'JPEG', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    }
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
};

/** RFC 9649 §2.5 to §2.7: the size is in the first chunk, each kind in its own way. */
const readWebp = (bytes: Buffer): PictureHeader | null => {
  if (bytes.length < 30 || bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WEBP') {
    return null;
  }
  const size = (width: number, height: number): PictureHeader => ({ format: 'WebP', width, height });
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return size(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff);
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21);
      return size((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
    }
    case 'VP8X':
      return size(bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1);
    default:
      return null;
  }
};

/** @returns null for anything but the beginning of a PNG, JPEG or WebP */
export const readPictureHeader = (file: Uint8Array): PictureHeader | null => {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  return readPng(bytes) ?? readJpeg(bytes) ?? readWebp(bytes);
};

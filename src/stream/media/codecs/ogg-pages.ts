/** Pages of an Ogg stream with one logical bitstream (RFC 3533 §6). */

const BEGIN_OF_STREAM = 2;
const END_OF_STREAM = 4;
const HEADER_BYTES = 27;
/** Lacing values of a page; a packet of n bytes takes n / 255 + 1 of them. */
const MAX_SEGMENTS = 255;

/** CRC-32 with polynomial 0x04c11db7, neither reflected nor inverted (RFC 3533 §6, field 7). */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80_00_00_00 ? (value << 1) ^ 0x04_c1_1d_b7 : value << 1;
  return value;
});

const crcOf = (bytes: Uint8Array): number => {
  let crc = 0;
  for (const byte of bytes) crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte]!;
  return crc >>> 0;
};

/** Packs packets into pages. */
export class OggPages {
  readonly #serial: number;
  #sequence = 0;

  /** @param serial - tells bitstreams apart; uint32 */
  constructor(serial: number) {
    this.#serial = serial;
  }

  /**
   * One page of whole packets.
   * @param granule - position at its end, as the codec counts
   * @throws {RangeError} when the packets have more than 255 lacing values
   */
  page(packets: readonly Uint8Array[], granule: bigint, isLast = false): Buffer {
    const lacing = packets.flatMap(({ length }) =>
      Array.from({ length: Math.floor(length / 255) + 1 }, (_, i) => Math.min(255, length - i * 255)),
    );
    if (lacing.length > MAX_SEGMENTS) throw new RangeError(`an Ogg page has 255 segments, not ${lacing.length}`);
    const header = Buffer.alloc(HEADER_BYTES);
    header.write('OggS', 0);
    header.writeUInt8((this.#sequence === 0 ? BEGIN_OF_STREAM : 0) | (isLast ? END_OF_STREAM : 0), 5);
    header.writeBigInt64LE(granule, 6);
    header.writeUInt32LE(this.#serial, 14);
    header.writeUInt32LE(this.#sequence, 18);
    header.writeUInt8(lacing.length, 26);
    const page = Buffer.concat([header, Buffer.from(lacing), ...packets]);
    page.writeUInt32LE(crcOf(page), 22);
    this.#sequence += 1;
    return page;
  }
}

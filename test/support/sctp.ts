/** CRC32c (RFC 9260 appendix A), bit by bit: the checksum of SCTP, over a packet whose own is 0. */
export const crc32c = (all: Uint8Array): number => {
  let crc = 0xffff_ffff;
  for (const byte of all) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
};

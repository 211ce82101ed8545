/**
 * Reads transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): which packets
 * reached the receiver, and when. Pure.
 *
 *     0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------------------------------------------------------+
 *   |                     SSRC of packet sender                     |
 *   |                      SSRC of media source                     |
 *   |      base sequence number     |      packet status count      |
 *   |                 reference time                | fb pkt. count |
 *   |          packet chunk         |         packet chunk …        |
 *   |  recv delta (1 or 2 bytes each, of packets that were received) |
 *   +---------------------------------------------------------------+
 */

const HEADER_BYTES = 16;
const CHUNK_BYTES = 2;
const REFERENCE_TICK_MS = 64;
const DELTA_TICK_MS = 0.25;

/** Status symbols of §3.1.1; 3 is reserved. */
const SMALL_DELTA = 1;
const LARGE_DELTA = 2;

/** What a feedback says of one packet. */
export interface PacketArrival {
  /** Transport-wide sequence number, 0…65535. */
  readonly sequenceNumber: number;
  /** On the receiver's clock, ms since an arbitrary start (repeating every 12.4 days); null: it has not come. */
  readonly arrivalMs: number | null;
}

/**
 * @param payload - the feedback packet after its RTCP header of 4 bytes.
 * @returns the packets in order of their sequence numbers, or null when the payload is not whole.
 */
export const readTransportFeedback = (payload: Uint8Array): readonly PacketArrival[] | null => {
  if (payload.length < HEADER_BYTES) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const base = view.getUint16(8);
  const count = view.getUint16(10);
  const statuses: number[] = [];
  let at = HEADER_BYTES;
  while (statuses.length < count) {
    if (at + CHUNK_BYTES > payload.length) return null;
    readChunk(view.getUint16(at), count, statuses);
    at += CHUNK_BYTES;
  }

  // Signed, 24 bits.
  let timeMs = (view.getInt32(12) >> 8) * REFERENCE_TICK_MS;
  const arrivals: PacketArrival[] = [];
  for (const [i, status] of statuses.entries()) {
    const sequenceNumber = (base + i) & 0xffff;
    if (status !== SMALL_DELTA && status !== LARGE_DELTA) {
      arrivals.push({ sequenceNumber, arrivalMs: null });
      continue;
    }
    if (at + status > payload.length) return null;
    timeMs += (status === SMALL_DELTA ? view.getUint8(at) : view.getInt16(at)) * DELTA_TICK_MS;
    at += status;
    arrivals.push({ sequenceNumber, arrivalMs: timeMs });
  }
  return arrivals;
};

/** Appends a chunk's symbols, `count` in all at most: a run of one symbol, or a vector of 14 of one bit or 7 of two bits. */
const readChunk = (chunk: number, count: number, statuses: number[]): void => {
  if ((chunk & 0x8000) === 0) {
    const run = Math.min(chunk & 0x1fff, count - statuses.length);
    for (let i = 0; i < run; i++) statuses.push((chunk >> 13) & 3);
    // A run of nothing would never end.
    if (run === 0) statuses.push(0);
    return;
  }
  const bits = (chunk & 0x4000) === 0 ? 1 : 2;
  for (let shift = 14 - bits; shift >= 0 && statuses.length < count; shift -= bits) {
    statuses.push((chunk >> shift) & ((1 << bits) - 1));
  }
};

/**
 * Whether an SCTP packet (RFC 9260 §3) of a browser's data channel may reach werift, which believes every length in it: a chunk of
 * length 0 would keep it busy for ever, and a report of a few large gaps for seconds, along with the thread that all sessions share.
 */

const HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 4;
/** Sequence numbers that a selective acknowledgement may name one by one; a window holds fewer. */
const MAX_GAP_SPAN = 4096;

/** Chunks that werift knows, with the bytes that each has at least, and where its parameters begin. */
const CHUNKS: ReadonlyMap<number, { readonly least: number; readonly params: number | null }> = new Map([
  [0, { least: 12, params: null }], // DATA
  [1, { least: 16, params: 16 }], // INIT
  [2, { least: 16, params: 16 }], // INIT ACK
  [3, { least: 12, params: null }], // SACK
  [4, { least: 0, params: 0 }], // HEARTBEAT
  [5, { least: 0, params: 0 }], // HEARTBEAT ACK
  [6, { least: 0, params: 0 }], // ABORT
  [7, { least: 4, params: null }], // SHUTDOWN
  [8, { least: 0, params: null }], // SHUTDOWN ACK
  [9, { least: 0, params: 0 }], // ERROR
  [10, { least: 4, params: null }], // COOKIE ECHO
  [11, { least: 0, params: null }], // COOKIE ACK
  [14, { least: 0, params: null }], // SHUTDOWN COMPLETE
  [130, { least: 0, params: 0 }], // RE-CONFIG (RFC 6525)
  [192, { least: 4, params: null }], // FORWARD TSN (RFC 3758)
]);
const SACK = 3;

/** Whether the packet's chunks, and the parameters in them, are what they say. Its checksum is left to werift. */
export const isSoundSctp = (packet: Uint8Array): boolean => {
  if (packet.length < HEADER_BYTES) return false;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let at = HEADER_BYTES;
  while (at + CHUNK_HEADER_BYTES <= packet.length) {
    const length = view.getUint16(at + 2);
    const known = CHUNKS.get(view.getUint8(at));
    if (known === undefined || length < CHUNK_HEADER_BYTES + known.least || at + length > packet.length) return false;
    const body = new DataView(packet.buffer, packet.byteOffset + at + CHUNK_HEADER_BYTES, length - CHUNK_HEADER_BYTES);
    if (known.params !== null && !areSoundParams(body, known.params)) return false;
    if (view.getUint8(at) === SACK && !isSoundSack(body)) return false;
    at += length + padding(length);
  }
  return true;
};

/** Type, length with this header, value, padding (RFC 9260 §3.2.1). */
const areSoundParams = (body: DataView, from: number): boolean => {
  for (let at = from; at + CHUNK_HEADER_BYTES <= body.byteLength;) {
    const length = body.getUint16(at + 2);
    if (length < CHUNK_HEADER_BYTES || at + length > body.byteLength) return false;
    at += length + padding(length);
  }
  return true;
};

/** Gap blocks and duplicates are there, and the gaps are no larger than a window (RFC 9260 §3.3.4). */
const isSoundSack = (body: DataView): boolean => {
  const gaps = body.getUint16(8);
  if (12 + 4 * (gaps + body.getUint16(10)) > body.byteLength) return false;
  let span = 0;
  for (let i = 0; i < gaps; i += 1) {
    const [start, end] = [body.getUint16(12 + 4 * i), body.getUint16(14 + 4 * i)];
    if (end < start) return false;
    span += end - start + 1;
  }
  return span <= MAX_GAP_SPAN;
};

const padding = (length: number): number => (4 - (length % 4)) % 4;

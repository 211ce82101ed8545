/**
 * Whether an SCTP packet (RFC 9260 §3) of a browser's data channel may reach werift, which believes every length in it: a chunk of
 * length 0 would keep it busy for ever, and a report of a few large gaps for seconds, along with the thread that all sessions share.
 * What adds up over packets is bounded in `data-guard.ts`.
 */

const HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 4;
/** Sequence numbers that the selective acknowledgements of a packet may name one by one; what may be under way is fewer. */
const MAX_GAP_SPAN = 1024;
/** Chunks of a packet that carry no data; each may be answered with a packet. */
const MAX_CONTROL_CHUNKS = 4;
/** Parameters of a chunk; browsers send two or three. */
const MAX_PARAMS = 16;

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
const DATA = 0;
const SACK = 3;
const FORWARD_TSN = 192;

/** A packet that may be read. */
export interface SoundSctp {
  /** How many chunks it has. */
  readonly chunks: number;
  /** Sequence number of its first chunk of data; null: it has none. */
  readonly tsn: number | null;
}

/**
 * A packet whose chunks, and the parameters in them, are what they say; null: it is not. Its checksum is left to werift.
 * @param streams - Streams that data may come on: 0 to `streams` - 1.
 */
export const readSctp = (packet: Uint8Array, streams: number): SoundSctp | null => {
  if (packet.length < HEADER_BYTES) return null;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let at = HEADER_BYTES;
  let chunks = 0;
  let control = 0;
  let span = 0;
  let tsn: number | null = null;
  while (at + CHUNK_HEADER_BYTES <= packet.length) {
    const type = view.getUint8(at);
    const length = view.getUint16(at + 2);
    const known = CHUNKS.get(type);
    if (known === undefined || length < CHUNK_HEADER_BYTES + known.least || at + length > packet.length) return null;
    const body = new DataView(packet.buffer, packet.byteOffset + at + CHUNK_HEADER_BYTES, length - CHUNK_HEADER_BYTES);
    if (known.params !== null && !areSoundParams(body, known.params)) return null;
    if (type === DATA && body.getUint16(4) >= streams) return null;
    if (type === DATA) tsn ??= body.getUint32(0);
    if (type === FORWARD_TSN && !areSoundSkips(body, streams)) return null;
    if (type === SACK) span += gapSpan(body);
    if (type !== DATA) control += 1;
    if (control > MAX_CONTROL_CHUNKS || span > MAX_GAP_SPAN) return null;
    chunks += 1;
    at += length + padding(length);
  }
  return { chunks, tsn };
};

/** Type, length with this header, value, padding (RFC 9260 §3.2.1). */
const areSoundParams = (body: DataView, from: number): boolean => {
  let params = 0;
  for (let at = from; at + CHUNK_HEADER_BYTES <= body.byteLength;) {
    const length = body.getUint16(at + 2);
    params += 1;
    if (params > MAX_PARAMS || length < CHUNK_HEADER_BYTES || at + length > body.byteLength) return false;
    at += length + padding(length);
  }
  return true;
};

/** Streams and their sequence numbers, in pairs after the sequence number that is skipped to (RFC 3758 §3.2). */
const areSoundSkips = (body: DataView, streams: number): boolean => {
  for (let at = 4; at + 4 <= body.byteLength; at += 4) if (body.getUint16(at) >= streams) return false;
  return true;
};

/** Sequence numbers in the gap blocks; Infinity: these, or the duplicates, are not there (RFC 9260 §3.3.4). */
const gapSpan = (body: DataView): number => {
  const gaps = body.getUint16(8);
  if (12 + 4 * (gaps + body.getUint16(10)) > body.byteLength) return Infinity;
  let span = 0;
  for (let i = 0; i < gaps; i += 1) {
    const [start, end] = [body.getUint16(12 + 4 * i), body.getUint16(14 + 4 * i)];
    if (end < start) return Infinity;
    span += end - start + 1;
  }
  return span;
};

const padding = (length: number): number => (4 - (length % 4)) % 4;

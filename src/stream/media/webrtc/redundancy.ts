/**
 * Sound that is sent more than once (RFC 2198): a packet carries, beside its own payload, those of earlier ones. Opus repeats
 * the packet before in few bits by itself, when it takes it for speech; a copy restores what is lost in a burst, and the first
 * sound of a word, which Opus takes for silence.
 *
 *  0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |1|   block PT  |  timestamp offset         |   block length    |  one for each earlier payload, the oldest first
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |0|   block PT  |  then the payloads, in the same order
 * +-+-+-+-+-+-+-+-+
 */

const BLOCK_HEADER_BYTES = 4;
/** The length has ten bits. */
const MAX_BLOCK_BYTES = 0x3ff;
/** The offset has fourteen. */
const MAX_OFFSET_TICKS = 0x3fff;

/** A payload and its RTP timestamp. */
export interface RedundantBlock {
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/**
 * The payload of one packet.
 * @param payloadType - of the codec within, 0…127.
 * @param earlier - oldest first; what the header cannot say is left out.
 */
export const redundantPayload = (
  payloadType: number,
  primary: RedundantBlock,
  earlier: readonly RedundantBlock[],
): Uint8Array<ArrayBuffer> => {
  const blocks = earlier
    .map(({ timestamp, payload }) => ({ offset: (primary.timestamp - timestamp) >>> 0, payload }))
    .filter(
      ({ offset, payload }) =>
        offset > 0 && offset <= MAX_OFFSET_TICKS && payload.length > 0 && payload.length <= MAX_BLOCK_BYTES,
    );
  const headerBytes = blocks.length * BLOCK_HEADER_BYTES + 1;
  const length = blocks.reduce((sum, { payload }) => sum + payload.length, headerBytes + primary.payload.length);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = headerBytes;
  for (const [i, { offset, payload }] of blocks.entries()) {
    const header = ((0x80 | payloadType) << 24) | (offset << 10) | payload.length;
    view.setUint32(i * BLOCK_HEADER_BYTES, header >>> 0);
    bytes.set(payload, at);
    at += payload.length;
  }
  bytes[headerBytes - 1] = payloadType;
  bytes.set(primary.payload, at);
  return bytes;
};

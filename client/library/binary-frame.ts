/** Binary frames of a session, little-endian: a header of 12 bytes, then the payload (docs/protocol.md). */

const HEADER_BYTES = 12;
const FIRST = 1;
const LAST = 2;
const KEY_FRAME = 4;

/** A picture of a face to be imitated. */
const PICTURE_IN = 5;

const KINDS = { 1: 'sound', 2: 'motion', 4: 'picture' } as const;

/** A piece of media that came over the WebSocket. */
export interface MediaFrame {
  /** `sound`: 20 ms of Opus or 16-bit PCM; `motion`: float32[59]; `picture`: one VP8 frame. */
  readonly kind: (typeof KINDS)[keyof typeof KINDS];
  /** First, and last, of an utterance. */
  readonly first: boolean;
  readonly last: boolean;
  readonly keyFrame: boolean;
  /** Counts the frames of one kind. */
  readonly sequence: number;
  readonly mediaMs: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Reads a frame; null for a kind that this client does not know, or less than a header. */
export const readMediaFrame = (bytes: ArrayBuffer): MediaFrame | null => {
  if (bytes.byteLength < HEADER_BYTES) return null;
  const view = new DataView(bytes);
  const kind = (KINDS as Readonly<Record<number, MediaFrame['kind'] | undefined>>)[view.getUint8(0)];
  if (!kind) return null;
  const flags = view.getUint8(1);
  return {
    kind,
    first: (flags & FIRST) !== 0,
    last: (flags & LAST) !== 0,
    keyFrame: (flags & KEY_FRAME) !== 0,
    sequence: view.getUint32(4, true),
    mediaMs: view.getUint32(8, true),
    payload: new Uint8Array(bytes, HEADER_BYTES),
  };
};

/** A picture to be imitated as a frame; null ends imitating. */
export const writePictureFrame = (sequence: number, jpeg: Uint8Array | null): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(HEADER_BYTES + (jpeg?.length ?? 0));
  bytes[0] = PICTURE_IN;
  bytes[1] = jpeg ? 0 : LAST;
  new DataView(bytes.buffer).setUint32(4, sequence, true);
  if (jpeg) bytes.set(jpeg, HEADER_BYTES);
  return bytes;
};

/**
 * Binary frames of `/v1/session`, little-endian:
 *
 *    0       1       2               4               8               12
 *   ┌───────┬───────┬───────────────┬───────────────┬───────────────┬─────────
 *   │ kind  │ flags │       0       │   sequence    │  mediaTimeMs  │ payload …
 *   └───────┴───────┴───────────────┴───────────────┴───────────────┴─────────
 */
import { VisavisError } from '../errors.ts';

const HEADER_BYTES = 12;

/** What a frame carries. */
export const FRAME_KIND = { audioOut: 1, motionOut: 2, audioIn: 3, videoOut: 4 } as const;
export type FrameKind = (typeof FRAME_KIND)[keyof typeof FRAME_KIND];

const FIRST = 1;
const LAST = 2;
const KEY_FRAME = 4;

export interface BinaryFrame {
  readonly kind: FrameKind;
  /** First of an utterance. */
  readonly first?: boolean;
  /** Last of an utterance. */
  readonly last?: boolean;
  readonly keyFrame?: boolean;
  /** Counts frames of this kind. */
  readonly sequence: number;
  readonly mediaTimeMs: number;
  readonly payload: Uint8Array;
}

/** The frame as bytes. */
export const encodeBinaryFrame = (frame: BinaryFrame): Uint8Array => {
  const bytes = new Uint8Array(HEADER_BYTES + frame.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, frame.kind);
  view.setUint8(1, (frame.first ? FIRST : 0) | (frame.last ? LAST : 0) | (frame.keyFrame ? KEY_FRAME : 0));
  view.setUint32(4, frame.sequence >>> 0, true);
  view.setUint32(8, Math.round(frame.mediaTimeMs) >>> 0, true);
  bytes.set(frame.payload, HEADER_BYTES);
  return bytes;
};

/**
 * Reads a frame that a client sent; the payload is a view of `bytes`.
 * @throws {VisavisError} `bad_message` when it is not audio (kind 3) of whole 16-bit samples.
 */
export const decodeAudioIn = (bytes: Uint8Array): BinaryFrame => {
  const payload = bytes.subarray(HEADER_BYTES);
  if (bytes.length < HEADER_BYTES || bytes[0] !== FRAME_KIND.audioIn || payload.length % 2 !== 0) {
    throw new VisavisError(
      'bad_message',
      `expected a binary frame of kind 3 (12-byte header, then 16-bit PCM), got ${bytes.length} bytes of kind ${bytes[0] ?? 'none'}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const flags = view.getUint8(1);
  return {
    kind: FRAME_KIND.audioIn,
    first: (flags & FIRST) !== 0,
    last: (flags & LAST) !== 0,
    sequence: view.getUint32(4, true),
    mediaTimeMs: view.getUint32(8, true),
    payload,
  };
};

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
export const FRAME_KIND = { audioOut: 1, motionOut: 2, audioIn: 3, videoOut: 4, pictureIn: 5 } as const;
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

/** A frame that a client sent: its speech, or a picture of a face. */
export interface ClientFrame extends BinaryFrame {
  readonly kind: typeof FRAME_KIND.audioIn | typeof FRAME_KIND.pictureIn;
  readonly first: boolean;
  readonly last: boolean;
}

/**
 * Reads a frame that a client sent; the payload is a view of `bytes`.
 * @throws {VisavisError} `bad_message` when it is neither audio (kind 3) of whole 16-bit samples nor a picture (kind 5).
 */
export const decodeClientFrame = (bytes: Uint8Array): ClientFrame => {
  const payload = bytes.subarray(HEADER_BYTES);
  const [kind] = bytes;
  const isSound = kind === FRAME_KIND.audioIn && payload.length % 2 === 0;
  if (bytes.length < HEADER_BYTES || !(isSound || kind === FRAME_KIND.pictureIn)) {
    throw new VisavisError(
      'bad_message',
      'expected a binary frame of kind 3 (12-byte header, then 16-bit PCM) or of kind 5 (then a JPEG), ' +
        `got ${bytes.length} bytes of kind ${kind ?? 'none'}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const flags = view.getUint8(1);
  return {
    kind,
    first: (flags & FIRST) !== 0,
    last: (flags & LAST) !== 0,
    sequence: view.getUint32(4, true),
    mediaTimeMs: view.getUint32(8, true),
    payload,
  };
};

/**
 * The units in which media moves through the server. Everything is cut into slots of 40 ms: one video frame and two Opus
 * packets share a slot, so sound and picture cannot part. Plain readonly data, no behaviour.
 */

/** Length of a slot in milliseconds: one video frame at 25 frames a second. */
export const SLOT_MS = 40;
/** Video frames, and motion descriptors, a second. */
export const FRAMES_PER_SECOND = 25;
/** Length of an Opus packet in milliseconds (RFC 6716 §2.1.4); two make a slot. */
export const PACKET_MS = 20;
/** Numbers in one motion descriptor: 53 expression weights, yaw, pitch, roll in degrees, tx, ty, tz in centimetres. */
export const MOTION_SIZE = 59;

/** When a phoneme is spoken; the pauses between words belong to none. */
export interface PhonemeTiming {
  /** ARPAbet with stress for voices of this project: `HH`, `AH0`; the voice's own symbols for others. */
  readonly phoneme: string;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * When a word is spoken, and which part of the client's text it reads.
 * Times are milliseconds; from what they count (text chunk, utterance or media time) is said where the words are used.
 */
export interface WordTiming {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  /** First UTF-16 index of the word in the text. */
  readonly charStart: number;
  /** Index after its last. */
  readonly charEnd: number;
  /** Its phonemes in order, the first and the last as long as the word lasts; missing when the voice does not tell them. */
  readonly phonemes?: readonly PhonemeTiming[];
}

/** A clause or sentence of an utterance, as it goes to synthesis. */
export interface TextChunk {
  readonly text: string;
  /** UTF-16 index of its first character in the utterance's text. */
  readonly charStart: number;
}

/** One slot of sound. `pcm` is float32 mono in -1…1, `sampleRateHz` × 0.04 samples; silence when nobody speaks. */
export interface AudioSlot {
  /** Counts slots as they are made; the media thread plays them in this order. */
  readonly sequence: number;
  readonly pcm: Float32Array;
  readonly speaking: boolean;
  /** An utterance begins in it: its sound is to be heard with its frame. */
  readonly opens?: boolean;
  /** Nothing sounds, begins or ends in it: an utterance may begin in its middle. */
  readonly idle?: boolean;
}

/** One frame of video in I420, BT.601 limited range: Y `size`², then U and V (`size`/2)² each. */
export interface VideoFrame {
  readonly sequence: number;
  readonly size: number;
  readonly i420: Uint8Array<ArrayBuffer>;
}

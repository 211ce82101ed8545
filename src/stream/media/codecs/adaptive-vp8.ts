/** A VP8 stream whose bit rate, frame rate and size may change: at each change an encoder is opened anew, with a key frame. */
import type { VideoLevel } from '../rate/send-plan.ts';
import { createVp8Encoder, type EncodedFrame, type Vp8Encoder } from './vp8-encoder.ts';

export class AdaptiveVp8 {
  readonly #size: number;
  #encoder: Vp8Encoder;
  #shrink: VideoLevel['shrink'];
  /** libvpx inside FFmpeg takes no new bit rate while it runs. */
  #opening: Promise<void> = Promise.resolve();
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;
  #isClosed = false;

  /** @throws {VisavisError} `internal` when libvpx does not open. */
  static async open(size: number, level: VideoLevel): Promise<AdaptiveVp8> {
    return new AdaptiveVp8(size, level, await openEncoder(size, level));
  }

  private constructor(size: number, level: VideoLevel, encoder: Vp8Encoder) {
    this.#size = size;
    this.#encoder = encoder;
    this.#shrink = level.shrink;
  }

  /** Frames that wait or are being encoded. */
  get pending(): number {
    return this.#pending;
  }

  /** Changes the stream as soon as the new encoder is open, some 5 ms. @throws as `open`; the stream goes on as before. */
  change(level: VideoLevel): Promise<void> {
    this.#opening = this.#opening.catch(() => undefined).then(() => this.#change(level));
    return this.#opening;
  }

  /** Encodes in call order; see `Vp8Encoder.encode`. @param i420 - a frame of the full size. */
  async encode(i420: Uint8Array<ArrayBuffer>, keyFrame: boolean): Promise<EncodedFrame> {
    this.#pending += 1;
    const frame = this.#shrink === 1 ? i420 : halved(i420, this.#size);
    const encoded = this.#encoder.encode(frame, keyFrame);
    // An encoder that was opened anew must not overtake the one before it.
    const inOrder = Promise.all([encoded, this.#last]).then(([result]) => result);
    this.#last = inOrder.catch(() => undefined);
    try {
      return await inOrder;
    } finally {
      this.#pending -= 1;
    }
  }

  /** Waits for what is being encoded and frees everything; idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening.catch(() => undefined);
    await this.#encoder.close();
  }

  async #change(level: VideoLevel): Promise<void> {
    if (this.#isClosed) return;
    const next = await openEncoder(this.#size, level);
    const before = this.#encoder;
    this.#encoder = next;
    this.#shrink = level.shrink;
    await before.close();
  }
}

const openEncoder = (size: number, { bitrateBps, everyFrames, shrink }: VideoLevel): Promise<Vp8Encoder> =>
  createVp8Encoder(size / shrink, bitrateBps, everyFrames);

/** The frame at half its width and height: the mean of each four samples. */
const halved = (i420: Uint8Array, size: number): Uint8Array<ArrayBuffer> => {
  const small = new Uint8Array(i420.length / 4);
  let from = 0;
  let to = 0;
  for (const width of [size, size / 2, size / 2]) {
    const half = width / 2;
    for (let y = 0; y < half; y++) {
      const upper = from + 2 * y * width;
      const lower = upper + width;
      for (let x = 0; x < half; x++) {
        const at = 2 * x;
        small[to] = (i420[upper + at]! + i420[upper + at + 1]! + i420[lower + at]! + i420[lower + at + 1]! + 2) >> 2;
        to += 1;
      }
    }
    from += width * width;
  }
  return small;
};

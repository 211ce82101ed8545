/** Decodes VP8 (WebCodecs) a little ahead and gives the frame whose time it is. All of it is bounded. */
import type { MediaFrame } from './binary-frame.ts';

/** Frames decoded ahead: they take memory of the decoder. */
const DECODED_FRAMES = 6;
/** Encoded frames that wait, 10 s. With more, the oldest are decoded and not shown. */
const ENCODED_FRAMES = 250;

/** Whether this browser can decode what the server sends. */
export const canDecodePicture = async (): Promise<boolean> =>
  typeof VideoDecoder === 'function' && (await VideoDecoder.isConfigSupported({ codec: 'vp8' })).supported === true;

export class PictureQueue {
  readonly #decoder: VideoDecoder;
  readonly #encoded: EncodedVideoChunk[] = [];
  readonly #decoded: VideoFrame[] = [];
  #dropped = 0;
  #started = false;

  /** @param onError - The picture cannot go on: a new session has to begin. */
  constructor(onError: (error: Error) => void) {
    this.#decoder = new VideoDecoder({
      output: (frame) => this.#decoded.push(frame),
      error: onError,
    });
    this.#decoder.configure({ codec: 'vp8', optimizeForLatency: true });
  }

  /** Frames that came too late to be shown, so far. */
  get dropped(): number {
    return this.#dropped;
  }

  push({ payload, mediaMs, keyFrame }: MediaFrame): void {
    // A decoder can only begin with a key frame; the server's first one is.
    this.#started ||= keyFrame;
    if (!this.#started) return;
    const type = keyFrame ? 'key' : 'delta';
    this.#encoded.push(new EncodedVideoChunk({ type, timestamp: mediaMs * 1000, data: payload }));
    while (this.#encoded.length > ENCODED_FRAMES && this.#decoded.length > 0) this.#drop();
    this.#decode();
  }

  /** Drops what is older than the frame of media time `mediaMs`, which `take` gives. */
  advance(mediaMs: number): void {
    while ((this.#decoded[1]?.timestamp ?? Infinity) <= mediaMs * 1000) this.#drop();
    this.#decode();
  }

  /** The frame of that media time, if it was not taken before. Close it. */
  take(mediaMs: number): VideoFrame | null {
    this.advance(mediaMs);
    const [first] = this.#decoded;
    if (!first || first.timestamp > mediaMs * 1000) return null;
    this.#decoded.shift();
    this.#decode();
    return first;
  }

  close(): void {
    for (const frame of this.#decoded.splice(0)) frame.close();
    if (this.#decoder.state !== 'closed') this.#decoder.close();
  }

  #drop(): void {
    this.#decoded.shift()?.close();
    this.#dropped += 1;
  }

  #decode(): void {
    while (
      this.#decoder.state === 'configured' &&
      this.#decoded.length + this.#decoder.decodeQueueSize < DECODED_FRAMES
    ) {
      const chunk = this.#encoded.shift();
      if (!chunk) return;
      this.#decoder.decode(chunk);
    }
  }
}

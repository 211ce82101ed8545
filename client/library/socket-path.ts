/**
 * Sound and picture over the WebSocket, for networks that let no UDP through. The sound is the clock: every packet is given
 * its time on the audio device's clock, and a frame is drawn when its media time is heard.
 */
import type { MediaFrame } from './binary-frame.ts';
import type { MediaFigures, MediaPath, PathListener } from './media-path.ts';
import { PictureQueue } from './picture-queue.ts';
import { PlayoutSchedule } from './playout-schedule.ts';
import type { Screen } from './screen.ts';
import { createOpusDecoder, createPcmDecoder, type SoundDecoder } from './sound-decoder.ts';
import { OUTPUT_RATE_HZ, type SoundOutput } from './sound-output.ts';

/** From drawing on a canvas until it is seen: about one refresh of a screen. */
const DISPLAY_MS = 16;
/** A frame is drawn up to half a refresh before its time rather than after. */
const EARLY_MS = 8;
/** Samples below are silence to the ear. */
const SILENCE = 0.001;

const average = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

export class SocketPath implements MediaPath {
  readonly #screen: Screen;
  readonly #listener: PathListener;
  readonly #output: SoundOutput;
  readonly #schedule = new PlayoutSchedule();
  readonly #decoder: SoundDecoder;
  readonly #pictures: PictureQueue | null;
  readonly #context: CanvasRenderingContext2D | null;
  #refresh = 0;
  #closed = false;
  #count = { frames: 0, bytes: 0, dropped: 0, skewsMs: new Array<number>(), sinceMs: performance.now() };

  /** @param codec - Of the sound; PCM has to be at `OUTPUT_RATE_HZ`. `video`: whether frames are decoded. */
  constructor(screen: Screen, codec: 'opus' | 'pcm_s16le', video: boolean, listener: PathListener) {
    this.#screen = screen;
    this.#listener = listener;
    this.#output = screen.showCanvas();
    this.#output.onClockChange = () => {
      this.#schedule.clear();
      screen.soundChanged();
    };
    const failed = ({ message }: Error) => this.#closed || listener.onFailed(message);
    const onSamples = (mediaMs: number, samples: Float32Array<ArrayBuffer>) => this.#place(mediaMs, samples);
    this.#decoder = codec === 'opus' ? createOpusDecoder(onSamples, failed) : createPcmDecoder(onSamples);
    this.#pictures = video ? new PictureQueue(failed) : null;
    this.#context = screen.canvas.getContext('2d', { alpha: false, desynchronized: true });
    this.#refresh = requestAnimationFrame((nowMs) => this.#draw(nowMs));
  }

  /** Takes what came. */
  take(frame: MediaFrame): void {
    this.#count.bytes += frame.payload.length;
    if (frame.kind === 'sound') this.#decoder.push(frame.payload, frame.mediaMs);
    if (frame.kind !== 'picture') return;
    this.#pictures?.push(frame);
    // Nothing is drawn while the page is hidden: frames still have to go.
    const heardMs = this.heardMs(performance.now());
    if (heardMs !== null) this.#pictures?.advance(heardMs);
  }

  heardMs(atMs: number): number | null {
    return this.#schedule.mediaMsAt(this.#output.heardAt(atMs));
  }

  setHush(hushed: boolean): void {
    this.#output.hushed = hushed;
  }

  stopped(): void {
    this.#output.stop();
    this.#schedule.clear();
  }

  async measure(): Promise<MediaFigures | null> {
    const nowMs = performance.now();
    const { frames, bytes, dropped, skewsMs, sinceMs } = this.#count;
    const seconds = (nowMs - sinceMs) / 1000;
    const droppedNow = this.#pictures?.dropped ?? 0;
    this.#count = { frames: 0, bytes: 0, dropped: droppedNow, skewsMs: [], sinceMs: nowMs };
    return {
      fps: frames / seconds,
      bitrateBps: (8 * bytes) / seconds,
      skewMs: average(skewsMs),
      audioDelayMs: this.#schedule.waitingMs(this.#output.heardAt(nowMs)),
      framesDropped: droppedNow - dropped,
    };
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#refresh);
    this.#decoder.close();
    this.#pictures?.close();
    this.#output.hushed = false;
    this.#output.rest();
  }

  #place(mediaMs: number, samples: Float32Array<ArrayBuffer>): void {
    if (this.#closed) return;
    const durationMs = (samples.length * 1000) / OUTPUT_RATE_HZ;
    const silent = samples.every((sample) => Math.abs(sample) < SILENCE);
    const atMs = this.#schedule.place({ mediaMs, durationMs, silent }, this.#output.nowMs);
    if (atMs !== null) this.#output.play(samples, atMs);
  }

  #draw(refreshMs: number): void {
    this.#refresh = requestAnimationFrame((nowMs) => this.#draw(nowMs));
    const seenAtMs = refreshMs + DISPLAY_MS;
    const heardMs = this.heardMs(seenAtMs);
    const frame = heardMs === null ? null : this.#pictures?.take(heardMs + EARLY_MS);
    if (!frame || heardMs === null) return;
    const { canvas } = this.#screen;
    const { displayWidth: width, displayHeight: height } = frame;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.#context?.drawImage(frame, 0, 0, width, height);
    const mediaMs = frame.timestamp / 1000;
    frame.close();
    this.#count.frames += 1;
    this.#count.skewsMs.push(heardMs - mediaMs);
    this.#listener.onFrame({ mediaMs, atMs: seenAtMs });
  }
}

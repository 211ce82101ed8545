import type { AudioSlot, VideoFrame } from '../../src/media.ts';
import type {
  Cut,
  MediaChannel,
  MediaEvent,
  MediaOptions,
  MediaServer,
  Thrift,
} from '../../src/stream/media/media-channel.ts';

/** A player without a clock: it plays the next slot when the test says so. */
export class FakeChannel implements MediaChannel {
  readonly options: MediaOptions;
  readonly played: AudioSlot[] = [];
  readonly shown: VideoFrame[] = [];
  readonly texts: string[] = [];
  readonly thrifts: Thrift[] = [];
  readonly offers: string[] = [];
  readonly candidates: Parameters<MediaChannel['candidate']>[0][] = [];
  closed = false;
  #queue: AudioSlot[] = [];
  readonly #frames = new Map<number, VideoFrame>();
  #next = 0;
  #nowMs = 0;
  #listener: (event: MediaEvent) => void = () => undefined;

  constructor(options: MediaOptions) {
    this.options = options;
  }

  listen(listener: (event: MediaEvent) => void): void {
    this.#listener = listener;
    listener({ type: 'ready', startMs: 0 });
  }

  async offer(sdp: string): Promise<string> {
    this.offers.push(sdp);
    return 'v=0 answer';
  }

  candidate(candidate: Parameters<MediaChannel['candidate']>[0]): void {
    this.candidates.push(candidate);
  }

  sendText(text: string): void {
    this.texts.push(text);
  }

  spare(thrift: Thrift): void {
    this.thrifts.push(thrift);
  }

  pushAudio(slot: AudioSlot): void {
    this.#queue.push(slot);
  }

  pushVideo(frame: VideoFrame): void {
    this.#frames.set(frame.sequence, frame);
  }

  async cut(from = 0): Promise<Cut> {
    const sequence = Math.max(from, this.#next);
    this.#queue = this.#queue.filter((slot) => slot.sequence < sequence);
    for (const frame of this.#frames.keys()) if (frame >= sequence) this.#frames.delete(frame);
    return { sequence, heardMs: this.#nowMs };
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** Plays the next slot if it is there; silence, which no one is told of, if not. */
  play(): void {
    const slot = this.#queue[0];
    if (slot) {
      this.#queue.shift();
      this.played.push(slot);
      this.#next = slot.sequence + 1;
      const { sequence } = slot;
      this.#listener({ type: 'played', sequence, mediaTimeMs: this.#nowMs, sentAtMs: this.#nowMs });
      const frame = this.#frames.get(sequence);
      if (frame) {
        this.shown.push(frame);
        this.#listener({ type: 'shown', sequence, sentAtMs: this.#nowMs });
      }
      if (this.options.transport.kind === 'packets') {
        for (const half of [0, 20]) {
          this.#listener({
            type: 'packet',
            kind: 'audio',
            sequence,
            mediaTimeMs: this.#nowMs + half,
            keyFrame: false,
            opensSlot: half === 0,
            payload: new Uint8Array(4),
          });
        }
      }
    }
    this.#nowMs += 40;
  }

  emit(event: MediaEvent): void {
    this.#listener(event);
  }
}

/** Opens fake channels and remembers them. */
export const fakeMediaServer = (): MediaServer & { readonly channels: FakeChannel[] } => {
  const channels: FakeChannel[] = [];
  return {
    channels,
    async open(options) {
      const channel = new FakeChannel(options);
      channels.push(channel);
      return channel;
    },
    close: async () => undefined,
  };
};

/** A media channel that plays by the real playout on a clock of the test, and keeps every packet and frame that leaves. */
import type { AudioSlot, VideoFrame } from '../../src/media.ts';
import type { Cut, MediaChannel, MediaEvent, MediaOptions, MediaServer } from '../../src/stream/media/media-channel.ts';
import { Playout } from '../../src/stream/media/playout.ts';
import type { FakeClock } from './fake-clock.ts';

const PACKET_MS = 20;

export class PlayoutChannel implements MediaChannel {
  /** 20 ms each, in order; the first one is media time 0. */
  readonly packets: Float32Array[] = [];
  readonly frames: VideoFrame[] = [];
  readonly #clock: FakeClock;
  readonly #playout: Playout;
  #listener: (event: MediaEvent) => void = () => undefined;

  constructor(options: MediaOptions, clock: FakeClock) {
    this.#clock = clock;
    const { sampleRateHz, fillIdle } = options;
    this.#playout = new Playout({ sampleRateHz, fillIdle, leadMs: 0 });
  }

  listen(listener: (event: MediaEvent) => void): void {
    this.#listener = listener;
    this.#playout.start(this.#clock.nowMs());
    listener({ type: 'ready', startMs: this.#clock.nowMs() });
  }

  async offer(): Promise<string> {
    return 'v=0 answer';
  }

  candidate(): void {}

  sendText(): void {}

  spare(): void {}

  pushAudio(slot: AudioSlot): void {
    this.#playout.pushAudio(slot, this.#clock.nowMs());
  }

  pushVideo(frame: VideoFrame): void {
    this.#playout.pushVideo(frame);
  }

  async cut(from?: number): Promise<Cut> {
    return this.#playout.cut(from);
  }

  async close(): Promise<void> {}

  /** Sends what is due. */
  play(): void {
    const sentAtMs = this.#clock.nowMs();
    for (const step of this.#playout.process(sentAtMs)) {
      if (step.kind === 'video') {
        this.frames.push(step.frame);
        this.#listener({ type: 'shown', sequence: step.frame.sequence, sentAtMs });
        continue;
      }
      this.packets.push(step.pcm);
      const { sequence, opensSlot, index } = step;
      if (!opensSlot || sequence === null) continue;
      this.#listener({ type: 'played', sequence, mediaTimeMs: index * PACKET_MS, sentAtMs });
    }
  }
}

/** Opens such channels and remembers them. */
export const playoutMediaServer = (clock: FakeClock): MediaServer & { readonly channels: PlayoutChannel[] } => {
  const channels: PlayoutChannel[] = [];
  return {
    channels,
    async open(options) {
      const channel = new PlayoutChannel(options, clock);
      channels.push(channel);
      return channel;
    },
    close: async () => undefined,
  };
};

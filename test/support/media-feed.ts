/** Feeds a media channel with synthetic slots, a little ahead of what it plays. */
import type { AudioSlot, VideoFrame } from '../../src/media.ts';
import type { MediaChannel, MediaEvent } from '../../src/stream/media/media-channel.ts';
import { barFrame, toneSlot } from './synthetic-media.ts';

export interface FeedOptions {
  readonly sampleRateHz: number;
  /** null: no video. */
  readonly size: number | null;
  /** Slots that are queued before they play. @default 5 */
  readonly aheadSlots?: number;
  /** Whether slot `sequence` speaks. @default always */
  readonly speaking?: (sequence: number) => boolean;
  /** A slot's sound. @default a tone, when it speaks */
  readonly sound?: (sequence: number, sampleRateHz: number) => AudioSlot;
  /** A slot's frame. @default a bar that moves */
  readonly picture?: (sequence: number, size: number) => VideoFrame;
}

/** Collects the channel's events and, from `ready` on, keeps it fed until `stop`. */
export const feed = (channel: MediaChannel, options: FeedOptions) => {
  const { sampleRateHz, size, aheadSlots = 5, speaking = () => true, picture = barFrame } = options;
  const { sound = (sequence, rateHz) => toneSlot(sequence, rateHz, speaking(sequence)) } = options;
  const events: MediaEvent[] = [];
  let next = 0;
  let isStopped = false;
  const push = () => {
    if (isStopped) return;
    channel.pushAudio(sound(next, sampleRateHz));
    if (size !== null) channel.pushVideo(picture(next, size));
    next += 1;
  };
  channel.listen((event) => {
    events.push(event);
    if (event.type === 'ready') for (let i = 0; i < aheadSlots; i++) push();
    if (event.type === 'played') push();
  });
  return {
    events,
    stop: () => {
      isStopped = true;
    },
  };
};

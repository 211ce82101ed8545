/** A text chunk that has been encoded, as the pipeline sees it: times at once, sound window by window. */
import type { SpeechPlan } from './inference.ts';
import type { EncodedChunk } from './voice-model.ts';

/** Latent frames of the first windows and of all that follow: small ones bring the first sound early, large ones cost less. */
const WINDOW_FRAMES = [8, 16, 32, 64] as const;

/** The windows of a text chunk: from the first latent frame to before the last one; the sizes grow to 64 frames. */
export function* windowsOf(frameCount: number): Generator<readonly [first: number, end: number]> {
  for (let first = 0, i = 0; first < frameCount; i++) {
    const size = WINDOW_FRAMES[Math.min(i, WINDOW_FRAMES.length - 1)]!;
    // A short rest joins the last window: alone it would be nearly all context.
    const end = frameCount - first < 1.5 * size ? frameCount : first + size;
    yield [first, end];
    first = end;
  }
}

/**
 * @param decode - makes the samples of latent frames `first` to before `end`
 */
export const createSpeechPlan = (
  { frameCount, words, problems = [] }: Pick<EncodedChunk, 'frameCount' | 'words' | 'problems'>,
  hopSamples: number,
  decode: (first: number, end: number) => Promise<Float32Array>,
): SpeechPlan => ({
  durationSamples: frameCount * hopSamples,
  words,
  problems,
  async *windows() {
    for (const [first, end] of windowsOf(frameCount)) yield await decode(first, end);
  },
});

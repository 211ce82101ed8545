/** A text chunk that has been encoded, as the pipeline sees it: times at once, sound window by window. */
import type { CallOptions, SpeechPlan } from './inference.ts';
import type { EncodedChunk, VoiceModel } from './voice-model.ts';

/**
 * The windows of a text chunk: from the first latent frame to before the last one.
 * @param windowFrames - see `VoiceModel`
 */
export function* windowsOf(
  frameCount: number,
  windowFrames: readonly number[],
): Generator<readonly [first: number, end: number]> {
  for (let first = 0, i = 0; first < frameCount; i++) {
    const size = windowFrames[Math.min(i, windowFrames.length - 1)] ?? frameCount;
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
  { hopSamples, windowFrames }: Pick<VoiceModel, 'hopSamples' | 'windowFrames'>,
  decode: (first: number, end: number, call: CallOptions) => Promise<Float32Array>,
): SpeechPlan => ({
  durationSamples: frameCount * hopSamples,
  words,
  problems,
  async *windows(call = () => ({})) {
    for (const [first, end] of windowsOf(frameCount, windowFrames)) yield await decode(first, end, call());
  },
});

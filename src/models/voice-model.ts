/** What the server needs of a voice on the thread that runs it, whatever format its files have. */
import type { WordTiming } from '../media.ts';
import type { SpeechOptions, TextProblem } from './inference.ts';

/** A text chunk that has been encoded. */
export interface EncodedChunk {
  /** What `decode` of the same voice takes. */
  readonly speech: unknown;
  /** Latent frames in all; 0 when there is nothing to say. */
  readonly frameCount: number;
  /** ms from the first sample, characters from the first of the text. */
  readonly words: readonly WordTiming[];
  /** What of the text is not spoken, and why; missing when all of it is. */
  readonly problems?: readonly TextProblem[];
}

/** A loaded voice; every run blocks the thread that calls it. The same text, options and speaker give the same chunk, to the bit. */
export interface VoiceModel {
  /** Samples that a latent frame becomes. */
  readonly hopSamples: number;
  /** Latent frames of the first windows and of all that follow: small ones bring the first sound early, large ones cost less. */
  readonly windowFrames: readonly number[];
  /**
   * Reads a text and decides how long each sound lasts.
   * @param speaker - one of the voice's speakers, by name or number; the voice's own choice without
   * @throws {VisavisError} `bad_text` or `text_too_long` when the voice cannot speak it at once; `unknown_voice` when it has
   *   no such speaker
   */
  encode(text: string, options: SpeechOptions, speaker?: string): Promise<EncodedChunk>;
  /** The sound of latent frames `first` to before `end`, float32[(end - first) × hopSamples], -1…1. */
  decode(speech: unknown, first: number, end: number): Promise<Float32Array>;
  /** Frees memory and ends what the voice started. */
  release(): Promise<void>;
}

/** What the files of a voice say about it, in the terms of this project. */
import type { Clock } from '../../clock.ts';
import { VisavisError } from '../../errors.ts';
import type { Tensor } from '../onnx-session.ts';
import type { SymbolSequence, TextFrontEnd } from '../text-front-ends/front-end.ts';

/** Whose format the files have. */
export type VoiceFamily = 'piper' | 'transformers' | 'sherpa' | 'melo' | 'coqui';

/** How a voice is read and run. */
export interface VoiceFormat {
  readonly family: VoiceFamily;
  readonly sampleRateHz: number;
  /** As the files name it: a BCP 47 tag, an espeak-ng voice, ISO 639-3, or a word. */
  readonly language: string;
  /** Names of the speakers by id; none when there is one only. */
  readonly speakers: readonly string[];
  readonly defaultSpeaker: number;
  /** Factor on durations, the voice's own. */
  readonly lengthScale: number;
  /** The largest id that sequences have. */
  readonly largestId: number;
  /** What text becomes, in words: "phonemes of espeak-ng (en-us)". */
  readonly reads: string;
  /** Starts what reads its texts. @throws {VisavisError} `bad_model` when that is missing or does not fit */
  readonly openFrontEnd: () => Promise<TextFrontEnd>;
  /** The file's inputs for a sequence; more than it takes do no harm. */
  readonly feeds: (sequence: SymbolSequence, speaker: number) => Readonly<Record<string, Tensor>>;
}

/** Names at the border of a graph, and what the file says about itself. */
export interface Border {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** What the format of a voice is read from. */
export interface FormatSource {
  /** Path of the `.onnx` file. */
  readonly file: string;
  readonly border: Border;
  readonly clock: Clock;
}

/**
 * The id of a speaker, by name or number.
 * @throws {VisavisError} `unknown_voice`, naming those there are
 */
export const speakerId = (speakers: readonly string[], speaker: string): number => {
  const at = speakers.indexOf(speaker);
  const id = at >= 0 ? at : /^\d{1,6}$/.test(speaker) ? Number(speaker) : -1;
  if (id >= 0 && id < speakers.length) return id;
  const some = speakers.slice(0, 20).join(', ') + (speakers.length > 20 ? ' …' : '');
  throw new VisavisError(
    'unknown_voice',
    speakers.length === 0
      ? `This voice has one speaker only, none called "${speaker}".`
      : `This voice has no speaker "${speaker}". It has ${speakers.length}: ${some}.`,
  );
};

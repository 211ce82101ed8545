/**
 * Voices of Coqui (idiap/coqui-ai-TTS, `Vits.export_onnx`): a graph with `input`, `input_lengths`, `scales`, and `sid` and
 * `langid` where there are several; `config.json` beside it names the characters.
 */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { float32, int64 } from '../onnx-session.ts';
import { openEspeakFrontEnd } from '../text-front-ends/espeak-front-end.ts';
import { createLettersFrontEnd } from '../text-front-ends/letters-front-end.ts';
import { IPA_SAMPLE, layOut, sampleOf, type SymbolLayout, type SymbolRun } from '../text-front-ends/symbol-runs.ts';
import { readSidecar } from './sidecar.ts';
import type { FormatSource, VoiceFormat } from './voice-format.ts';

// The defaults of Coqui's own inference.
const NOISE = 0.667;
const DURATION_NOISE = 1;
const BLANK = '<BLNK>';

const coquiSchema = z.looseObject({
  model: z.literal('vits'),
  audio: z.looseObject({ sample_rate: z.int().min(8000).max(48_000) }),
  use_phonemes: z.boolean().default(false),
  phoneme_language: z.string().nullish(),
  add_blank: z.boolean().default(true),
  enable_eos_bos_chars: z.boolean().default(false),
  text_cleaner: z.string().nullish(),
  characters: z.looseObject({
    characters_class: z.string().nullish(),
    pad: z.string().nullish(),
    eos: z.string().nullish(),
    bos: z.string().nullish(),
    blank: z.string().nullish(),
    characters: z.string(),
    punctuations: z.string().default(''),
    phonemes: z.string().nullish(),
    is_sorted: z.boolean().default(true),
    is_unique: z.boolean().default(true),
  }),
  num_speakers: z.int().nonnegative().default(0),
  model_args: z.looseObject({ num_speakers: z.int().nonnegative().default(0) }).prefault({}),
});

/** The ids of characters, as the class that the configuration names counts them. */
const vocabularyOf = ({ characters: given }: z.infer<typeof coquiSchema>): readonly string[] => {
  const marks = Array.from(given.punctuations);
  const isOwn = given.characters_class?.includes('VitsCharacters') ?? true;
  if (isOwn) return [given.pad ?? '_', ...marks, ...Array.from(given.characters + (given.phonemes ?? '')), BLANK];
  const all = Array.from(given.phonemes ?? given.characters);
  const unique = given.is_unique ? [...new Set(all)] : all;
  const letters = given.is_sorted
    ? unique.toSorted((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0))
    : unique;
  const special = [given.pad, given.eos, given.bos, given.blank].filter((symbol) => symbol != null && symbol !== '');
  return [...(special as string[]), ...letters, ...marks];
};

/**
 * @returns undefined when there is no `config.json`
 * @throws {VisavisError} `bad_model` when it is wrong
 */
export const readCoqui = async ({ file, border, clock }: FormatSource): Promise<VoiceFormat | undefined> => {
  const config = await readSidecar(
    join(dirname(file), 'config.json'),
    coquiSchema,
    'the configuration of a VITS of Coqui',
  );
  if (!config) return undefined;
  const vocabulary = vocabularyOf(config);
  // Of a character that is listed twice the last one counts, as in Coqui's dictionary.
  const ids = new Map(vocabulary.map((symbol, id) => [symbol, [id]] as const));
  const { bos, eos, blank } = config.characters;
  const idOf = (symbol: string | null | undefined) => ids.get(symbol ?? '') ?? [];
  const blankId = idOf(ids.has(BLANK) ? BLANK : blank)[0];
  const layout: SymbolLayout = {
    ids,
    before: config.enable_eos_bos_chars ? idOf(bos) : [],
    after: config.enable_eos_bos_chars ? idOf(eos) : [],
    ...(config.add_blank && blankId !== undefined && { blank: blankId }),
  };
  const language = config.phoneme_language ?? 'unknown';
  const place = (runs: readonly SymbolRun[]) => layOut(runs, layout, language);
  const speakers = border.inputs.includes('sid') ? Math.max(1, config.num_speakers, config.model_args.num_speakers) : 0;
  const lower = /lower|english|basic|multilingual|phoneme/.test(config.text_cleaner ?? '');
  return {
    family: 'coqui',
    sampleRateHz: config.audio.sample_rate,
    language,
    speakers: Array.from({ length: speakers }, (_, id) => `${id}`),
    defaultSpeaker: 0,
    lengthScale: 1,
    largestId: vocabulary.length - 1,
    ...(config.use_phonemes
      ? {
          reads: `phonemes of espeak-ng (${config.phoneme_language ?? 'en-us'})`,
          openFrontEnd: () =>
            openEspeakFrontEnd({
              voice: config.phoneme_language ?? 'en-us',
              clock,
              layOut: place,
              sample: sampleOf(layout, IPA_SAMPLE),
            }),
        }
      : {
          reads: 'letters',
          openFrontEnd: async () =>
            createLettersFrontEnd({
              write: (text) => (lower ? text.toLowerCase() : text),
              layOut: place,
              sample: sampleOf(layout, Array.from('hello, i am here.')),
            }),
        }),
    feeds: ({ ids: row }, speaker) => ({
      input: int64(row, [1, row.length]),
      input_lengths: int64([row.length], [1]),
      scales: float32(Float32Array.of(NOISE, 1, DURATION_NOISE), [3]),
      sid: int64([speaker], [1]),
      langid: int64([0], [1]),
    }),
  };
};

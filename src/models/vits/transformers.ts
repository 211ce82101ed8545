/**
 * Voices of Transformers (huggingface/transformers, models/vits; MMS of Meta among them) as Optimum exports them: `input_ids`
 * and `attention_mask` in, `waveform` out; `vocab.json`, `config.json` and `tokenizer_config.json` beside or above.
 */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { VisavisError } from '../../errors.ts';
import { int64 } from '../onnx-session.ts';
import { openEspeakFrontEnd } from '../text-front-ends/espeak-front-end.ts';
import { createLettersFrontEnd } from '../text-front-ends/letters-front-end.ts';
import { IPA_SAMPLE, layOut, sampleOf, type SymbolLayout, type SymbolRun } from '../text-front-ends/symbol-runs.ts';
import { readSidecar } from './sidecar.ts';
import type { FormatSource, VoiceFormat } from './voice-format.ts';

const configSchema = z.looseObject({
  sampling_rate: z.int().min(8000).max(48_000).default(16_000),
  num_speakers: z.int().positive().default(1),
});
const tokenizerSchema = z.looseObject({
  add_blank: z.boolean().default(true),
  is_uroman: z.boolean().default(false),
  language: z.string().nullish(),
  normalize: z.boolean().default(true),
  phonemize: z.boolean().default(false),
});

/**
 * @throws {VisavisError} `bad_model` when a file is missing or wrong
 */
export const readTransformers = async ({ file, border, clock }: FormatSource): Promise<VoiceFormat> => {
  // transformers.js keeps the graph in a folder `onnx` below the others.
  const folders = [dirname(file), dirname(dirname(file))];
  const read = async <T extends z.ZodType>(name: string, schema: T, what: string): Promise<z.infer<T>> => {
    for (const folder of folders) {
      const found = await readSidecar(join(folder, name), schema, what);
      if (found !== undefined) return found;
    }
    throw new VisavisError(
      'bad_model',
      `${file} is a voice of Transformers, but ${name} (${what}) is missing. Put it beside the model, with vocab.json, config.json and tokenizer_config.json.`,
    );
  };
  const vocabulary = await read('vocab.json', z.record(z.string(), z.int().nonnegative()), 'the ids of its letters');
  const config = await read('config.json', configSchema, "the model's configuration");
  const tokenizer = await read('tokenizer_config.json', tokenizerSchema, "the tokenizer's configuration");

  const ids = new Map(Object.entries(vocabulary).map(([symbol, id]) => [symbol, [id]] as const));
  // The letter of id 0 also stands between all others.
  const layout: SymbolLayout = { ids, before: [], after: [], ...(tokenizer.add_blank && { blank: 0 }) };
  const language = tokenizer.language ?? 'unknown';
  const place = (runs: readonly SymbolRun[]) => layOut(runs, layout, language);
  const write = (text: string): string => {
    const lower = tokenizer.normalize ? text.toLowerCase() : text;
    return language === 'ron' ? lower.replaceAll('ț', 'ţ') : lower;
  };
  const frontEnd: Pick<VoiceFormat, 'reads' | 'openFrontEnd'> = tokenizer.phonemize
    ? {
        reads: 'phonemes of espeak-ng (en-us)',
        openFrontEnd: () =>
          openEspeakFrontEnd({ voice: 'en-us', clock, layOut: place, sample: sampleOf(layout, IPA_SAMPLE) }),
      }
    : {
        reads: tokenizer.is_uroman
          ? 'Latin letters (text in another script has to be romanized with uroman)'
          : 'letters',
        openFrontEnd: async () => {
          const letters = createLettersFrontEnd({
            write,
            layOut: place,
            sample: sampleOf(layout, Array.from('hello i am here')),
          });
          if (!tokenizer.is_uroman) return letters;
          return {
            ...letters,
            async read(text) {
              if (/\p{L}/u.test(text) && !/[a-z]/i.test(text)) {
                throw new VisavisError(
                  'bad_text',
                  'This voice was trained on romanized text. Romanize the text with uroman before it is sent.',
                );
              }
              return letters.read(text);
            },
          };
        },
      };
  return {
    family: 'transformers',
    sampleRateHz: config.sampling_rate,
    language,
    speakers: border.inputs.includes('speaker_id')
      ? Array.from({ length: config.num_speakers }, (_, id) => `${id}`)
      : [],
    defaultSpeaker: 0,
    lengthScale: 1,
    largestId: Math.max(...Object.values(vocabulary)),
    ...frontEnd,
    feeds: ({ ids: row }, speaker) => ({
      input_ids: int64(row, [1, row.length]),
      attention_mask: int64(
        row.map(() => 1),
        [1, row.length],
      ),
      speaker_id: int64([speaker], [1]),
    }),
  };
};

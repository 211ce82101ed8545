/**
 * Voices of Piper (rhasspy/piper, OHF-Voice/piper1-gpl): one `.onnx` with `input`, `input_lengths`, `scales` and, for several
 * speakers, `sid`; beside it `.onnx.json` with the phonemes' ids.
 */
import { z } from 'zod';
import { VisavisError } from '../../errors.ts';
import { float32, int64 } from '../onnx-session.ts';
import { openEspeakFrontEnd } from '../text-front-ends/espeak-front-end.ts';
import { endsSyllable, openPinyinFrontEnd } from '../text-front-ends/chinese/pinyin-front-end.ts';
import { createLettersFrontEnd } from '../text-front-ends/letters-front-end.ts';
import { IPA_SAMPLE, layOut, sampleOf, type SymbolLayout, type SymbolRun } from '../text-front-ends/symbol-runs.ts';
import { readSidecar } from './sidecar.ts';
import type { FormatSource, VoiceFormat } from './voice-format.ts';

const PAD = '_';
const START = '^';
const END = '$';
/** A few old voices say so and mean 22050. */
const MISTYPED_RATE_HZ = 22_500;

const piperSchema = z.looseObject({
  audio: z.looseObject({ sample_rate: z.int().min(8000).max(48_000) }),
  espeak: z.looseObject({ voice: z.string().regex(/^[\w+-]+$/) }).optional(),
  language: z.looseObject({ code: z.string() }).optional(),
  phoneme_type: z.string().default('espeak'),
  num_symbols: z.int().positive().optional(),
  num_speakers: z.int().positive().default(1),
  speaker_id_map: z.record(z.string(), z.int().nonnegative()).default({}),
  default_speaker_id: z.int().nonnegative().nullish(),
  phoneme_id_map: z.record(z.string(), z.array(z.int().nonnegative())),
  vowel_clusters: z.array(z.array(z.string())).nullish(),
  inference: z
    .looseObject({
      noise_scale: z.number().nonnegative().default(0.667),
      length_scale: z.number().positive().default(1),
      noise_w: z.number().nonnegative().default(0.8),
    })
    .prefault({}),
});

/** Code points of a word with those put together that the voice has one symbol for. */
const grouperOf = (clusters: readonly (readonly string[])[]) => {
  const known = new Set(clusters.map((cluster) => cluster.join('')));
  const longest = Math.max(...clusters.map((cluster) => cluster.length));
  return (codePoints: readonly string[]): readonly string[] => {
    const symbols: string[] = [];
    for (let at = 0; at < codePoints.length;) {
      let length = Math.min(longest, codePoints.length - at);
      while (length > 1 && !known.has(codePoints.slice(at, at + length).join(''))) length--;
      symbols.push(codePoints.slice(at, at + length).join(''));
      at += length;
    }
    return symbols;
  };
};

/**
 * @returns undefined when there is no `.onnx.json`
 * @throws {VisavisError} `bad_model` when the sidecar is wrong or does not fit the model
 */
export const readPiper = async ({ file, border, clock }: FormatSource): Promise<VoiceFormat | undefined> => {
  const path = `${file}.json`;
  const json = await readSidecar(path, piperSchema, "the configuration of Piper's voices");
  if (!json) return undefined;
  const speakers = Object.entries(json.speaker_id_map).sort(([, a], [, b]) => a - b);
  const takesSpeaker = border.inputs.includes('sid');
  if (takesSpeaker !== json.num_speakers > 1) {
    throw new VisavisError(
      'bad_model',
      `${path} tells of ${json.num_speakers} speaker(s), but the model takes ${takesSpeaker ? 'a' : 'no'} speaker (sid). ` +
        'The two files belong to different voices; fetch them again.',
    );
  }
  const ids = new Map(Object.entries(json.phoneme_id_map));
  const idOf = (symbol: string): readonly number[] => {
    const found = ids.get(symbol);
    if (found) return found;
    throw new VisavisError('bad_model', `${path}: phoneme_id_map lacks "${symbol}", which every sentence needs.`);
  };
  const layout: SymbolLayout = { ids, before: idOf(START), after: idOf(END), blank: idOf(PAD)[0] ?? 0 };
  const voice = json.espeak?.voice ?? 'en-us';
  const language = json.language?.code.replace('_', '-') ?? voice;
  const { noise_scale: noise, noise_w: durationNoise, length_scale: lengthScale } = json.inference;
  const { sample_rate: rateHz } = json.audio;
  const names = Array.from(
    { length: json.num_speakers },
    (_, id) => speakers.find(([, at]) => at === id)?.[0] ?? `${id}`,
  );

  const place = (runs: readonly SymbolRun[]) => layOut(runs, layout, language);
  const syllables: SymbolLayout = { ...layout, blankAfter: endsSyllable };
  const frontEnds: Readonly<Record<string, Pick<VoiceFormat, 'reads' | 'openFrontEnd'>>> = {
    espeak: {
      reads: `phonemes of espeak-ng (${voice})`,
      openFrontEnd: () =>
        openEspeakFrontEnd({
          voice,
          clock,
          layOut: place,
          sample: sampleOf(layout, IPA_SAMPLE),
          ...(json.vowel_clusters?.length && { group: grouperOf(json.vowel_clusters) }),
        }),
    },
    text: {
      reads: 'letters',
      openFrontEnd: async () =>
        createLettersFrontEnd({
          write: (text) => text.normalize('NFD'),
          layOut: place,
          sample: sampleOf(layout, Array.from('hello, i am here.')),
        }),
    },
    pinyin: {
      reads: 'pinyin',
      openFrontEnd: () =>
        openPinyinFrontEnd(
          (runs) => layOut(runs, syllables, language),
          sampleOf(syllables, 'n i 3 h ao 3 w o 3 sh i 4 。'.split(' ')),
        ),
    },
  };
  const frontEnd = frontEnds[json.phoneme_type];
  if (!frontEnd) {
    throw new VisavisError(
      'bad_model',
      `${path}: the phoneme type "${json.phoneme_type}" is not known. Known are ${Object.keys(frontEnds).join(', ')}.`,
    );
  }
  return {
    family: 'piper',
    sampleRateHz: rateHz === MISTYPED_RATE_HZ ? 22_050 : rateHz,
    language,
    speakers: json.num_speakers > 1 ? names : [],
    defaultSpeaker: json.default_speaker_id ?? 0,
    lengthScale,
    largestId: Math.max(...[...ids.values()].flat()),
    ...frontEnd,
    feeds: (sequence, speaker) => ({
      input: int64(sequence.ids, [1, sequence.ids.length]),
      input_lengths: int64([sequence.ids.length], [1]),
      scales: float32(Float32Array.of(noise, 1, durationNoise), [3]),
      sid: int64([speaker], [1]),
    }),
  };
};

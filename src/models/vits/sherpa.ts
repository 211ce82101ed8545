/**
 * Voices of sherpa-onnx (k2-fsa/sherpa-onnx, offline-tts-vits-model.cc): the graph's metadata say what they are, `tokens.txt`
 * gives ids, `lexicon.txt` the symbols of words. VITS of its authors, of Aishell3, MeloTTS, and converted ones of Piper and Coqui.
 */
import { dirname, join } from 'node:path';
import { VisavisError } from '../../errors.ts';
import { float32, int64 } from '../onnx-session.ts';
import { openEspeakFrontEnd } from '../text-front-ends/espeak-front-end.ts';
import { createLettersFrontEnd } from '../text-front-ends/letters-front-end.ts';
import { type LexiconEntry, openLexiconFrontEnd } from '../text-front-ends/lexicon-front-end.ts';
import { IPA_SAMPLE, layOut, sampleOf, type SymbolLayout, type SymbolRun } from '../text-front-ends/symbol-runs.ts';
import { parseTokens, readText } from './sidecar.ts';
import type { FormatSource, VoiceFormat } from './voice-format.ts';

// The defaults of sherpa-onnx.
const NOISE = 0.667;
const DURATION_NOISE = 0.8;
/** Coqui's names of symbols that are not spoken. */
const SPECIAL = new Set(['<PAD>', '<EOS>', '<BOS>', '<BLNK>']);

/**
 * `lexicon.txt`: a word and its symbols a line; with tones, as many numbers after them.
 * @throws {VisavisError} `bad_model` for a line that has not as many tones as symbols
 */
const parseLexicon = (path: string, text: string, withTones: boolean): Map<string, LexiconEntry> => {
  const lexicon = new Map<string, LexiconEntry>();
  for (const [i, line] of text.split('\n').entries()) {
    const [word, ...parts] = line.trim().split(/\s+/);
    if (word === undefined || word === '' || parts.length === 0 || lexicon.has(word.toLowerCase())) continue;
    if (!withTones) {
      lexicon.set(word.toLowerCase(), { symbols: parts });
      continue;
    }
    const half = parts.length / 2;
    const tones = parts.slice(half).map(Number);
    if (!Number.isInteger(half) || tones.some((tone) => !Number.isInteger(tone))) {
      throw new VisavisError('bad_model', `${path}, line ${i + 1}: expected a word, its symbols and as many tones.`);
    }
    lexicon.set(word.toLowerCase(), { symbols: parts.slice(0, half), tones });
  }
  return lexicon;
};

/** Reads `name` beside the model. @throws {VisavisError} `bad_model` when it is missing */
const need = async (file: string, name: string, what: string) => {
  const path = join(dirname(file), name);
  const text = await readText(path);
  if (text !== undefined) return { path, text };
  throw new VisavisError('bad_model', `${file} is a voice of sherpa-onnx, but ${name} (${what}) is not beside it.`);
};

/**
 * @throws {VisavisError} `bad_model` when a file is missing or wrong, or the metadata lack what is needed
 */
export const readSherpa = async ({ file, border, clock }: FormatSource): Promise<VoiceFormat> => {
  const { inputs, metadata } = border;
  const number = (key: string, preset?: number): number => {
    const value = Number(metadata.get(key) ?? preset);
    if (Number.isInteger(value)) return value;
    throw new VisavisError(
      'bad_model',
      `${file}: the metadata of a voice of sherpa-onnx need "${key}". Convert the voice again with sherpa-onnx's script.`,
    );
  };
  const comment = metadata.get('comment') ?? '';
  const sampleRateHz = number('sample_rate');
  const count = number('n_speakers', 1);
  const language = metadata.get('language') ?? 'unknown';
  const isMelo = inputs.includes('tones');
  const tokens = await need(file, 'tokens.txt', 'the ids of its symbols');
  const ids = parseTokens(tokens.path, tokens.text);
  const largestId = Math.max(...[...ids.values()].flat());

  const blank = number('add_blank', 0) === 0 ? {} : { blank: number('blank_id', 0) };
  const plain: SymbolLayout = { ids, before: [], after: [], ...blank };
  const ends =
    number('use_eos_bos', 1) === 0
      ? { before: [], after: [] }
      : { before: [number('bos_id', 0)], after: [number('eos_id', 0)] };
  const readsCharacters = metadata.get('frontend') === 'characters';
  const espeakVoice = /piper|coqui|icefall/.test(comment) ? metadata.get('voice') : undefined;
  const placeWith = (layout: SymbolLayout) => (runs: readonly SymbolRun[]) => layOut(runs, layout, language);

  const frontEnd = async (): Promise<Pick<VoiceFormat, 'reads' | 'openFrontEnd'>> => {
    if (readsCharacters) {
      const spoken = new Map([...ids].filter(([symbol]) => !SPECIAL.has(symbol)));
      const layout: SymbolLayout = { ...plain, ...ends, ids: spoken };
      return {
        reads: 'letters',
        openFrontEnd: async () =>
          createLettersFrontEnd({
            write: (text) => text.toLowerCase(),
            layOut: placeWith(layout),
            sample: sampleOf(layout, Array.from('hello, i am here.')),
          }),
      };
    }
    if (espeakVoice !== undefined && espeakVoice !== '') {
      const own = (symbol: string) => ids.get(symbol) ?? [];
      const layout: SymbolLayout = comment.includes('coqui')
        ? { ...plain, ...ends }
        : { ids, before: own('^'), after: own('$'), ...(ids.has('_') && { blank: own('_')[0] ?? 0 }) };
      return {
        reads: `phonemes of espeak-ng (${espeakVoice})`,
        openFrontEnd: () =>
          openEspeakFrontEnd({
            voice: espeakVoice,
            clock,
            layOut: placeWith(layout),
            sample: sampleOf(layout, IPA_SAMPLE),
          }),
      };
    }
    const { path, text } = await need(file, 'lexicon.txt', 'the symbols of words');
    const lexicon = parseLexicon(path, text, isMelo);
    const chinese = /chinese|mandarin|cantonese|zh/i.test(language) || number('jieba', 0) === 1;
    return {
      reads: `words of its lexicon (${lexicon.size})${chinese ? ', Chinese cut by jieba' : ''}`,
      openFrontEnd: () => {
        const [, { symbols } = { symbols: [] }] =
          [...lexicon].find(([word]) => word === '好' || word === 'hello') ?? [];
        return openLexiconFrontEnd({
          lexicon,
          hasSymbol: (symbol) => ids.has(symbol),
          chinese,
          layOut: placeWith(plain),
          sample: sampleOf(plain, [...symbols, ...symbols, ...symbols, ...symbols]),
        });
      },
    };
  };

  const one = (value: number) => float32(Float32Array.of(value), [1]);
  return {
    family: isMelo ? 'melo' : 'sherpa',
    sampleRateHz,
    language,
    speakers: count > 1 ? Array.from({ length: count }, (_, id) => `${id}`) : [],
    // MeloTTS keeps several embeddings and says which one is the voice.
    defaultSpeaker: number('speaker_id', 0),
    lengthScale: 1,
    largestId,
    ...(await frontEnd()),
    feeds: ({ ids: row, tones }, speaker) => {
      const symbols = int64(row, [1, row.length]);
      const length = int64([row.length], [1]);
      const sid = int64([speaker], [1]);
      return {
        x: symbols,
        input: symbols,
        x_length: length,
        x_lengths: length,
        input_lengths: length,
        tones: int64(tones ?? row.map(() => 0), [1, row.length]),
        sid,
        speaker: sid,
        langid: int64([0], [1]),
        noise_scale: one(NOISE),
        length_scale: one(1),
        noise_scale_w: one(DURATION_NOISE),
        scales: float32(Float32Array.of(NOISE, 1, DURATION_NOISE), [3]),
      }; // oxfmt would give each input a line of its own
    },
  };
};

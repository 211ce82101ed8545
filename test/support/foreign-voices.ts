/**
 * Small random-weight voices in the formats of other projects; `training/foreign/export_fixtures.py` made the graphs, and
 * `training/voice/fixture.py` the one in the form that our own are exported in for Piper.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { bytesField, fieldsOf, messageOf, sameField } from '../../src/models/vits/protobuf.ts';
import { root } from './models.ts';

type Fixture = 'piper' | 'piper-speakers' | 'piper-source' | 'mms' | 'sherpa' | 'melo';

/** The bytes of a fixture's `.onnx` file. */
export const graphOf = async (fixture: Fixture): Promise<Uint8Array> =>
  gunzipSync(await readFile(join(root, 'test/fixtures/voices', `${fixture}.onnx.gz`)));

/** Whether espeak-ng is installed; tests that need it are skipped without. */
export const hasEspeak = spawnSync('espeak-ng', ['--version']).status === 0;

const SYMBOLS = Array.from(" !'(),-.:;?abcdefghijklmnopqrstuvwxyzæðŋɐɑɔəɚɛɜɡɪɹɾʃʊʌʒˈˌːθ0123456789\u0303");

/** A configuration in the form of Piper's, with changes. */
export const piperConfig = (changes: object = {}): Record<string, unknown> => ({
  audio: { sample_rate: 22_050, quality: 'medium' },
  espeak: { voice: 'en-us' },
  language: { code: 'en_US' },
  phoneme_type: 'text',
  num_symbols: 256,
  num_speakers: 1,
  speaker_id_map: {},
  phoneme_id_map: Object.fromEntries(['_', '^', '$', ...SYMBOLS].map((symbol, id) => [symbol, [id]])),
  inference: { noise_scale: 0.667, length_scale: 1, noise_w: 0.8 },
  ...changes,
});

/** What is different in the configuration of `piper-source`. */
export const piperSource = {
  num_symbols: 64,
  phoneme_id_map: Object.fromEntries(
    ['_', '^', '$', ...Array.from('æɑɒɔəɐʌɛeɜɚɝɪᵻiʊuoabdðfɡghlo ')].map((symbol, id) => [symbol, [id]]),
  ),
};

/** Writes a voice of Piper and gives the path of its `.onnx`. */
export const writePiper = async (
  folder: string,
  name: string,
  changes: object = {},
  fixture: 'piper' | 'piper-speakers' | 'piper-source' = 'piper',
): Promise<string> => {
  const file = join(folder, `${name}.onnx`);
  await writeFile(file, await graphOf(fixture));
  await writeFile(`${file}.json`, JSON.stringify(piperConfig(changes)));
  return file;
};

/** Writes a voice of Transformers into a folder. */
export const writeTransformers = async (folder: string, tokenizer: object = {}): Promise<string> => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'model.onnx'), await graphOf('mms'));
  const letters = Array.from("k'zyuwvtsrqponmljihgfedcba -–_0123456");
  await writeFile(
    join(folder, 'vocab.json'),
    JSON.stringify(Object.fromEntries(letters.map((letter, id) => [letter, id]))),
  );
  await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'vits', sampling_rate: 16_000 }));
  await writeFile(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({
      add_blank: true,
      is_uroman: false,
      language: 'eng',
      normalize: true,
      phonemize: false,
      ...tokenizer,
    }),
  );
  return folder;
};

/** The bytes of an ONNX file with other metadata. */
const withMetadata = (file: Uint8Array, metadata: Readonly<Record<string, string | number>>): Uint8Array => {
  const fields = fieldsOf(file).filter(({ number }) => number !== 14);
  const entries = Object.entries(metadata).map(([key, value]) =>
    bytesField(14, [bytesField(1, key), bytesField(2, String(value))]),
  );
  return messageOf([...fields.map(sameField), ...entries]);
};

/** Writes a voice of sherpa-onnx into a folder; each line of the lexicon gives its symbols their ids. */
export const writeSherpa = async (
  folder: string,
  fixture: 'sherpa' | 'melo' | 'piper',
  metadata: Readonly<Record<string, string | number>>,
  symbols: readonly string[],
  lexicon: readonly string[] = [],
): Promise<string> => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'model.onnx'), withMetadata(await graphOf(fixture), metadata));
  await writeFile(
    join(folder, 'tokens.txt'),
    symbols.map((symbol, id) => `${symbol === ' ' ? '' : `${symbol} `}${id}\n`).join(''),
  );
  if (lexicon.length > 0) await writeFile(join(folder, 'lexicon.txt'), `${lexicon.join('\n')}\n`);
  return folder;
};

/** Writes a voice of Coqui into a folder. */
export const writeCoqui = async (folder: string, changes: object = {}): Promise<string> => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'coqui_vits.onnx'), await graphOf('piper'));
  const config = {
    model: 'vits',
    audio: { sample_rate: 22_050 },
    use_phonemes: false,
    text_cleaner: 'basic_cleaners',
    add_blank: true,
    characters: {
      characters_class: 'TTS.tts.models.vits.VitsCharacters',
      pad: '_',
      punctuations: "!'(),-.:;? ",
      characters: 'abcdefghijklmnopqrstuvwxyz',
      phonemes: 'əʃˈ',
    },
    ...changes,
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  return folder;
};

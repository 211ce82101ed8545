import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { loadVitsVoice } from '../../../src/models/vits/load-voice.ts';
import { findModelFile, readVoiceFiles } from '../../../src/models/vits/voice-files.ts';
import { hasEspeak, writeCoqui, writePiper, writeSherpa } from '../../support/foreign-voices.ts';
import { temporaryFolder } from '../../support/program.ts';

const OPTIONS = { speed: 1, seed: 5 };
const MARKS = [' ', ',', '.', '!', '?'];
const ENGLISH = { comment: 'ljspeech', language: 'English', add_blank: 1, n_speakers: 0, sample_rate: 22_050 };
const LEXICON = ['hello h ə l oʊ', 'there ð ɛ ɹ', 'a ə', 'b b iː', 'c s iː'];

/** Loads a voice, lets it speak, and gives what it read; checks that windows join to the whole. */
const speak = async (path: string, text: string) => {
  const files = await readVoiceFiles((await findModelFile(path)) ?? '', systemClock);
  const voice = await loadVitsVoice(files, { provider: 'cpu' });
  try {
    const chunk = await voice.encode(text, OPTIONS);
    const { frameCount, speech, symbols, words } = chunk;
    const whole = await voice.decode(speech, 0, frameCount);
    const middle = frameCount >> 1;
    const halves = [...(await voice.decode(speech, 0, middle)), ...(await voice.decode(speech, middle, frameCount))];
    expect(Math.max(...halves.map((sample, i) => Math.abs(sample - whole[i]!)))).toBeLessThan(1e-5);
    return {
      family: files.format.family,
      facts: voice.facts,
      symbols: symbols.map(({ symbol }) => symbol).filter((symbol) => symbol !== ''),
      blanks: symbols.filter(({ symbol }) => symbol === '').length,
      words: words.map(({ charStart, charEnd }) => text.slice(charStart, charEnd)),
    };
  } finally {
    await voice.release();
  }
};

test('an English voice of sherpa-onnx reads by its lexicon, a word that is not in it by its letters', async () => {
  const symbols = [...MARKS, ...new Set(LEXICON.flatMap((line) => line.split(' ').slice(1)))];
  const folder = await writeSherpa(join(await temporaryFolder(), 'ljs'), 'sherpa', ENGLISH, symbols, LEXICON);

  const spoken = await speak(folder, 'Hello there, ABC!');

  expect(spoken).toMatchObject({ family: 'sherpa', facts: { contextFrames: 13 }, words: ['Hello', 'there', 'ABC'] });
  expect(spoken.symbols.join('')).toBe('həloʊ ðɛɹ, əbiːsiː!');
  expect(spoken.blanks).toBe(spoken.symbols.length + 1);
});

test('a Mandarin voice of sherpa-onnx is cut into words by jieba, and reads numbers and dates in Chinese', async () => {
  const lexicon = [
    '今天 j in1 t ian1',
    '是 sh i4',
    '二 er4',
    '零 l ing2',
    '六 l iu4',
    '年 n ian2',
    '十 sh i2',
    '一 i1',
    '月 ve4',
    '三 s an1',
    '日 r i4',
    '银行 in2 h ang2',
    '行 x ing2',
    '银 in2',
    '去 q v4',
    '好 h ao3',
    '我 uo3',
    '人 r en2',
  ];
  const parts = lexicon.flatMap((line) => line.split(' ').slice(1));
  const metadata = {
    ...ENGLISH,
    language: 'Chinese',
    comment: 'aishell3',
    jieba: 1,
    add_blank: 0,
    sample_rate: 16_000,
  };
  const symbols = ['sil', 'eos', '，', '。', ...new Set(parts)];
  const folder = await writeSherpa(join(await temporaryFolder(), 'zh'), 'sherpa', metadata, symbols, lexicon);

  const spoken = await speak(folder, '今天是2026年11月3日，我去银行。');

  expect(spoken.words).toEqual(['今天', '是', '2026年', '11月', '3日', '我', '去', '银行']);
  expect(spoken.symbols.join(' ')).toBe(
    'sil j in1 t ian1 sh i4 er4 l ing2 er4 l iu4 n ian2 sh i2 i1 ve4 s an1 r i4 ， uo3 q v4 in2 h ang2 。 sil eos',
  );
});

test('a voice of MeloTTS takes tones and the speaker of its metadata', async () => {
  const lexicon = ['你好 n i h ao 2 2 3 3', '世界 sh ir j ie 4 4 4 4', 'hello hh ah l ow 7 7 9 9'];
  const metadata = {
    comment: 'melo',
    version: 2,
    language: 'Chinese + English',
    add_blank: 1,
    n_speakers: 1,
    jieba: 1,
    sample_rate: 44_100,
    speaker_id: 1,
  };
  const symbols = ['_', ',', '.', '!', '?', ...'n i h ao sh ir j ie hh ah l ow'.split(' ')];
  const folder = await writeSherpa(join(await temporaryFolder(), 'melo'), 'melo', metadata, symbols, lexicon);

  const spoken = await speak(folder, '你好，世界 hello.');

  expect(spoken).toMatchObject({ family: 'melo', words: ['你好', '世界', 'hello'] });
  expect(spoken.symbols.join(' ')).toBe('n i h ao , sh ir j ie hh ah l ow .');
});

test('a voice of Coqui reads letters in lower case between blanks', async () => {
  const spoken = await speak(await writeCoqui(join(await temporaryFolder(), 'coqui')), 'Hello there!');

  expect(spoken).toMatchObject({ family: 'coqui', words: ['Hello', 'there'], blanks: 13 });
  expect(spoken.symbols.join('')).toBe('hello there!');
});

test.skipIf(!hasEspeak)(
  'a voice of Coqui reads phonemes of espeak-ng (skipped where that is not installed)',
  async () => {
    const phonemes = { use_phonemes: true, phoneme_language: 'en-us' };
    const spoken = await speak(await writeCoqui(join(await temporaryFolder(), 'coqui'), phonemes), 'She is here.');

    expect(spoken.symbols.join('')).toMatch(/^ʃ.*\.$/);
    expect(spoken.words).toEqual(['She', 'is', 'here']);
  },
);

test('a Chinese voice of Piper reads pinyin, with a blank after each syllable', async () => {
  const parts = ['_', '^', '$', 'Ø', ...'zh ch sh b h n w g x ang i ao o ing 1 2 3 4 5 。 ， y in'.split(' ')];
  const phoneme_id_map = Object.fromEntries(parts.map((symbol, id) => [symbol, [id]]));
  const file = await writePiper(await temporaryFolder(), 'zh', { phoneme_type: 'pinyin', phoneme_id_map });

  const spoken = await speak(file, '你好，银行。');

  expect(spoken.symbols.join(' ')).toMatch(/^n i [23] h ao 3 ， y in 2 h ang 2 。$/);
  expect(spoken.words.join('')).toBe('你好银行');
  // After the start, four syllables and two marks; start and end have no writing either.
  expect(spoken.blanks).toBe(9);
});

test('missing and foreign files beside a voice of sherpa-onnx are told by name', async () => {
  const folder = await writeSherpa(join(await temporaryFolder(), 'bare'), 'sherpa', ENGLISH, MARKS);
  const file = join(folder, 'model.onnx');

  await expect(readVoiceFiles(file, systemClock)).rejects.toMatchObject({
    message: expect.stringContaining('lexicon.txt'),
  });
  await writeFile(join(folder, 'tokens.txt'), 'not a table\n');
  await expect(readVoiceFiles(file, systemClock)).rejects.toMatchObject({
    message: expect.stringMatching(/tokens\.txt, line 1/),
  });
  const empty = await writeSherpa(join(await temporaryFolder(), 'empty'), 'sherpa', {}, MARKS);
  await expect(readVoiceFiles(join(empty, 'model.onnx'), systemClock)).rejects.toMatchObject({
    message: expect.stringContaining('"sample_rate"'),
  });
});

/** Chinese to pinyin, split into initial, final and tone, as Piper's Chinese voices learnt it (piper1-gpl, phonemize_chinese). */
import type { SymbolSequence, TextFrontEnd } from '../front-end.ts';
import type { SymbolRun } from '../symbol-runs.ts';
import { groupsOf, spokenCharacters } from './spoken-characters.ts';

const INITIALS = 'zh ch sh b p m f d t n l g k h j q x r z c s y w'.split(' ');
/** Stands where a syllable begins with a vowel. */
const NO_INITIAL = 'Ø';
const NEUTRAL = '5';
const PAUSES = new Set('。？！—…、，：； ');
const WESTERN: Readonly<Record<string, string>> = { '.': '。', '?': '？', '!': '！', ',': '，', ':': '：', ';': '；' };

/** Whether a blank follows a symbol: after each syllable and each pause, not inside. */
export const endsSyllable = (symbol: string): boolean => /^[1-5]$/.test(symbol) || PAUSES.has(symbol);

/** "zhang3" → zh ang 3, "er2" → Ø er 2; nothing when it is no syllable. */
const splitSyllable = (syllable: string): readonly string[] => {
  const [, letters = '', tone = ''] = /^([a-zü]+)([0-5]?)$/.exec(syllable) ?? [];
  if (letters === '') return [];
  const base = letters.replaceAll('ü', 'v');
  const initial = INITIALS.find((start) => base.startsWith(start)) ?? '';
  return [initial || NO_INITIAL, base.slice(initial.length), tone === '' || tone === '0' ? NEUTRAL : tone];
};

/** Loads the dictionary of readings; which of several a character has is decided by the words around it. */
export const openPinyinFrontEnd = async (
  layOut: (runs: readonly SymbolRun[]) => SymbolSequence,
  sample: SymbolSequence,
): Promise<TextFrontEnd> => {
  const { pinyin } = await import('pinyin-pro');
  return {
    async read(text) {
      const characters = spokenCharacters(text);
      const syllables = pinyin(characters.map(({ character }) => character).join(''), {
        type: 'array',
        toneType: 'num',
        v: true,
      });
      // Characters beyond 16 bits are two of the library's: then nothing would fit any more.
      const fits = syllables.length === characters.length;
      const parts = characters.map(({ character, charStart, charEnd }, i) => {
        const syllable = splitSyllable(fits ? (syllables[i] ?? '') : '');
        return { character, charStart, charEnd, syllable };
      });
      const runs = groupsOf(parts).map((group): SymbolRun => {
        const [first] = group;
        const symbols = group.flatMap(({ character, syllable }) => {
          if (/\p{Script=Han}/u.test(character)) return syllable.length > 0 ? syllable : [character];
          return [WESTERN[character] ?? character];
        });
        if (!first || !group.some(({ character }) => /[\p{L}\p{N}]/u.test(character))) return { symbols };
        const charEnd = Math.max(...group.map((part) => part.charEnd));
        return { symbols, word: { text: text.slice(first.charStart, charEnd), charStart: first.charStart } };
      });
      const last = runs.at(-1)?.symbols.at(-1) ?? '';
      return layOut(PAUSES.has(last) ? runs : [...runs, { symbols: ['。'] }]);
    },
    sample,
    close: async () => undefined,
  };
};

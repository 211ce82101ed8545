import { lookUp } from './dictionary.ts';
import { type LetterToSound, loadLetterToSound } from './letter-to-sound.ts';
import { isVowel, type Phones } from './phones.ts';

/** Finds a word that is written in a dictionary. */
export type LookUp = (word: string) => Phones | undefined;

// Where the dictionary's first entry is not what the teacher voice (flite) says in a sentence.
const EXCEPTIONS: ReadonlyMap<string, Phones> = new Map(
  Object.entries({
    a: 'AH0',
    the: 'DH AH0',
    to: 'T AH0',
    and: 'AE0 N D',
    here: 'HH IH1 R',
    live: 'L IH1 V',
    dr: 'D AA1 K T ER0',
    dot: 'D AA1 T',
    okay: 'OW2 K EY1',
    gdp: 'JH IY1 D IY1 P IY1',
    gif: 'G IH1 F',
    kubernetes: 'K UW2 B ER0 N EH1 T IY0 Z',
    wifi: 'W AY1 F AY2',
    typescript: 'T AY1 P S K R IH2 P T',
    visavis: 'V IY2 Z AH0 V IY1',
    covid: 'K OW1 V IH0 D',
    emoji: 'IH0 M OW1 JH IY0',
    jpeg: 'JH EY1 P EH2 G',
    json: 'JH EY1 S AH0 N',
    chatbot: 'CH AE1 T B AA2 T',
    openai: 'OW1 P AH0 N EY2 AY1',
    chatgpt: 'CH AE1 T JH IY2 P IY2 T IY1',
    re: 'R IY1',
    app: 'AE1 P',
    blog: 'B L AO1 G',
    selfie: 'S EH1 L F IY0',
    ios: 'AY1 OW0 EH1 S',
    mm: 'M',
    mmm: 'M',
    brr: 'B ER1',
    zzz: 'Z',
    psst: 'P S T',
    avatar: 'AE1 V AH0 T AA2 R',
  }).map(([word, phones]) => [word, phones.split(' ')]),
);

const LETTERS: Readonly<Record<string, Phones>> = Object.fromEntries(
  (
    'a EY1,b B IY1,c S IY1,d D IY1,e IY1,f EH1 F,g JH IY1,h EY1 CH,i AY1,j JH EY1,k K EY1,l EH1 L,m EH1 M,n EH1 N,o OW1,' +
    'p P IY1,q K Y UW1,r AA1 R,s EH1 S,t T IY1,u Y UW1,v V IY1,w D AH1 B AH0 L Y UW0,x EH1 K S,y W AY1,z Z IY1'
  )
    .split(',')
    .map((entry) => [entry.charAt(0), entry.slice(2).split(' ')]),
);

const HISSING = new Set(['S', 'Z', 'SH', 'ZH', 'CH', 'JH']);
const VOICELESS = new Set(['P', 'T', 'K', 'F', 'TH', 'S', 'SH', 'CH']);
const CONSONANT_Y = /[^aeiou]y$/;

/** The plural or possessive of a word, by sound: cat-s, dog-z, box-iz. */
export const pluralSound = (stem: Phones): Phones => {
  const last = stem.at(-1) ?? '';
  if (HISSING.has(last)) return [...stem, 'IH0', 'Z'];
  return [...stem, VOICELESS.has(last) ? 'S' : 'Z'];
};

const past = (stem: Phones): Phones => {
  const last = stem.at(-1) ?? '';
  if (last === 'T' || last === 'D') return [...stem, 'IH0', 'D'];
  return [...stem, VOICELESS.has(last) ? 'T' : 'D'];
};

const adding =
  (...suffix: Phones) =>
  (stem: Phones): Phones => [...stem, ...suffix];

/** Spellings that a stem may have had before an ending that begins with a vowel: plan(n)ing, mak(e)ing, tak(e)en. */
const beforeVowel = (stem: string): string[] => {
  const undoubled = stem.length > 3 && stem.at(-1) === stem.at(-2) ? [stem.slice(0, -1)] : [];
  return stem.endsWith('i') ? [`${stem.slice(0, -1)}y`] : [...undoubled, stem, `${stem}e`];
};

interface Ending {
  readonly letters: string;
  readonly stems: (stem: string) => readonly string[];
  readonly attach: (stem: Phones) => Phones;
}

const plain = (stem: string): string[] => (stem.endsWith('i') ? [`${stem.slice(0, -1)}y`] : [stem]);

// Only endings that are surer so than by the letter-to-sound rules; "-er", "-ing" and compounds measured worse.
const ENDINGS: readonly Ending[] = [
  { letters: "'s", stems: plain, attach: pluralSound },
  { letters: "s'", stems: (stem) => [`${stem}s`], attach: (stem) => stem },
  { letters: "'ll", stems: plain, attach: adding('AH0', 'L') },
  { letters: "'ve", stems: plain, attach: adding('AH0', 'V') },
  { letters: "'re", stems: plain, attach: adding('ER0') },
  { letters: "'d", stems: plain, attach: past },
  { letters: "n't", stems: plain, attach: adding('AH0', 'N', 'T') },
  { letters: "'m", stems: plain, attach: adding('AH0', 'M') },
  { letters: "in'", stems: (stem) => [`${stem}ing`], attach: (stem) => [...stem.slice(0, -1), 'N'] },
  { letters: 'ies', stems: (stem) => [`${stem}y`, `${stem}ie`], attach: pluralSound },
  { letters: 'es', stems: (stem) => [`${stem}e`, stem], attach: pluralSound },
  { letters: 's', stems: (stem) => (CONSONANT_Y.test(stem) || stem.endsWith('s') ? [] : [stem]), attach: pluralSound },
  { letters: 'ed', stems: beforeVowel, attach: past },
  { letters: 'less', stems: plain, attach: adding('L', 'AH0', 'S') },
  { letters: 'ful', stems: plain, attach: adding('F', 'AH0', 'L') },
];

const MIN_STEM = 3;

const inflected = (word: string, find: LookUp): Phones | undefined => {
  for (const { letters, stems, attach } of ENDINGS) {
    if (!word.endsWith(letters) || word.length < letters.length + MIN_STEM) continue;
    for (const stem of stems(word.slice(0, -letters.length))) {
      const phones = find(stem);
      if (phones !== undefined) return attach(phones);
    }
  }
  return undefined;
};

/**
 * Pronounces a word that is in no dictionary: as an inflected word, else by letter-to-sound rules.
 * @param word lower-case letters a to z and apostrophes, at least one letter
 */
export const guess = (word: string, find: LookUp, rules: LetterToSound): Phones => {
  const known = inflected(word, find);
  if (known !== undefined) return known;
  const apostrophe = ENDINGS.find(({ letters }) => letters.includes("'") && word.endsWith(letters) && word !== letters);
  if (apostrophe !== undefined) {
    const [stem = ''] = apostrophe.stems(word.slice(0, -apostrophe.letters.length));
    if (/[a-z]/.test(stem)) return apostrophe.attach(guess(stem, find, rules));
  }
  return rules(word.replaceAll(/[^a-z]/g, ''));
};

let rules: LetterToSound | undefined;
const cache = new Map<string, Phones>();
const CACHE_WORDS = 20_000;

const find: LookUp = (word) => EXCEPTIONS.get(word) ?? lookUp(word);

/** Whether a lower-case word has an entry, so that it needs no guessing. */
export const isKnown = (word: string): boolean => find(word) !== undefined;

/** The name of a letter a to z. */
export const spell = (letter: string): Phones => LETTERS[letter] ?? [];

/**
 * Pronounces a lower-case word: the dictionary's first entry, the teacher's weak forms for function words, else a guess.
 * @param word letters a to z and apostrophes; gives nothing when it has no letter
 * @param hurried guess several times faster and less well
 */
export const pronounce = (word: string, hurried = false): Phones => {
  const known = cache.get(word) ?? find(word);
  if (known !== undefined) return known;
  if (!/[a-z]/.test(word)) return [];
  rules ??= loadLetterToSound();
  if (hurried) return rules(word.replaceAll(/[^a-z]/g, ''), true);
  const phones = guess(word, find, rules);
  if (cache.size >= CACHE_WORDS) cache.clear();
  cache.set(word, phones);
  return phones;
};

/** Whether the next spoken phonemes begin with a vowel, before which "the" is said DH IY0. */
export const startsWithVowel = (phones: Phones): boolean => isVowel(phones[0] ?? '');

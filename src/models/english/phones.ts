/** Phonemes of one spoken word: ARPAbet as the CMU dictionary writes it, vowels with stress 0, 1 or 2; AH0 is the schwa. */
export type Phones = readonly string[];

const VOWELS = ['AA', 'AE', 'AH', 'AO', 'AW', 'AY', 'EH', 'ER', 'EY', 'IH', 'IY', 'OW', 'OY', 'UH', 'UW'];
const CONSONANTS = 'B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH'.split(' ');

/** Every phoneme that the front end gives. */
export const ARPABET: ReadonlySet<string> = new Set([
  ...VOWELS.flatMap((vowel) => [`${vowel}0`, `${vowel}1`, `${vowel}2`]),
  ...CONSONANTS,
]);

/** Whether a phoneme is a vowel: only vowels carry a stress digit. */
export const isVowel = (phone: string): boolean => phone.length === 3;

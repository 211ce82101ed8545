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

/** What is wrong with something that should be a phoneme. */
const complaint = (phone: string): string =>
  VOWELS.includes(phone.toUpperCase())
    ? `${phone} is a vowel and needs its stress: ${phone.toUpperCase()}0, ${phone.toUpperCase()}1 or ${phone.toUpperCase()}2`
    : `"${phone}" is no phoneme; expected ARPAbet as the CMU dictionary writes it, such as HH AH0 L OW1`;

/** Phonemes written with spaces between, in capitals or small letters: the phonemes, or what is wrong with them. */
export const parsePhones = (written: string): { readonly phones: Phones } | { readonly problem: string } => {
  const phones = written.trim().split(/\s+/);
  const wrong = phones.find((phone) => !ARPABET.has(phone.toUpperCase()));
  return wrong === undefined ? { phones: phones.map((phone) => phone.toUpperCase()) } : { problem: complaint(wrong) };
};

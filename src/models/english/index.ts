export { type Pronunciations, type PronunciationTable, pronunciationsFor } from './pronunciations.ts';
export { readEnglish, type SpokenWord } from './read-english.ts';

export { readEnglish, type SpokenWord } from './read-english.ts';

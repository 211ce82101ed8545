/** The characters that a Chinese text is said in, with the part of the text that each of them comes from. */
import { readChinese } from './read-chinese.ts';

/** One spoken character. */
export interface SpokenCharacter {
  readonly character: string;
  readonly charStart: number;
  readonly charEnd: number;
}

/** All of them, in order; a number's characters all come from the whole number. */
export const spokenCharacters = (text: string): SpokenCharacter[] =>
  readChinese(text.normalize('NFC')).flatMap(({ spoken, charStart, charEnd }) =>
    Array.from(spoken, (character) => ({ character, charStart, charEnd })),
  );

/** Words of whole characters that do not share a part of the text: those that come from one number are one word. */
export const groupsOf = <T extends { readonly charStart: number; readonly charEnd: number }>(
  parts: readonly T[],
): T[][] => {
  const groups: T[][] = [];
  let end = -1;
  for (const part of parts) {
    const last = groups.at(-1);
    if (last && part.charStart < end) last.push(part);
    else groups.push([part]);
    end = Math.max(end, part.charEnd);
  }
  return groups;
};

import type { Phones } from './phones.ts';

/** What was read just before. */
export interface Previous {
  /** The token as it stands in the text. */
  readonly text: string;
  readonly kind: Kind;
  /** Whether only a space or a hyphen lies between. */
  readonly adjacent: boolean;
  /** Whether a sentence ended after it. */
  readonly ended: boolean;
}

export type Kind = 'number' | 'word' | 'other';

export interface Place {
  /** The whole readable text. */
  readonly plain: string;
  /** Where the token begins. */
  readonly at: number;
  /** Undefined at the beginning of the text. */
  readonly previous: Previous | undefined;
}

/** How a token is read. */
export interface Reading {
  /** Characters of the readable text that it takes, 1 or more. */
  readonly length: number;
  readonly kind: Kind;
  /** Spoken words, lower case; "b." is the name of the letter b. */
  readonly words: readonly string[];
  /** Phonemes in place of words. */
  readonly phones?: Phones;
  /** What is wrong with it, so that it is not said. */
  readonly problem?: string;
  /** Spoken after the next token: the "dollars" of "$5 million". */
  readonly carried?: readonly string[];
  /** Its last character is a dot that may end a sentence as well. */
  readonly dotted?: boolean;
}

/** Reads one form of token where its pattern (sticky) matches; undefined leaves it to the next reader. */
export interface Reader {
  readonly pattern: RegExp;
  readonly read: (match: RegExpExecArray, place: Place) => Reading | undefined;
}

/** A reader of a form that has nothing more to decide. */
export const reader = (
  pattern: RegExp,
  kind: Kind,
  words: (groups: Readonly<Record<string, string | undefined>>, place: Place) => readonly string[] | undefined,
): Reader => ({
  pattern,
  read: (match, place) => {
    const spoken = words(match.groups ?? {}, place);
    return spoken && { length: match[0].length, kind, words: spoken };
  },
});

/** The names of letters, as spoken words. */
export const spellOut = (letters: string): string[] =>
  Array.from(letters.toLowerCase().replaceAll(/[^a-z]/g, ''), (letter) => `${letter}.`);

/** The user's own pronunciations: words in ARPAbet, which come before every other rule. */
import { VisavisError } from '../../errors.ts';
import { parsePhones, type Phones } from './phones.ts';
import { foldText } from './readable-text.ts';

/** Pronunciations by lower-case word. */
export type Pronunciations = ReadonlyMap<string, Phones>;

/** As the configuration has them: by BCP 47 language, then by word, ARPAbet with spaces between. */
export type PronunciationTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Letters and figures, with marks inside: "C++", "Node.js", "O'Brien", "x86-64". */
const WORD = /^[a-z\d](?:[a-z\d'.+#&_/-]{0,58}[a-z\d+#])?$/;
const isEnglish = (language: string) => /^en(?:-|$)/i.test(language);

/** Whether a table for `tag` holds for a voice that speaks `language`: "en" holds for every English, "en-GB" for itself. */
const covers = (tag: string, language: string) => {
  const [wanted, given] = [tag.toLowerCase(), language.toLowerCase()];
  return given === wanted || given.startsWith(`${wanted}-`);
};

/** A word as it is looked up: lower case, accents and typographic marks folded as in the text. */
export const pronunciationKey = (word: string): string => foldText(word).toLowerCase();

/**
 * The pronunciations for a voice of that language; those of a closer tag win.
 * @throws {VisavisError} `bad_config`, naming every entry of the table that is wrong, whatever its language
 */
export const pronunciationsFor = (table: PronunciationTable, language: string): Pronunciations => {
  const wrong: string[] = [];
  const found = new Map<string, Phones>();
  for (const tag of Object.keys(table).sort((a, b) => a.length - b.length)) {
    if (!isEnglish(tag)) {
      wrong.push(`${tag}: ARPAbet is for English, expected "en", "en-US" or another English tag`);
      continue;
    }
    for (const [word, written] of Object.entries(table[tag] ?? {})) {
      const key = pronunciationKey(word);
      const parsed = parsePhones(written);
      if (!WORD.test(key)) {
        wrong.push(`${tag}.${word}: expected one word of letters, figures and marks such as ' . - + inside it`);
      } else if ('problem' in parsed) wrong.push(`${tag}.${word}: ${parsed.problem}`);
      else if (covers(tag, language)) found.set(key, parsed.phones);
    }
  }
  if (wrong.length > 0) throw new VisavisError('bad_config', `pronunciations:\n${wrong.join('\n')}`);
  return found;
};

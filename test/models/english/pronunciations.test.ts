import { describe, expect, it } from 'vitest';
import { pronunciationsFor, readEnglish } from '../../../src/models/english/index.ts';

const TABLE = {
  en: { Nguyen: 'W IH1 N', 'C++': 'S IY1 P L AH1 S', GIF: 'JH IH1 F', café: 'K AE1 F EY0', 'node.js': 'n ow1 d' },
  'en-GB': { GIF: 'G IH1 F' },
};
const said = (text: string, language = 'en-US') =>
  readEnglish(text, { pronunciations: pronunciationsFor(TABLE, language) })
    .flatMap(({ phonemes }) => phonemes)
    .map((phones) => phones.join(' '));

describe('the user’s own pronunciations', () => {
  it.each([
    ['Nguyen', ['W IH1 N']],
    ['NGUYEN', ['W IH1 N']],
    ['nguyen', ['W IH1 N']],
    ["Nguyen's", ['W IH1 N Z']],
    ['Nguyen’s', ['W IH1 N Z']],
    ['C++', ['S IY1 P L AH1 S']],
    ['Café', ['K AE1 F EY0']],
    ['cafe\u0301', ['K AE1 F EY0']],
    ['**Nguyen**', ['W IH1 N']],
    ['Node.js', ['N OW1 D']],
    ['GIF', ['JH IH1 F']],
  ])('say %j as %j', (text, phones) => {
    expect(said(text)).toEqual(phones);
  });

  it('leave longer words alone', () => {
    expect(said('gifted')).toEqual(readEnglish('gifted')[0]?.phonemes.map((phones) => phones.join(' ')));
  });

  it('take the closest tag of the voice’s language', () => {
    expect(said('GIF', 'en-GB')).toEqual(['G IH1 F']);
    expect(said('Nguyen', 'en-GB')).toEqual(['W IH1 N']);
    expect(said('GIF', 'en-US')).toEqual(['JH IH1 F']);
  });

  it('keep the place of each word in the text', () => {
    const text = 'Ask Nguyen, please.';

    const words = readEnglish(text, { pronunciations: pronunciationsFor(TABLE, 'en') });

    expect(words.map(({ charStart, charEnd }) => text.slice(charStart, charEnd))).toEqual(['Ask', 'Nguyen', 'please']);
  });

  it('name every wrong entry', () => {
    const wrong = { en: { one: 'W AH N', two: 'T UW1 QQ', 'three four': 'F AO1 R', five: '' }, de: { ja: 'Y AA1' } };

    expect(() => pronunciationsFor(wrong, 'en-US')).toThrow(
      expect.objectContaining({
        code: 'bad_config',
        message: expect.stringMatching(/en\.one: AH is a vowel[^]*en\.two: "QQ"[^]*en\.three four[^]*en\.five/),
      }),
    );
    expect(() => pronunciationsFor(wrong, 'en-US')).toThrow(/de: ARPAbet is for English/);
  });
});

describe('phonemes in the text', () => {
  const read = (text: string) => {
    const problems: string[] = [];
    const words = readEnglish(text, { report: ({ message }) => problems.push(message) });
    return { problems, words, said: words.flatMap(({ phonemes }) => phonemes).map((phones) => phones.join(' ')) };
  };

  it.each(['[[HH AH0 L OW1]]', '[[ HH AH0  L OW1 ]]', '[[hh ah0 l ow1]]'])('%s is said as it stands', (text) => {
    const { said: spoken, problems, words } = read(`well ${text} there`);

    expect(spoken[1]).toBe('HH AH0 L OW1');
    expect(problems).toEqual([]);
    expect(words.map((word) => word.text)).toEqual(['well', text, 'there']);
  });

  it.each([
    ['[[HH AH L OW1]]', 'AH is a vowel and needs its stress'],
    ['[[HH XQ0]]', '"XQ0" is no phoneme'],
    ['[[QQ ZZ]]', '"QQ" is no phoneme'],
    ['[[həˈloʊ]]', 'is no phoneme'],
  ])('%s is left out and reported', (text, problem) => {
    const { said: spoken, problems } = read(`one ${text} two`);

    expect(spoken).toHaveLength(2);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toContain(text);
  });

  it.each(['[[My page]]', '[[to do]]', '[[]]', '[[ ]]'])('%s is a link of notes, not phonemes', (text) => {
    expect(read(`one ${text} two`).problems).toEqual([]);
  });
});

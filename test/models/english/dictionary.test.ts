import { dictionary } from 'cmu-pronouncing-dictionary';
import { describe, expect, it } from 'vitest';
import { lookUp } from '../../../src/models/english/dictionary.ts';
import { ARPABET } from '../../../src/models/english/phones.ts';

describe('the dictionary', () => {
  const words = Object.keys(dictionary).filter((word) => !word.includes('('));

  it('knows every word of its file, and says it in ARPAbet alone', () => {
    const wrong = words.filter((word) => {
      const phones = lookUp(word);
      return !phones || phones.length === 0 || phones.some((phone) => !ARPABET.has(phone));
    });
    expect(wrong).toEqual([]);
  });

  it('leaves out where a word comes from', () => {
    expect(dictionary['aalto']).toContain('#');
    expect(lookUp('aalto')).toEqual(['AA1', 'L', 'T', 'OW2']);
  });

  it('does not know what is not in it', () => {
    for (const word of ['', 'xqz', '"', 'a(2)', 'the"']) expect(lookUp(word), word).toBeUndefined();
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadLetterNetwork } from '../../../src/models/english/letter-network.ts';
import { loadLetterToSound } from '../../../src/models/english/letter-to-sound.ts';
import { ARPABET } from '../../../src/models/english/phones.ts';
import { root } from '../../support/models.ts';

const GOLDEN = JSON.parse(readFileSync(join(root, 'test/fixtures/letter-network.json'), 'utf8')) as Record<
  string,
  [pair: string, logProbability: number][]
>;

describe('the letter network', () => {
  const network = loadLetterNetwork(join(root, 'models/english/letter-network.bin'));

  it.each(Object.entries(GOLDEN))('gives for %j what PyTorch gives', (word, expected) => {
    const scores = network.logProbabilities(word);

    for (const [place, [pair, logProbability]] of expected.entries()) {
      const at = network.pairs.indexOf(pair);
      expect(scores[place]?.[at]).toBeCloseTo(logProbability, 3);
      expect(scores[place]?.indexOf(Math.max(...scores[place]))).toBe(at);
    }
  });

  it('gives probabilities that add up to one over the pairs of each letter, and none to those of others', () => {
    for (const scores of network.logProbabilities('zebra')) {
      expect(scores.reduce((sum, score) => sum + Math.exp(score), 0)).toBeCloseTo(1, 6);
    }
    const [first] = network.logProbabilities('zebra');
    expect(first?.every((score, i) => score === -Infinity || network.pairs[i]?.startsWith('z'))).toBe(true);
  });
});

describe('letter-to-sound', () => {
  const rules = loadLetterToSound();

  it.each([
    ['blander', 'B L AE1 N D ER0'],
    ['zorbing', 'Z AO1 R B IH0 NG'],
  ])('says %s as %s', (word, phones) => {
    expect(rules(word).join(' ')).toBe(phones);
  });

  it('gives known phonemes, with one main stress at most in a piece, for any letters', () => {
    for (const word of ['x', 'qqqq', 'strengthsx', 'aeiouaeiou', 'llanfairpwllgwyngyll', 'a'.repeat(100)]) {
      const phones = rules(word);
      expect(phones.length).toBeGreaterThan(0);
      expect(phones.filter((phone) => !ARPABET.has(phone))).toEqual([]);
    }
  });
});

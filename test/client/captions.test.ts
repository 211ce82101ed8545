import { describe, expect, it } from 'vitest';
import { CaptionTimeline, lastBegun, withPunctuation } from '../../client/page/captions.ts';
import type { SpokenWord } from '../../client/library/messages.ts';

const TEXT = '“Well,” she said: hello!';
const WORDS: readonly SpokenWord[] = [
  { text: 'Well', startMs: 1000, endMs: 1200, charStart: 1, charEnd: 5 },
  { text: 'she', startMs: 1400, endMs: 1500, charStart: 8, charEnd: 11 },
  { text: 'said', startMs: 1500, endMs: 1700, charStart: 12, charEnd: 16 },
  { text: 'hello', startMs: 1900, endMs: 2200, charStart: 18, charEnd: 23 },
];

describe('withPunctuation', () => {
  it('gives every word the punctuation around it', () => {
    const texts = withPunctuation(WORDS, TEXT, 0).map(({ text }) => text);
    expect(texts).toEqual(['“Well,” ', 'she ', 'said: ', 'hello! ']);
  });

  it('leaves an opening quotation mark to the word after it, and hyphens without a space', () => {
    const text = 'a well-known "word"';
    const words = ['a', 'well', 'known', 'word'].map((word, index) => {
      const charStart = text.indexOf(word, index);
      return { text: word, startMs: index, endMs: index + 1, charStart, charEnd: charStart + word.length };
    });
    expect(withPunctuation(words, text, 0).map(({ text }) => text)).toEqual(['a ', 'well-', 'known ', '"word" ']);
  });

  it('leaves the following words out of the last one when more text is known than timed', () => {
    const texts = withPunctuation(WORDS.slice(0, 3), TEXT, 0).map(({ text }) => text);
    expect(texts.at(-1)).toBe('said: ');
  });

  it('falls back on the spoken word when the text is not known', () => {
    expect(withPunctuation(WORDS, '', 0).map(({ text }) => text)).toEqual(['Well ', 'she ', 'said ', 'hello ']);
  });
});

describe('lastBegun', () => {
  it.each([
    [999, -1],
    [1000, 0],
    [1450, 1],
    [1500, 2],
    [9999, 3],
  ])('at %d ms is word %d', (mediaMs, index) => {
    expect(lastBegun(withPunctuation(WORDS, TEXT, 0), mediaMs)).toBe(index);
  });

  it('is -1 without words', () => {
    expect(lastBegun([], 0)).toBe(-1);
  });
});

describe('CaptionTimeline', () => {
  it('shows nothing before the utterance has begun', () => {
    const timeline = new CaptionTimeline();
    timeline.add('a', WORDS, TEXT);
    expect(timeline.at(999)).toBeNull();
  });

  it('advances with media time and pauses between words', () => {
    const timeline = new CaptionTimeline();
    timeline.start('a', 960);
    timeline.add('a', WORDS, TEXT);
    expect(timeline.at(960)).toMatchObject({ current: -1, speaking: false });
    expect(timeline.at(1100)).toMatchObject({ current: 0, speaking: true });
    expect(timeline.at(1300)).toMatchObject({ current: 0, speaking: false });
    expect(timeline.at(2000)).toMatchObject({ current: 3, speaking: true });
  });

  it('keeps an utterance until the next one begins', () => {
    const timeline = new CaptionTimeline();
    timeline.add('a', WORDS, TEXT);
    timeline.start('b', 3000);
    timeline.add('b', [{ text: 'Yes', startMs: 3100, endMs: 3300, charStart: 0, charEnd: 3 }], 'Yes.');
    expect(timeline.at(2999)?.utterance).toBe('a');
    expect(timeline.at(3000)).toMatchObject({ utterance: 'b', current: -1 });
  });

  it('joins words that come in parts', () => {
    const timeline = new CaptionTimeline();
    timeline.add('a', WORDS.slice(0, 2), TEXT.slice(0, 12));
    timeline.add('a', WORDS.slice(2), TEXT);
    expect(timeline.at(2000)?.words.map(({ text }) => text)).toEqual(['“Well,” ', 'she ', 'said: ', 'hello! ']);
  });

  it('drops the words that were not heard', () => {
    const timeline = new CaptionTimeline();
    timeline.add('a', WORDS, TEXT);
    timeline.cut('a', '“Well,” she'.length);
    expect(timeline.at(9999)?.words.map(({ text }) => text)).toEqual(['“Well,” ', 'she ']);
    timeline.cut('unknown', 0);
    timeline.cut('a', 0);
    expect(timeline.at(9999)).toMatchObject({ words: [], current: -1 });
  });
});

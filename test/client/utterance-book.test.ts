import { describe, expect, it } from 'vitest';
import { UtteranceBook } from '../../client/library/utterance-book.ts';

const TEXT = 'One two three.';
/** Words of 200 ms from media time `startMs` on, of a text that begins at 0. */
const wordsOf = (text: string, startMs: number) =>
  [...text.matchAll(/\w+/g)].map(({ 0: word, index }, i) => ({
    text: word,
    startMs: startMs + i * 200,
    endMs: startMs + (i + 1) * 200,
    charStart: index,
    charEnd: index + word.length,
  }));

const speaking = () => {
  const book = new UtteranceBook();
  book.append('a', TEXT);
  book.end('a');
  book.append('b', 'And ');
  book.started({ type: 'utterance.started', utterance: 'a', startMs: 1000 });
  book.words({ type: 'utterance.words', utterance: 'a', words: wordsOf(TEXT, 1000) });
  return book;
};

describe('UtteranceBook', () => {
  it('goes on with the first word whose end was not heard', () => {
    const book = speaking();
    book.breakOff(1350);
    expect(book.rest()).toEqual([
      { utterance: 'a', text: 'two three.', ended: true, stopped: false, brokeOff: true, charStart: 4 },
      { utterance: 'b', text: 'And ', ended: false, stopped: false, brokeOff: true, charStart: 0 },
    ]);
  });

  it('begins anew what nothing was heard of', () => {
    const book = speaking();
    book.breakOff(null);
    expect(book.rest()[0]).toMatchObject({ text: TEXT, charStart: 0 });
  });

  it('takes text while there is no connection', () => {
    const book = speaking();
    book.breakOff(1350);
    expect(book.append('b', 'so on.')).toBe(true);
    expect(book.append('a', 'More.')).toBe(false);
    book.append('c', 'New.');
    expect(book.rest()[1]).toMatchObject({ text: 'And so on.' });
    expect(book.rest()[2]).toMatchObject({ text: 'New.', brokeOff: false });
  });

  it('gives times and places of the session on a new connection', () => {
    const book = speaking();
    book.breakOff(1350);

    expect(book.started({ type: 'utterance.started', utterance: 'a', startMs: 100 }).startMs).toBe(1450);
    const { words } = book.words({ type: 'utterance.words', utterance: 'a', words: wordsOf('two three.', 100) });
    expect(words[1]).toEqual({ text: 'three', startMs: 1650, endMs: 1850, charStart: 8, charEnd: 13 });
    expect(
      book.finished({
        type: 'utterance.finished',
        utterance: 'a',
        reason: 'interrupted',
        spokenText: 'two',
        durationMs: 200,
      }),
    ).toMatchObject({ spokenText: 'One two', durationMs: 400 });
    expect(book.open).toEqual(['b']);
  });

  it('breaks off a second time where it is then', () => {
    const book = speaking();
    book.breakOff(1350);
    book.started({ type: 'utterance.started', utterance: 'a', startMs: 100 });
    book.words({ type: 'utterance.words', utterance: 'a', words: wordsOf('two three.', 100) });
    book.breakOff(1700);
    expect(book.rest()[0]).toMatchObject({ text: 'three.', charStart: 8 });
    expect(book.abandon('a', 'interrupted')).toMatchObject({ spokenText: 'One two ', reason: 'interrupted' });
  });

  it('does not go on with what was stopped', () => {
    const book = speaking();
    book.stop('a');
    book.breakOff(1350);
    expect(book.rest()[0]).toMatchObject({ utterance: 'a', stopped: true });
  });
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTextSplitter } from '../../src/pipeline/split-text.ts';

/** What must never be cut, wherever it stands. */
const ATOMS = [
  '3.50',
  '$3.50',
  '1,204.50',
  '10:30',
  '555-1234',
  '2.0.1',
  '-5',
  '50%',
  '1 000 000',
  '3 km',
  '5 p.m.',
  '$5 million',
  'https://example.com/a.b?c=d,e!f#g',
  'www.test.org/x:y',
  'a.b@mail.com',
  'example.com',
  'index.html',
  '<break time="1. 5s"/>',
  '<b title="a. B, c">',
  '(as you know. Really)',
  '[see, this! page]',
  '[the page](https://a.b/c,d)',
  '{a. b}',
  '[[HH AH0 L OW1]]',
  '`a.b(c); d.e()`',
];
const WORDS = [
  'Well',
  'the',
  'cat',
  'sat,',
  'down.',
  'Really?',
  'It',
  'is',
  'late;',
  'of',
  'Mr.',
  'no!',
  '\n',
  '\n\n',
  '—',
  '👍',
  '。',
];

const text = fc
  .array(fc.oneof(fc.constantFrom(...WORDS), fc.constantFrom(...ATOMS)), { minLength: 1, maxLength: 40 })
  .map((parts) => {
    const atoms: { readonly from: number; readonly to: number }[] = [];
    let joined = '';
    for (const part of parts) {
      if (ATOMS.includes(part)) atoms.push({ from: joined.length, to: joined.length + part.length });
      joined += `${part} `;
    }
    return { joined, atoms };
  });

test('no number, address, tag, bracket or code is ever cut, however the text comes and wherever it pauses', () => {
  fc.assert(
    fc.property(
      text,
      fc.infiniteStream(fc.integer({ min: 1, max: 12 })),
      fc.infiniteStream(fc.boolean()),
      ({ joined, atoms }, sizes, pauses) => {
        const splitter = createTextSplitter();
        const starts: number[] = [];
        const take = (chunks: readonly { readonly charStart: number }[]) =>
          starts.push(...chunks.map(({ charStart }) => charStart));
        for (let at = 0; at < joined.length;) {
          const size = sizes.next().value;
          take(splitter.push(joined.slice(at, at + size)));
          at += size;
          // "See example." before a pause is a sentence: nobody can know that "com" will come.
          if (pauses.next().value && !/(?:example|index)\.$/.test(joined.slice(0, at))) take(splitter.idle());
        }
        take(splitter.end());

        for (const start of starts) {
          const cut = atoms.find(({ from, to }) => from < start && start < to);
          expect(cut && `${joined.slice(cut.from, start)}|${joined.slice(start, cut.to)}`).toBeUndefined();
        }
      },
    ),
    { numRuns: 1000 },
  );
});

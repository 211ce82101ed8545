import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ThinkingFilter } from '../../src/chat/thinking.ts';

const said = (pieces: readonly string[]) => {
  const filter = new ThinkingFilter();
  return pieces.map((piece) => filter.push(piece)).join('') + filter.flush();
};

test.each([
  ['Hello <think>not at the front</think>', 'Hello <think>not at the front</think>'],
  ['\n<think>hm, <b>what?</b></think>Hello', 'Hello'],
  ['<think>never ends', ''],
  ['<th', '<th'],
  ['', ''],
])('of %j, %j is said, however it is cut', (text, expected) => {
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
      const edges = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      expect(said(edges.slice(1).map((end, i) => text.slice(edges[i], end)))).toBe(expected);
    }),
  );
});

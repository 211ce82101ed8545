import { expect, test } from 'vitest';
import { concatMapEager } from '../../../src/pipeline/operators/concat-map-eager.ts';
import { marbles } from '../../support/marbles.ts';

test('keeps the order of the source while later inner observables already run', () => {
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const slow = cold('  ---a---b|');
    const fast = cold('   -c|');
    const source = hot(' -sf|');
    const expected = '   ----a---b(c|)';

    const result = source.pipe(concatMapEager((name) => (name === 's' ? slow : fast), 2));

    expectObservable(result).toBe(expected);
    expectSubscriptions(slow.subscriptions).toBe(' -^-------!');
    expectSubscriptions(fast.subscriptions).toBe(' --^-!');
  });
});

test('starts no more than the given number at once', () => {
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const inner = { a: cold('---1|'), b: cold('---2|'), c: cold('---3|') };
    const source = hot('(abc|)');

    const result = source.pipe(concatMapEager((name: string) => inner[name as 'a' | 'b' | 'c'], 2));

    expectObservable(result).toBe('---12--3|');
    expectSubscriptions(inner.c.subscriptions).toBe('----^---!');
  });
});

test('stops everything that runs when it is unsubscribed', () => {
  marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
    const first = cold(' -----a|');
    const second = cold('-----b|');
    const source = hot('(xy)---');

    expectObservable(source.pipe(concatMapEager((name) => (name === 'x' ? first : second), 2)), '--!').toBe('');
    expectSubscriptions(first.subscriptions).toBe(' ^-!');
    expectSubscriptions(second.subscriptions).toBe('^-!');
  });
});

test('fails when an inner observable fails', () => {
  marbles(({ cold, hot, expectObservable }) => {
    const source = hot('a-b-|');

    expectObservable(source.pipe(concatMapEager((name) => (name === 'a' ? cold('-#') : cold('-b|')), 2))).toBe('-#');
  });
});

test('finishes when inner observables finish at once', () => {
  marbles(({ cold, expectObservable }) => {
    const source = cold('(abcd|)');

    expectObservable(source.pipe(concatMapEager((name) => [name, name], 2))).toBe('(aabbccdd|)');
  });
  expect.assertions(1);
});

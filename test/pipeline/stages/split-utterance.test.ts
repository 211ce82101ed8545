import { map } from 'rxjs';
import { test } from 'vitest';
import { splitUtterance } from '../../../src/pipeline/stages/split-utterance.ts';
import { marbles } from '../../support/marbles.ts';

test('a sentence goes on when the next one begins, the rest when the text ends', () => {
  marbles(({ hot, expectObservable }) => {
    const text$ = hot('abc|', { a: 'One two three. ', b: 'Four five ', c: 'six.' });

    const chunks$ = text$.pipe(
      splitUtterance(),
      map(({ text }) => text),
    );

    expectObservable(chunks$).toBe('-x-(y|)', { x: 'One two three. ', y: 'Four five six.' });
  });
});

test('a quarter of a second without a token, and what has come is said', () => {
  marbles(({ hot, expectObservable }) => {
    const text$ = hot('a 400ms b|', { a: 'Well I think, ', b: 'yes.' });

    const chunks$ = text$.pipe(
      splitUtterance(),
      map(({ text, charStart }) => `${charStart} ${text}`),
    );

    expectObservable(chunks$).toBe('250ms x 150ms -(y|)', { x: '0 Well I think, ', y: '14 yes.' });
  });
});

test('unsubscribing ends the wait', () => {
  marbles(({ hot, expectObservable, expectSubscriptions }) => {
    const text$ = hot('a 1s |', { a: 'Well I think, ' });

    expectObservable(text$.pipe(splitUtterance()), '100ms !').toBe('');
    expectSubscriptions(text$.subscriptions).toBe('^ 99ms !');
  });
});

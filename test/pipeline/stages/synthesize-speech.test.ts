import { BehaviorSubject, Subject, lastValueFrom, of, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { VisavisError } from '../../../src/errors.ts';
import type { TextChunk } from '../../../src/media.ts';
import { type SpeechPart, type Synthesizer, synthesizeSpeech } from '../../../src/pipeline/stages/synthesize-speech.ts';
import { fakeVoice } from '../../support/fake-models.ts';

const OPTIONS = { speed: 1, seed: 1 };
const chunk = (text: string, charStart: number): TextChunk => ({ text, charStart });
const settle = async () => {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('chunks are spoken in order: words, sound in windows, end; words count from the utterance', async () => {
  const chunk$ = of(chunk('One. ', 0), chunk('Two.', 5));

  const parts = await lastValueFrom(chunk$.pipe(synthesizeSpeech(fakeVoice(), OPTIONS, of(true)), toArray()));

  const kinds = parts.map(({ kind }) => kind);
  const once = ['words', 'sound', 'sound', 'sound', 'sound', 'chunk-end'];
  expect(kinds).toEqual([...once, ...once]);
  const words = parts.flatMap((part) => (part.kind === 'words' ? part.words : []));
  expect(words.map(({ text, charStart, charEnd }) => [text, charStart, charEnd])).toEqual([
    ['One', 0, 3],
    ['Two', 5, 8],
  ]);
});

test('no window is made while there is no room, and none is lost', async () => {
  const hasRoom$ = new BehaviorSubject(false);
  const parts: SpeechPart[] = [];
  of(chunk('One.', 0))
    .pipe(synthesizeSpeech(fakeVoice(), OPTIONS, hasRoom$))
    .subscribe((part) => parts.push(part));

  await settle();
  const waiting = parts.map(({ kind }) => kind);
  hasRoom$.next(true);
  await settle();

  expect(waiting).toEqual(['words']);
  expect(parts.reduce((sum, part) => sum + (part.kind === 'sound' ? part.pcm.length : 0), 0)).toBe(3200);
});

test('the next chunk is encoded while the one before it waits', async () => {
  const voice = fakeVoice();
  const hasRoom$ = new BehaviorSubject(false);

  of(chunk('One. ', 0), chunk('Two. ', 5), chunk('Three.', 10))
    .pipe(synthesizeSpeech(voice, OPTIONS, hasRoom$))
    .subscribe();
  await settle();

  expect(voice.spoken).toEqual(['One. ', 'Two. ']);
});

test('the next chunk is encoded after the first sound of the one before it', async () => {
  const inner = fakeVoice();
  const order: string[] = [];
  const voice: Synthesizer = {
    async plan(text, ...more) {
      order.push(`encode ${text}`);
      const made = await inner.plan(text, ...more);
      return {
        ...made,
        async *windows() {
          for await (const window of made.windows()) {
            order.push(`decode ${text}`);
            yield window;
          }
        },
      };
    },
  };

  of(chunk('One. ', 0), chunk('Two. ', 5))
    .pipe(synthesizeSpeech(voice, OPTIONS, new BehaviorSubject(true)))
    .subscribe();
  await settle();

  expect(order.slice(0, 3)).toEqual(['encode One. ', 'decode One. ', 'encode Two. ']);
});

test('unsubscribing aborts what is encoded and stops between two windows', async () => {
  const voice = fakeVoice();
  const chunk$ = new Subject<TextChunk>();
  const signals: (AbortSignal | undefined)[] = [];
  const watched = {
    plan: (...args: Parameters<typeof voice.plan>) => {
      signals.push(args[2]);
      return voice.plan(...args);
    },
  };
  const parts: SpeechPart[] = [];
  const work = chunk$.pipe(synthesizeSpeech(watched, OPTIONS, of(true))).subscribe((part) => {
    parts.push(part);
    if (part.kind === 'sound') work.unsubscribe();
  });

  chunk$.next(chunk('One two three.', 0));
  await settle();

  expect(parts.map(({ kind }) => kind)).toEqual(['words', 'sound']);
  expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
});

test('what a voice cannot speak fails the stage with the voice’s error', async () => {
  const speech$ = of(chunk('unspeakable', 0)).pipe(synthesizeSpeech(fakeVoice(), OPTIONS, of(true)));

  await expect(lastValueFrom(speech$)).rejects.toMatchObject({ code: 'bad_text' });
});

test('a chunk that is too long for the voice is cut and spoken whole', async () => {
  const text = 'one two three four five six seven';
  const inner = fakeVoice();
  const narrow = {
    plan: async (...args: Parameters<typeof inner.plan>) => {
      if (args[0].length > 20) throw new VisavisError('text_too_long', 'at most 20 characters');
      return inner.plan(...args);
    },
  };

  const parts = await lastValueFrom(of(chunk(text, 7)).pipe(synthesizeSpeech(narrow, OPTIONS, of(true)), toArray()));

  expect(inner.spoken.join('')).toBe(text);
  const words = parts.flatMap((part) => (part.kind === 'words' ? part.words : []));
  expect(
    words.map(({ text: word, charStart }) => [word, text.slice(charStart - 7, charStart - 7 + word.length)]),
  ).toEqual(text.split(' ').map((word) => [word, word]));
});

test('what is too long and cannot be cut fails the stage', async () => {
  const never = {
    plan: async () => {
      throw new VisavisError('text_too_long', 'too long');
    },
  };
  const speech$ = of(chunk('one two three four', 0)).pipe(synthesizeSpeech(never, OPTIONS, of(true)));

  await expect(lastValueFrom(speech$)).rejects.toMatchObject({ code: 'text_too_long' });
});

test('of an utterance, eight wrong phonemes and one unreadable script are told, and the sound goes on', async () => {
  const inner = fakeVoice();
  const troubled = {
    plan: async (...args: Parameters<typeof inner.plan>) => ({
      ...(await inner.plan(...args)),
      problems: [
        { kind: 'unreadable', message: 'script' },
        ...Array.from({ length: 5 }, () => ({ kind: 'bad-phonemes', message: 'phonemes' }) as const),
      ] as const,
    }),
  };

  const parts = await lastValueFrom(
    of(chunk('One. ', 0), chunk('Two.', 5)).pipe(synthesizeSpeech(troubled, OPTIONS, of(true)), toArray()),
  );

  const told = parts.flatMap((part) => (part.kind === 'problem' ? [`${part.error.code} ${part.error.message}`] : []));
  expect(told.filter((problem) => problem === 'bad_text script')).toHaveLength(1);
  expect(told.filter((problem) => problem === 'bad_text phonemes')).toHaveLength(8);
  expect(parts.filter(({ kind }) => kind === 'chunk-end')).toHaveLength(2);
});

import { describe, expect, test } from 'vitest';
import { type SpeechEvent, SpeechSession } from '../../src/adapters/core/speech-session.ts';
import type { Voice } from '../../src/models/inference.ts';
import { countedVoice } from '../support/counted-voice.ts';
import { fakeVoice } from '../support/fake-models.ts';

const begin = (voice: Voice = fakeVoice(), options: Partial<ConstructorParameters<typeof SpeechSession>[0]> = {}) =>
  new SpeechSession({
    voice,
    sampleRateHz: 24_000,
    speed: 1,
    seed: 1,
    maxCharacters: 1000,
    maxFlushes: 3,
    ...options,
  });
const readAll = async (session: SpeechSession): Promise<SpeechEvent[]> => {
  const events: SpeechEvent[] = [];
  for await (const event of session) events.push(event);
  return events;
};
const samplesOf = (events: readonly SpeechEvent[]) =>
  events.reduce((sum, event) => sum + (event.kind === 'sound' ? event.pcm.length : 0), 0);

describe('a speech session', () => {
  test('gives text before its sound, and sound as long as the text says', async () => {
    const session = begin();
    session.append('One two');
    session.append(' three.');
    session.end();

    const events = await readAll(session);

    expect(events[0]).toMatchObject({ kind: 'text', text: 'One two three.', startMs: 0, durationMs: 600 });
    expect(events.at(-1)).toEqual({ kind: 'flushed' });
    expect(samplesOf(events)).toBe(0.6 * 24_000);
  });

  test('speaks each flush to its end, with times and characters that go on', async () => {
    const session = begin();
    session.append('One. ');
    session.flush();
    session.append('Two.');
    session.end();

    const events = await readAll(session);

    const kinds = events.map(({ kind }) => kind).filter((kind) => kind !== 'sound');
    expect(kinds).toEqual(['text', 'flushed', 'text', 'flushed']);
    expect(events.filter(({ kind }) => kind === 'text')).toMatchObject([
      { charStart: 0, startMs: 0, words: [{ text: 'One', startMs: 0, endMs: 200, charStart: 0 }] },
      { charStart: 5, startMs: 200, words: [{ text: 'Two', startMs: 200, endMs: 400, charStart: 5 }] },
    ]);
    expect(samplesOf(events)).toBe(0.4 * 24_000);
  });

  test('makes no more than its bound ahead of who reads', async () => {
    const { voice, windows } = countedVoice(fakeVoice());
    const session = begin(voice, { aheadMs: 200, maxCharacters: 10_000 });
    session.append(`${'word '.repeat(35)}.`);
    session.end();
    const reader = session[Symbol.asyncIterator]();

    await reader.next();
    for (let i = 0; i < 200; i += 1) await new Promise((resolve) => setImmediate(resolve));
    const madeMs = windows() * 64;
    await reader.return();

    expect(madeMs).toBeGreaterThanOrEqual(200);
    // The first text chunk is held back by the reader, the next one, in work already, by the same bound.
    expect(madeMs).toBeLessThan(800);
  });

  test('stops at once when its reader leaves', async () => {
    const signals: AbortSignal[] = [];
    const voice = fakeVoice();
    const session = begin({
      ...voice,
      plan: (text, options, signal) => {
        if (signal) signals.push(signal);
        return voice.plan(text, options, signal);
      },
    });
    session.append(`${'word '.repeat(30)}. `.repeat(5));
    session.end();

    for await (const event of session) if (event.kind === 'sound') break;

    expect(signals.map(({ aborted }) => aborted)).toEqual(signals.map(() => true));
    expect(session.busy).toBe(false);
  });

  test('ends its reader when it is closed from outside', async () => {
    const session = begin();
    const reading = readAll(session);
    await new Promise((resolve) => setImmediate(resolve));

    session.close();

    expect(await reading).toEqual([]);
  });

  test('refuses text beyond its bounds and goes on', async () => {
    const session = begin(fakeVoice(), { maxCharacters: 20 });

    expect(() => session.append('x'.repeat(21))).toThrow(expect.objectContaining({ code: 'text_too_long' }));
    session.append('Well then.');
    session.end();
    expect(samplesOf(await readAll(session))).toBe(0.4 * 24_000);
    expect(() => session.append('more')).not.toThrow();
  });

  test('fails its reader with what the voice threw', async () => {
    const session = begin();
    session.append('unspeakable');
    session.end();

    await expect(readAll(session)).rejects.toMatchObject({ code: 'bad_text' });
  });
});

import { describe, expect, test } from 'vitest';
import type { SpeechMark } from '../../src/pipeline/slot-composer.ts';
import { type LedgerEvent, UtteranceLedger } from '../../src/pipeline/utterance-ledger.ts';

const words = (utterance: string, ...spans: [string, number, number, number][]): SpeechMark => ({
  kind: 'words',
  utterance,
  words: spans.map(([text, startMs, endMs, charStart]) => ({
    text,
    startMs,
    endMs,
    charStart,
    charEnd: charStart + text.length,
  })),
});
const place = (offsetMs: number, mark: SpeechMark) => ({ offsetMs, mark });

const greeting = () => {
  const ledger = new UtteranceLedger();
  ledger.begin('u', 1000);
  ledger.append('u', 'Good morning');
  ledger.composed(5, [
    place(0, { kind: 'start', utterance: 'u' }),
    place(0, words('u', ['Good', 0, 60, 0], ['morning', 70, 130, 5])),
  ]);
  return ledger;
};

const told = (events: readonly LedgerEvent[]) => events.map((event) => event.type);

describe('an utterance', () => {
  test('starts when its first sound is played, and its words are told with it, in media time', () => {
    const ledger = greeting();

    const before = ledger.played(4, 160, 1100);
    const events = ledger.played(5, 200, 1140);

    expect(before).toEqual([]);
    expect(told(events)).toEqual(['started', 'text-to-audio', 'words']);
    expect(events[0]).toEqual({ type: 'started', utterance: 'u', startMs: 200 });
    expect(events[1]).toEqual({ type: 'text-to-audio', utterance: 'u', latencyMs: 140 });
    expect(events[2]?.type === 'words' && events[2].words.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [200, 260],
      [270, 330],
    ]);
  });

  test('is told its later words before they are played', () => {
    const ledger = greeting();
    ledger.played(5, 200, 1140);

    const events = ledger.composed(9, [place(10, words('u', ['again', 0, 50, 13]))]);

    expect(events).toEqual([
      {
        type: 'words',
        utterance: 'u',
        words: [{ text: 'again', startMs: 370, endMs: 420, charStart: 13, charEnd: 18 }],
      },
    ]);
  });

  test('finishes when its last sound is played', () => {
    const ledger = greeting();
    ledger.composed(8, [place(20, { kind: 'end', utterance: 'u' })]);
    ledger.played(5, 200, 1140);

    const events = ledger.played(8, 320, 1300);

    expect(events).toEqual([
      { type: 'finished', utterance: 'u', reason: 'completed', spokenText: 'Good morning', durationMs: 140 },
    ]);
    expect(ledger.open).toEqual([]);
  });

  test('that is cut off has spoken the words that were heard to their end', () => {
    const ledger = greeting();
    ledger.played(5, 200, 1140);
    ledger.played(6, 240, 1180);

    const events = ledger.interrupt(new Set(['u']), ledger.playedUntilMs);

    expect(events).toEqual([
      { type: 'finished', utterance: 'u', reason: 'interrupted', spokenText: 'Good', durationMs: 80 },
    ]);
  });

  test('that is cut off before its first sound has spoken nothing', () => {
    const ledger = greeting();

    expect(ledger.interrupt(new Set(['u']), 0)).toEqual([
      { type: 'finished', utterance: 'u', reason: 'interrupted', spokenText: '', durationMs: 0 },
    ]);
  });

  test('whose slots are taken back starts again when they are made again', () => {
    const ledger = greeting();
    ledger.restart(5);
    ledger.composed(6, [place(0, { kind: 'start', utterance: 'u' })]);

    expect(told(ledger.played(5, 200, 1140))).toEqual([]);
    expect(told(ledger.played(6, 240, 1180))).toEqual(['started', 'text-to-audio']);
  });
});

test('the first frame of an utterance is noted once', () => {
  const ledger = greeting();

  const events = [ledger.shown(4, 1100), ledger.shown(5, 1150), ledger.shown(6, 1190)].flat();

  expect(events).toEqual([{ type: 'text-to-video', utterance: 'u', latencyMs: 150 }]);
});

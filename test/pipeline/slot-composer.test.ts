import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ComposedSlot, SlotComposer } from '../../src/pipeline/slot-composer.ts';

const RATE = 1000;
const SLOT = 40;

const composerOf = (options: Partial<ConstructorParameters<typeof SlotComposer>[0]> = {}) =>
  new SlotComposer({ sampleRateHz: RATE, pastSamples: 20, lookaheadSamples: 30, idle: false, ...options });

const ramp = (length: number, from = 1) => Float32Array.from({ length }, (_, i) => from + i);

/** Plays everything that can be made, as a player without a clock does. */
const playAll = (composer: SlotComposer): ComposedSlot[] => {
  const slots: ComposedSlot[] = [];
  for (let slot = composer.next(); slot; slot = composer.next()) {
    slots.push(slot);
    composer.played(slot.sequence);
  }
  return slots;
};

const say = (composer: SlotComposer, id: string, windows: readonly Float32Array[]) => {
  composer.mark({ kind: 'start', utterance: id });
  for (const window of windows) composer.append(id, window);
  composer.close();
  composer.mark({ kind: 'end', utterance: id });
};

test('knows whether only silence waits to be played', () => {
  const composer = composerOf({ idle: true });
  const before = composer.silentFrom;
  for (let i = 0; i < 2; i += 1) composer.next();
  const silent = composer.silentFrom;
  say(composer, 'a', [ramp(60)]);
  composer.next();
  const speaking = composer.silentFrom;
  composer.played(2);

  expect([before, silent, speaking, composer.silentFrom]).toEqual([null, 0, null, null]);
});

describe('the sound', () => {
  test('comes out as it went in, whatever the windows, padded to a whole slot', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 12 }), (lengths) => {
        const composer = composerOf();
        const total = lengths.reduce((sum, length) => sum + length, 0);
        const speech = ramp(total);
        let at = 0;
        say(
          composer,
          'a',
          lengths.map((length) => speech.subarray(at, (at += length))),
        );

        const slots = playAll(composer);

        const sound = slots.flatMap(({ pcm }) => [...pcm]);
        expect(sound.slice(0, total)).toEqual([...speech]);
        expect(sound.slice(total).every((sample) => sample === 0)).toBe(true);
        expect(sound.length).toBe(Math.ceil(total / SLOT) * SLOT);
        expect(slots.map(({ sequence }) => sequence)).toEqual(slots.map((_, i) => i));
      }),
    );
  });

  test('of one utterance follows that of the one before without a gap', () => {
    const composer = composerOf();
    say(composer, 'a', [ramp(50)]);
    say(composer, 'b', [ramp(30, 51)]);

    const sound = playAll(composer).flatMap(({ pcm }) => [...pcm]);

    expect(sound).toEqual([...ramp(80)]);
  });

  test('waits in the middle of a text chunk instead of being filled with silence', () => {
    const composer = composerOf({ idle: true });
    composer.append('a', ramp(60));

    const first = composer.next();
    const second = composer.next();

    expect(first?.speaking).toBe(true);
    expect(second).toBeNull();
  });
});

describe('the window around a slot', () => {
  test('shows what was before and what comes after', () => {
    const composer = composerOf();
    say(composer, 'a', [ramp(200)]);

    composer.next();
    const second = composer.next();

    expect([...(second?.window ?? [])]).toEqual([...ramp(90, 21)]);
  });

  test('is silent before the first sound and after the last', () => {
    const composer = composerOf();
    say(composer, 'a', [ramp(40)]);

    const window = composer.next()?.window ?? new Float32Array();

    expect([...window.subarray(0, 20)].every((sample) => sample === 0)).toBe(true);
    expect([...window.subarray(60)].every((sample) => sample === 0)).toBe(true);
  });

  test('is waited for unless playing is about to run out', () => {
    const composer = composerOf({ idleLeadSlots: 1, speechLeadSlots: 8 });
    composer.append('a', ramp(100));

    const slots = [composer.next(), composer.next()];

    expect(slots.map((slot) => slot?.sequence)).toEqual([0, undefined]);
  });
});

describe('marks', () => {
  test('are placed at their sample', () => {
    const composer = composerOf();
    say(composer, 'a', [ramp(50)]);
    say(composer, 'b', [ramp(20)]);

    const placed = playAll(composer).flatMap(({ sequence, marks }) =>
      marks.map(({ offsetMs, mark }) => `${mark.kind} ${mark.utterance} ${sequence * 40 + offsetMs}`),
    );

    expect(placed).toEqual(['start a 0', 'end a 50', 'start b 50', 'end b 70']);
  });

  test('of an utterance without sound still come', () => {
    const composer = composerOf();
    say(composer, 'nothing', []);

    const kinds = playAll(composer).flatMap(({ marks }) => marks.map(({ mark }) => mark.kind));

    expect(kinds).toEqual(['start', 'end']);
  });
});

describe('silence', () => {
  test('is made two slots ahead when the face is to live, and never without', () => {
    const living = composerOf({ idle: true });
    const still = composerOf({ idle: false });

    expect([living.next(), living.next(), living.next()].map((slot) => slot?.speaking)).toEqual([
      false,
      false,
      undefined,
    ]);
    expect(still.next()).toBeNull();
  });
});

describe('going back', () => {
  test('makes again what was not played, but for what was dropped', () => {
    const composer = composerOf();
    say(composer, 'a', [ramp(120)]);
    say(composer, 'b', [ramp(80, 1001)]);
    for (let i = 0; i < 4; i += 1) composer.next();
    composer.played(0);

    composer.restart(1, new Set(['a']));
    const slots = playAll(composer);

    expect(slots.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(slots.flatMap(({ pcm }) => [...pcm])).toEqual([...ramp(80, 1001)]);
    expect(slots.flatMap(({ marks }) => marks.map(({ mark }) => `${mark.kind} ${mark.utterance}`))).toEqual([
      'start b',
      'end b',
    ]);
  });

  test('loses no sample of the utterances that stay, wherever it happens', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 8 }),
        (length, made, kept) => {
          const composer = composerOf();
          say(composer, 'a', [ramp(length)]);
          const before: ComposedSlot[] = [];
          for (let i = 0; i < made; i += 1) {
            const slot = composer.next();
            if (slot) before.push(slot);
          }
          const played = Math.min(kept, before.length);
          if (played > 0) composer.played(played - 1);

          composer.restart(played, new Set());
          const sound = [...before.slice(0, played), ...playAll(composer)].flatMap(({ pcm }) => [...pcm]);

          expect(sound.slice(0, length)).toEqual([...ramp(length)]);
        },
      ),
    );
  });
});

test('a sample rate without a whole slot is refused', () => {
  expect(() => composerOf({ sampleRateHz: 11_025.5 })).toThrow(RangeError);
});

test('slots of silence are made earlier for a machine that draws slowly, and late again when it does not', () => {
  const composer = composerOf({ idle: true, idleLeadSlots: 2, speechLeadSlots: 6 });
  const ahead = () => {
    while (composer.next());
    return composer.outstanding;
  };

  composer.allowForDrawing(16);
  const quick = ahead();
  composer.allowForDrawing(130);
  const slow = ahead();
  composer.allowForDrawing(5000);
  const hopeless = ahead();

  expect([quick, slow, hopeless]).toEqual([2, 5, 6]);
});

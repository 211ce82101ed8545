import { describe, expect, test } from 'vitest';
import { MOTION_SIZE, SLOT_MS } from '../../src/media.ts';
import { LiveImitation } from '../../src/pipeline/live-imitation.ts';
import { EXPRESSION_NAMES } from '../../src/pipeline/motion-control.ts';

const JAW = EXPRESSION_NAMES.indexOf('jawOpen');
const SMILE = EXPRESSION_NAMES.indexOf('mouthSmile_L');
const BROW = EXPRESSION_NAMES.indexOf('browInnerUp_L');
const YAW = 53;

const face = (values: Readonly<Record<number, number>>): Float32Array =>
  Float32Array.from({ length: MOTION_SIZE }, (_, index) => values[index] ?? 0);
const OWN = face({ [JAW]: 0.4, [YAW]: 2 });
const FILMED = face({ [JAW]: 0.1, [SMILE]: 0.8, [BROW]: 0.6, [YAW]: 20 });

/** Makes slots; `filmed` gives what was read in a slot, if anything was. */
const play = (
  imitation: LiveImitation,
  slots: number,
  {
    filmed = () => null,
    speaking = () => false,
    from = 0,
  }: {
    readonly filmed?: (slot: number) => Float32Array | null;
    readonly speaking?: (slot: number) => boolean;
    readonly from?: number;
  },
): Float32Array[] =>
  Array.from({ length: slots }, (_, i) => {
    const slot = from + i;
    const read = filmed(slot);
    if (read) imitation.take(read, slot * SLOT_MS);
    return imitation.apply(OWN, speaking(slot), slot * SLOT_MS);
  });

const largestStep = (track: readonly Float32Array[], column: number): number =>
  Math.max(...track.slice(1).map((row, i) => Math.abs(row[column]! - track[i]![column]!)));

describe('a face that imitates', () => {
  test('takes over what is filmed within a moment, without a jump', () => {
    const track = play(new LiveImitation(), 25, { filmed: () => FILMED });

    expect(track.at(-1)![YAW]).toBeCloseTo(20, 3);
    expect(track.at(-1)![BROW]).toBeCloseTo(0.6, 3);
    expect(track.at(-1)![JAW]).toBeCloseTo(0.1, 3);
    expect(largestStep(track, YAW)).toBeLessThan(18 / 3);
  });

  test('follows a head that moves, with pictures in every second slot', () => {
    const at = (slot: number) => 15 * Math.sin((2 * Math.PI * slot) / 50);
    const track = play(new LiveImitation(), 150, { filmed: (slot) => (slot % 2 ? null : face({ [YAW]: at(slot) })) });

    const off = track.slice(50).map((row, i) => Math.abs(row[YAW]! - at(50 + i)));
    expect(Math.max(...off)).toBeLessThan(5);
  });

  test('bridges pictures that come late, and goes back to its own life when none come', () => {
    const imitation = new LiveImitation();
    play(imitation, 25, { filmed: () => FILMED });

    const late = play(imitation, 14, { from: 25 });
    const none = play(imitation, 30, { from: 39 });

    expect(Math.min(...late.map((row) => row[YAW]!))).toBeCloseTo(20, 1);
    expect(none.at(-1)).toBe(OWN);
    expect(largestStep(none, YAW)).toBeLessThan(18 / 6);
  });

  test('goes back at once, and softly, when it is told that no more come', () => {
    const imitation = new LiveImitation();
    play(imitation, 25, { filmed: () => FILMED });

    imitation.end();
    const track = play(imitation, 16, { from: 25 });

    expect(track[0]![YAW]).toBeLessThan(20);
    expect(track.at(-1)).toBe(OWN);
  });

  test('leaves lips to speech while it speaks, and nothing else', () => {
    const track = play(new LiveImitation(), 75, {
      filmed: () => FILMED,
      speaking: (slot) => slot >= 25 && slot < 50,
    });

    const [before, during, after] = [track[24]!, track[45]!, track[74]!];
    expect([before[JAW], during[JAW], after[JAW]].map((value) => value!.toFixed(2))).toEqual(['0.10', '0.40', '0.10']);
    expect([during[SMILE], during[BROW]!.toFixed(2), during[YAW]!.toFixed(1)]).toEqual([0, '0.60', '20.0']);
    expect(largestStep(track.slice(20), JAW)).toBeLessThan(0.15);
  });

  test('goes no farther than faces are drawn, whatever is read', () => {
    const wild = face({ [JAW]: 7, [SMILE]: -3, [BROW]: NaN, [YAW]: 500, [YAW + 1]: -Infinity, [YAW + 3]: -90 });

    const last = play(new LiveImitation(), 25, { filmed: () => wild }).at(-1)!;

    expect([JAW, SMILE, BROW, YAW, YAW + 1, YAW + 3].map((column) => Math.round(last[column]! * 100) / 100)).toEqual([
      1, 0, 0, 25, 0, -2,
    ]);
  });
});

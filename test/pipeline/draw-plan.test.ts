import { describe, expect, test } from 'vitest';
import { DrawPlan } from '../../src/pipeline/draw-plan.ts';
import { EXPRESSION_NAMES } from '../../src/pipeline/motion-control.ts';
import { RUNGS } from '../../src/pipeline/rungs.ts';

const JAW = EXPRESSION_NAMES.indexOf('jawOpen');
const BLINK = EXPRESSION_NAMES.indexOf('eyeBlink_L');
const YAW = 53;
const [full, fewer, smaller, mouthOnly, still] = RUNGS;

const face = (given: Readonly<Record<number, number>> = {}): Float32Array => {
  const descriptor = new Float32Array(59);
  for (const [index, value] of Object.entries(given)) descriptor[Number(index)] = value;
  return descriptor;
};
const run = (
  plan: DrawPlan,
  from: number,
  count: number,
  rung: (typeof RUNGS)[number],
  of: (sequence: number) => Float32Array = () => face(),
  opens: readonly number[] = [],
) =>
  Array.from({ length: count }, (_, i) =>
    plan.next({ sequence: from + i, descriptor: of(from + i), opens: opens.includes(from + i) }, rung),
  );
const drawn = (slots: readonly { readonly isDrawn: boolean }[]) =>
  slots.flatMap(({ isDrawn }, i) => (isDrawn ? [i] : []));

describe('what is drawn', () => {
  test('is every frame at the top, every second one on the rungs of fewer frames, and the first of an utterance always', () => {
    expect(drawn(run(new DrawPlan(), 0, 6, full))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(drawn(run(new DrawPlan(), 0, 7, fewer, undefined, [5]))).toEqual([0, 2, 4, 5]);
    expect(drawn(run(new DrawPlan(), 0, 6, smaller))).toEqual([0, 2, 4]);
  });

  test('is, of the mouth alone, what has moved: nothing in silence but a refresh every two seconds', () => {
    const speaking = run(new DrawPlan(), 0, 10, mouthOnly, (sequence) =>
      face({ [JAW]: sequence % 2 === 0 ? 0.1 : 0.5 }),
    );
    const blinking = run(new DrawPlan(), 0, 120, mouthOnly, (sequence) =>
      face({ [BLINK]: sequence % 7 === 0 ? 1 : 0 }),
    );

    expect(drawn(speaking)).toEqual([0, 3, 6, 9]);
    expect(drawn(blinking)).toEqual([0, 50, 100]);
  });

  test('is a still that has closed its mouth, and then a refresh every two seconds, whatever is said', () => {
    const plan = new DrawPlan();
    run(plan, 0, 1, full, () => face({ [JAW]: 0.8 }));

    const slots = run(plan, 1, 120, still, () => face({ [JAW]: 0.8 }), [30, 60]);

    expect(drawn(slots)).toEqual([2, 5, 8, 58, 108]);
    expect(slots.at(-1)?.descriptor[JAW]).toBeCloseTo(0, 5);
  });

  test('begins anew where an interruption has gone back to', () => {
    const plan = new DrawPlan();
    run(plan, 0, 9, fewer);

    expect(drawn(run(plan, 5, 4, fewer))).toEqual([0, 2]);
  });
});

describe('between rungs the face does not jump', () => {
  test('of the mouth alone the head stays as it was, and goes on where it belongs over a few frames', () => {
    const plan = new DrawPlan();
    const moving = (sequence: number) => face({ [YAW]: sequence, [JAW]: 0.3 });
    run(plan, 0, 10, full, moving);

    const held = run(plan, 10, 30, mouthOnly, moving);
    const after = run(plan, 40, 20, full, moving);

    expect(held.every(({ descriptor }) => descriptor[YAW] === 9)).toBe(true);
    expect(held.every(({ descriptor }) => Math.abs(descriptor[JAW]! - 0.3) < 1e-6)).toBe(true);
    const yaws = [held.at(-1)!, ...after].map(({ descriptor }) => descriptor[YAW]!);
    expect(Math.max(...yaws.slice(1).map((yaw, i) => Math.abs(yaw - yaws[i]!)))).toBeLessThan(6);
    expect(yaws.at(-1)).toBe(59);
  });

  test('the mouth of a still closes over ten slots', () => {
    const plan = new DrawPlan();
    run(plan, 0, 3, full, () => face({ [JAW]: 1 }));

    const jaws = run(plan, 3, 12, still, () => face({ [JAW]: 1 })).map(({ descriptor }) => descriptor[JAW]!);

    expect(Math.max(...jaws.slice(1).map((jaw, i) => Math.abs(jaw - jaws[i]!)))).toBeLessThan(0.11);
    expect(jaws.at(-1)).toBeCloseTo(0, 5);
  });
});

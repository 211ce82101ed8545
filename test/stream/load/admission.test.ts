import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Admission, type Demand, type SessionCosts, retryAfterS } from '../../../src/stream/load/admission.ts';

const CAPACITY = { cores: 4, speechWorkers: 1, faceWorkers: 2, share: 0.85 };
const COSTS: SessionCosts = {
  models: { moveMs: 1, renderMs: 9, speechMs: 40 },
  rest: { sound: 20, pictures: 60 },
};
const create = (options: { costs?: SessionCosts; capacity?: typeof CAPACITY | null; limit?: number } = {}) => {
  const { costs = COSTS, capacity = CAPACITY, limit = 100 } = options;
  return new Admission({ limit, capacity: () => capacity, costs: () => costs });
};
const fill = (admission: Admission, demand: Demand) => {
  let count = 0;
  for (; admission.refusal(demand) === null; count += 1) admission.enter(demand);
  return count;
};

describe('admission', () => {
  test('lets in as many sessions as it says that fit, and the cost decides: two drawing threads take six faces of 250 ms a second', () => {
    const admission = create();

    const told = admission.fit('pictures');
    const taken = fill(admission, 'pictures');

    expect([told, taken]).toEqual([6, 6]);
    expect(admission.refusal('pictures')).toMatchObject({ code: 'server_full' });
  });

  test('what sounds only fits beside the faces, until the voices are busy too', () => {
    const admission = create();
    fill(admission, 'pictures');

    expect(fill(admission, 'sound')).toBe(15);
  });

  test('the cores may be fewer than the threads: then they decide', () => {
    const admission = create({ capacity: { ...CAPACITY, cores: 1 } });

    expect(fill(admission, 'pictures')).toBe(2);
  });

  test('a slower machine, as it is measured, takes fewer; an empty server takes one however slow it is', () => {
    let renderMs = 9;
    const costs = () => ({ ...COSTS, models: { moveMs: 1, renderMs, speechMs: 40 } });
    const admission = new Admission({ limit: 100, capacity: () => CAPACITY, costs });
    const before = admission.fit('pictures');

    renderMs = 29;
    const slower = admission.fit('pictures');
    renderMs = 900;

    expect([before, slower, admission.fit('pictures'), fill(admission, 'pictures')]).toEqual([6, 2, 1, 1]);
  });

  test('a place that is left, or needs less than was thought, makes room', () => {
    const admission = create();
    fill(admission, 'pictures');
    const place = create().enter('pictures');
    const mine = admission.enter('pictures');
    mine.leave();
    mine.leave();
    place.needs('sound');

    expect(admission.taken).toBe(6);
    const first = create({ limit: 1 });
    const only = first.enter('pictures');
    expect(first.refusal('sound')).not.toBeNull();
    only.leave();
    expect(first.refusal('sound')).toBeNull();
  });

  test('without measured admission only the number counts', () => {
    const admission = create({ capacity: null, limit: 3 });

    expect([admission.fit('pictures'), fill(admission, 'pictures')]).toEqual([3, 3]);
  });

  test('whatever is promised never exceeds the share of any thread, but for the first session', () => {
    const demand = fc.constantFrom<Demand>('sound', 'motion', 'pictures');
    fc.assert(
      fc.property(
        fc.array(demand, { maxLength: 60 }),
        fc.record({
          moveMs: fc.double({ min: 0.1, max: 5, noNaN: true }),
          renderMs: fc.double({ min: 1, max: 60, noNaN: true }),
          speechMs: fc.double({ min: 5, max: 400, noNaN: true }),
        }),
        (demands, models) => {
          const admission = create({ costs: { ...COSTS, models } });
          const entered: Demand[] = [];
          for (const each of demands) {
            if (admission.refusal(each) !== null) continue;
            admission.enter(each);
            entered.push(each);
          }
          if (entered.length < 2) return;
          const count = (kind: Demand) => entered.filter((each) => each === kind).length;
          const face =
            25 * ((count('pictures') + count('motion')) * models.moveMs + count('pictures') * models.renderMs);
          expect(face).toBeLessThanOrEqual(2 * 850 + 1e-6);
          expect(entered.length * models.speechMs).toBeLessThanOrEqual(850 + 1e-6);
        },
      ),
    );
  });

  test('refused clients are sent away for two to ten seconds, not all for the same time', () => {
    expect([retryAfterS(() => 0), retryAfterS(() => 0.999)]).toEqual([2, 10]);
  });
});

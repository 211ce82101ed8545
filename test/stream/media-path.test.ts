import { describe, expect, test } from 'vitest';
import type { VisavisError } from '../../src/errors.ts';
import { MediaPath } from '../../src/stream/media-path.ts';
import { FakeClock } from '../support/fake-clock.ts';

const LIMIT_MS = 20_000;

const watch = () => {
  const clock = new FakeClock();
  const failures: VisavisError[] = [];
  const path = new MediaPath({
    clock,
    limits: { mediaPathMs: LIMIT_MS },
    output: { fail: (error) => failures.push(error) },
  });
  path.begin();
  return { clock, path, codes: () => failures.map(({ code }) => code) };
};

describe('a WebRTC session', () => {
  test('that never connects ends when its time is over', () => {
    const { clock, path, codes } = watch();
    path.changed('connecting');
    clock.advance(LIMIT_MS - 1);
    const before = codes();

    clock.advance(1);

    expect([before, codes()]).toEqual([[], ['timeout']]);
  });

  test('lives as long as it is connected', () => {
    const { clock, path, codes } = watch();
    path.changed('connected');

    clock.advance(100 * LIMIT_MS);

    expect(codes()).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('that loses its way lives if it is found again in time, and ends if not', () => {
    const { clock, path, codes } = watch();
    path.changed('connected');
    path.changed('disconnected');
    clock.advance(LIMIT_MS / 2);
    path.changed('failed');
    path.changed('connecting');
    path.changed('connected');
    clock.advance(LIMIT_MS);
    const found = codes();

    path.changed('closed');
    clock.advance(LIMIT_MS);

    expect([found, codes()]).toEqual([[], ['timeout']]);
  });

  test('that was closed is not ended once more', () => {
    const { clock, path, codes } = watch();
    path.close();
    path.changed('closed');

    clock.advance(LIMIT_MS);

    expect(codes()).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

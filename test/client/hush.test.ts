import { expect, it } from 'vitest';
import { Hush } from '../../client/library/hush.ts';

it('lasts until what was stopped has passed', () => {
  const hush = new Hush();
  expect(hush.isOn(0, 100)).toBe(false);
  hush.begin(0);
  expect(hush.isOn(10, 110)).toBe(true);
  hush.stopped(200);
  expect(hush.isOn(100, 200)).toBe(true);
  expect(hush.isOn(140, 240)).toBe(false);
  expect(hush.isOn(150, 210)).toBe(false);
});

it('is short when nothing of it was sent', () => {
  const hush = new Hush();
  hush.begin(0);
  hush.stopped(null);
  expect(hush.isOn(10, 110)).toBe(false);
});

it('ends after a second in any case', () => {
  const hush = new Hush();
  hush.begin(0);
  expect(hush.isOn(999, 0)).toBe(true);
  expect(hush.isOn(1000, 0)).toBe(false);
});

import { expect, test } from 'vitest';
import type { FrameTimes } from '../../../src/pipeline/stages/render-face.ts';
import { FrameAccount, slowestStage } from '../../../src/stream/load/frame-account.ts';

const times = (given: Partial<FrameTimes> = {}): FrameTimes => ({
  madeMs: 1000,
  motion: { waitedMs: 1, runMs: 2, starvedMs: 0 },
  render: { waitedMs: 3, runMs: 10, starvedMs: 4 },
  doneMs: 1020,
  ...given,
});

test('a frame that left is on time, and the rest of its time belongs to the pipeline', () => {
  const account = new FrameAccount();
  account.drawn(7, times());

  const outcome = account.shown(7, 3);

  expect(outcome).toEqual({
    isLate: false,
    spans: { 'motion-queue': 1, motion: 2, 'render-queue': 3, render: 10, pipeline: 4, encoder: 3 },
    starvedMs: 4,
  });
  expect(account.played(20, 2000)).toEqual([]);
});

test('a frame that was drawn after its slot was late by what took the most time', () => {
  const account = new FrameAccount();
  account.drawn(7, times({ render: { waitedMs: 90, runMs: 10, starvedMs: 0 }, doneMs: 1110 }));

  const before = account.played(9, 1100);
  const [late] = account.played(10, 1140);

  expect(before).toEqual([]);
  expect(late && [late.isLate, slowestStage(late.spans), late.spans.encoder]).toEqual([true, 'render-queue', 0]);
});

test('a frame that was there in time and did not leave was held up by the encoder', () => {
  const account = new FrameAccount();
  account.drawn(7, times());

  const [late] = account.played(10, 1300);

  expect(late && slowestStage(late.spans)).toBe('encoder');
});

test('a frame that was not begun is late because of the one before it', () => {
  const account = new FrameAccount();
  account.drawn(7, times({ render: { waitedMs: 0, runMs: 120, starvedMs: 0 } }));

  const skipped = account.skipped(times({ render: null, doneMs: 1004 }));

  expect([skipped.isLate, slowestStage(skipped.spans)]).toEqual([true, 'render']);
});

test('frames that were taken back or left out on purpose are neither late nor on time', () => {
  const account = new FrameAccount();
  account.drawn(7, times());
  account.drawn(8, times());
  account.restart(8);
  account.spared(7);

  expect([account.shown(7, 1), account.shown(8, 1), account.played(30, 3000)]).toEqual([null, null, []]);
});

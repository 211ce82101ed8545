import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SLOT_MS } from '../../../src/media.ts';
import { FADE_MS, Playout, type PlayoutStep } from '../../../src/stream/media/playout.ts';
import { barFrame, toneSlot } from '../../support/synthetic-media.ts';

const RATE = 8000;
const PACKET_SAMPLES = 160;

const paced = (fillIdle = true, leadMs = 0) => new Playout({ sampleRateHz: RATE, fillIdle, leadMs });
const slot = (sequence: number, speaking = true) => toneSlot(sequence, RATE, speaking);
const frame = (sequence: number) => barFrame(sequence, 16);

/** Runs the playout from `fromMs` to `toMs` in steps of 1 ms, as a perfect timer would. */
const run = (playout: Playout, fromMs: number, toMs: number): (PlayoutStep & { atMs: number })[] => {
  const steps: (PlayoutStep & { atMs: number })[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs++) {
    for (const step of playout.process(atMs)) steps.push(Object.assign(step, { atMs }));
  }
  return steps;
};
const audioOf = (steps: readonly PlayoutStep[]) => steps.filter((step) => step.kind === 'audio');
const videoOf = (steps: readonly PlayoutStep[]) => steps.filter((step) => step.kind === 'video');
const isSilent = (pcm: Float32Array) => pcm.every((sample) => sample === 0);

describe('playout on a clock', () => {
  it('plays slots in order, two packets each, at their media time', () => {
    const playout = paced();
    for (const sequence of [1, 0, 2]) playout.pushAudio(slot(sequence), 0);
    playout.start(1000);

    const steps = audioOf(run(playout, 1000, 1120)) as (ReturnType<typeof audioOf>[number] & { atMs: number })[];

    // The first slot that came opens the count.
    expect(steps.map(({ sequence }) => sequence)).toEqual([1, 1, 2, 2, null, null]);
    expect(steps.map(({ atMs, index }) => [atMs, index])).toEqual([0, 1, 2, 3, 4, 5].map((i) => [1000 + 20 * i, i]));
    expect(steps.map(({ opensSlot }) => opensSlot)).toEqual([true, false, true, false, true, false]);
    expect(steps[0]?.pcm).toEqual(slot(1).pcm.subarray(0, PACKET_SAMPLES));
    expect(steps[3]?.pcm).toEqual(slot(2).pcm.subarray(PACKET_SAMPLES));
  });

  it('says nothing before it is started', () => {
    const playout = paced();
    playout.pushAudio(slot(0), 0);

    expect(playout.process(10 ** 6)).toEqual([]);
    expect(playout.nextDueMs()).toBeNull();
  });

  it('waits with silence for a slot that is missing, then plays it and all that follow', () => {
    const playout = paced();
    playout.start(0);
    playout.pushAudio(slot(0), 0);
    playout.pushAudio(slot(2), 0);
    const before = run(playout, 0, 120);
    playout.pushAudio(slot(1), 120);
    const after = run(playout, 120, 200);

    expect(audioOf(before).map(({ sequence }) => sequence)).toEqual([0, 0, null, null, null, null]);
    expect(
      audioOf(before)
        .slice(2)
        .every(({ pcm }) => isSilent(pcm)),
    ).toBe(true);
    expect(audioOf(after).map(({ sequence, index }) => [sequence, index])).toEqual([
      [1, 6],
      [1, 7],
      [2, 8],
      [2, 9],
    ]);
    expect(playout.audioGaps).toBe(2);
  });

  it('counts no gap when speech had ended, or ends', () => {
    const playout = paced();
    playout.start(0);
    playout.pushAudio(slot(0), 0);
    playout.pushAudio(slot(1, false), 0);
    run(playout, 0, 200);
    playout.pushAudio(slot(2), 200);
    run(playout, 200, 10_000);
    playout.pushAudio(slot(3), 10_000);
    run(playout, 10_000, 10_100);

    expect(playout.audioGaps).toBe(0);
  });

  it('sends a frame with its slot, skips it when missing, and drops it when its slot is over', () => {
    const playout = paced();
    playout.start(0);
    for (const sequence of [0, 1, 2, 3]) playout.pushAudio(slot(sequence), 0);
    playout.pushVideo(frame(0));
    const first = run(playout, 0, 55);
    playout.pushVideo(frame(1));
    const second = run(playout, 55, 130);
    playout.pushVideo(frame(2));
    playout.pushVideo(frame(3));
    const last = run(playout, 130, 200);

    expect(videoOf(first).map(({ index }) => index)).toEqual([0]);
    // While its slot is being played, a frame is late but not lost; its timestamp is that of the slot.
    expect(videoOf(second).map(({ index }) => index)).toEqual([1]);
    expect(videoOf(last).map(({ index, frame: { sequence } }) => [index, sequence])).toEqual([[3, 3]]);
    expect(playout.lateFrames).toBe(1);
  });

  it('does not send in a burst what a long sleep of the process held up', () => {
    const playout = paced();
    playout.start(0);
    for (let sequence = 0; sequence < 10; sequence++) playout.pushAudio(slot(sequence), 0);
    run(playout, 0, 40);

    const woken = audioOf(playout.process(5000));

    expect(woken.length).toBeLessThanOrEqual(2);
    expect(woken[0]).toMatchObject({ sequence: 1, index: 250 });
  });

  it('is never early and never reorders, whatever the arrival', () => {
    const arrivals = fc.array(fc.record({ gapMs: fc.integer({ min: 0, max: 90 }), video: fc.boolean() }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(arrivals, fc.boolean(), fc.constantFrom(0, 100), (slots, fillIdle, leadMs) => {
        const playout = paced(fillIdle, leadMs);
        playout.start(0);
        const steps: (PlayoutStep & { atMs: number })[] = [];
        let now = 0;
        for (const [sequence, { gapMs, video }] of slots.entries()) {
          steps.push(...run(playout, now, now + gapMs));
          now += gapMs;
          playout.pushAudio(slot(sequence), now);
          if (video) playout.pushVideo(frame(sequence));
        }
        steps.push(...run(playout, now, now + slots.length * SLOT_MS + 200));

        const audio = steps.filter((step) => step.kind === 'audio');
        const video = steps.filter((step) => step.kind === 'video');
        const played = audio.filter(({ sequence, opensSlot }) => sequence !== null && opensSlot);
        expect(played.map(({ sequence }) => sequence)).toEqual(slots.map((_, sequence) => sequence));
        for (const [i, { index, atMs, sequence }] of audio.entries()) {
          expect(atMs).toBeGreaterThanOrEqual(index * 20 - (sequence === null ? 0 : leadMs));
          if (i > 0) expect(index).toBeGreaterThan(audio[i - 1]?.index ?? 0);
        }
        for (const { index, frame: shown } of video) {
          expect(played.find(({ sequence }) => sequence === shown.sequence)?.index).toBe(index * 2);
        }
        expect(video).toHaveLength(slots.filter(({ video }) => video).length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('lead and idle', () => {
  it('sends up to its lead early, and nothing when idle', () => {
    const playout = paced(false, 200);
    playout.start(0);
    for (let sequence = 0; sequence < 10; sequence++) playout.pushAudio(slot(sequence), 0);
    const steps = run(playout, 0, 1000);

    expect(steps.filter(({ atMs }) => atMs === 0)).toHaveLength(11);
    expect(steps).toHaveLength(20);
    expect(playout.nextDueMs()).toBeNull();
  });

  it('gives what comes after a pause the media time of its coming', () => {
    const playout = paced(false, 200);
    playout.start(0);
    playout.pushAudio(slot(0), 0);
    run(playout, 0, 1010);
    playout.pushAudio(slot(1), 1010);
    const steps = audioOf(run(playout, 1010, 1100));

    expect(steps.map(({ index }) => index)).toEqual([52, 53]);
    expect(playout.audioGaps).toBe(25);
  });
});

describe('playout without a clock', () => {
  it('sends at once; media time counts slots; a frame comes after its slot whenever it is ready', () => {
    const playout = new Playout({ sampleRateHz: RATE, fillIdle: false, leadMs: null });
    playout.start(0);
    playout.pushVideo(frame(5));
    playout.pushAudio(slot(5), 0);
    playout.pushAudio(slot(6), 0);
    const first = playout.process(0);
    playout.pushVideo(frame(6));
    const second = playout.process(9999);

    expect(audioOf(first).map(({ index, sequence }) => [index, sequence])).toEqual([
      [0, 5],
      [1, 5],
      [2, 6],
      [3, 6],
    ]);
    expect(videoOf(first)).toMatchObject([{ index: 0 }]);
    expect(videoOf(second)).toMatchObject([{ index: 1 }]);
    expect(playout.lateFrames).toBe(0);
    expect(playout.nextDueMs()).toBeNull();
  });
});

describe('cut', () => {
  it('fades out within 10 ms and plays nothing that was queued', () => {
    const playout = paced();
    playout.start(0);
    for (let sequence = 0; sequence < 9; sequence++) {
      playout.pushAudio(slot(sequence), 0);
      playout.pushVideo(frame(sequence));
    }
    run(playout, 0, 50);

    const { sequence: next } = playout.cut();
    const steps = run(playout, 50, 200);
    const [fading, ...rest] = audioOf(steps);

    expect(next).toBe(2);
    expect(fading?.sequence).toBe(1);
    expect(isSilent(fading?.pcm.subarray((RATE * FADE_MS) / 1000) ?? new Float32Array(1))).toBe(true);
    expect(isSilent(fading?.pcm ?? new Float32Array(0))).toBe(false);
    expect(rest.every(({ sequence, pcm }) => sequence === null && isSilent(pcm))).toBe(true);
    expect(videoOf(steps)).toEqual([]);
  });

  it('fades between two slots as well, over the beginning of the next one', () => {
    const playout = paced();
    playout.start(0);
    for (const sequence of [0, 1, 2]) playout.pushAudio(slot(sequence), 0);
    run(playout, 0, 30);

    expect(playout.cut().sequence).toBe(1);
    const [fading, ...rest] = audioOf(run(playout, 30, 120));

    expect(fading).toMatchObject({ index: 2, sequence: null });
    expect(isSilent(fading?.pcm.subarray(0, 40) ?? new Float32Array(1))).toBe(false);
    expect(isSilent(fading?.pcm.subarray(80) ?? new Float32Array(1))).toBe(true);
    expect(rest.every(({ pcm }) => isSilent(pcm))).toBe(true);
  });

  it('lets numbering go on from the first slot that was not played', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 10 }), (durations) => {
        const playout = paced();
        playout.start(0);
        let now = 0;
        let sequence = 0;
        const steps: PlayoutStep[] = [];
        for (const durationMs of durations) {
          for (let i = 0; i < 6; i++) playout.pushAudio(slot(sequence + i), now);
          steps.push(...run(playout, now, now + durationMs));
          now += durationMs;
          ({ sequence } = playout.cut());
        }

        const opened = audioOf(steps).flatMap((step) =>
          step.opensSlot && step.sequence !== null ? [step.sequence] : [],
        );
        expect(opened).toEqual(opened.map((_, i) => i));
        expect(sequence).toBe(opened.length);
      }),
      { numRuns: 50 },
    );
  });

  it('is harmless before anything came', () => {
    expect(paced().cut()).toEqual({ sequence: 0, heardMs: 0 });
  });
});

describe('the first sound of an utterance', () => {
  const withVideo = () => new Playout({ sampleRateHz: RATE, fillIdle: true, leadMs: 0, video: true });
  const opening = (sequence: number) => ({ ...slot(sequence), opens: true });

  it('waits for its frame, and leaves with it', () => {
    const playout = withVideo();
    playout.start(0);
    playout.pushAudio(opening(0), 0);
    const before = run(playout, 0, 50);
    playout.pushVideo(frame(0));
    const after = run(playout, 50, 130);

    expect(audioOf(before).every(({ sequence }) => sequence === null)).toBe(true);
    expect(audioOf(after).map(({ sequence, index }) => [sequence, index])).toEqual([
      [0, 3],
      [0, 4],
      [null, 5],
      [null, 6],
    ]);
    expect(videoOf(after).map(({ index, frame: { sequence } }) => [index, sequence])).toEqual([[1.5, 0]]);
    expect(playout.audioGaps).toBe(0);
  });

  it('begins in the middle of a silent slot when its frame is there', () => {
    const playout = withVideo();
    playout.start(0);
    playout.pushAudio({ ...slot(0, false), idle: true }, 0);
    run(playout, 0, 10);
    playout.cut(1);
    playout.pushAudio(opening(1), 10);
    playout.pushVideo(frame(1));
    const steps = run(playout, 10, 70);

    expect(audioOf(steps).map(({ sequence, index, opensSlot }) => [sequence, index, opensSlot])).toEqual([
      [1, 1, true],
      [1, 2, false],
      [null, 3, true],
    ]);
    expect(videoOf(steps).map(({ index }) => index)).toEqual([0.5]);
    expect(playout.lateFrames).toBe(0);
  });

  it('lets a slot end that something else ends in, or whose frame has not come', () => {
    const ending = withVideo();
    ending.start(0);
    ending.pushAudio({ ...slot(0, false), idle: false }, 0);
    run(ending, 0, 10);
    ending.pushAudio(opening(1), 10);
    ending.pushVideo(frame(1));
    const unseen = withVideo();
    unseen.start(0);
    unseen.pushAudio({ ...slot(0, false), idle: true }, 0);
    run(unseen, 0, 10);
    unseen.pushAudio(opening(1), 10);

    expect(audioOf(run(ending, 10, 60)).map(({ sequence }) => sequence)).toEqual([0, 1]);
    expect(audioOf(run(unseen, 10, 60)).map(({ sequence }) => sequence)).toEqual([0, null]);
  });

  it('does not wait for ever, and never in the middle of speech', () => {
    const late = withVideo();
    late.start(0);
    late.pushAudio(opening(0), 0);
    const going = withVideo();
    going.start(0);
    for (const made of [slot(0), opening(1)]) going.pushAudio(made, 0);
    going.pushVideo(frame(0));

    expect(audioOf(run(late, 0, 400)).findIndex(({ sequence }) => sequence === 0)).toBe(8);
    expect(audioOf(run(going, 0, 80)).map(({ sequence }) => sequence)).toEqual([0, 0, 1, 1]);
  });
});

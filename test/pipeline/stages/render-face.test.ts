import { map } from 'rxjs';
import { expect, test } from 'vitest';
import { type CallOptions, OverdueError } from '../../../src/models/inference.ts';
import { DrawPlan } from '../../../src/pipeline/draw-plan.ts';
import { DrawingTime } from '../../../src/pipeline/drawing-time.ts';
import { MotionTrack } from '../../../src/pipeline/motion-track.ts';
import { RUNGS } from '../../../src/pipeline/rungs.ts';
import { renderFace } from '../../../src/pipeline/stages/render-face.ts';
import { marbles } from '../../support/marbles.ts';

/** A face that needs `frames` of virtual time a picture; its pictures are the first weight of each descriptor. */
const faceOf = (draw: () => ReturnType<Parameters<typeof renderFace>[0]['face']>['render']) => () => ({
  size: 2,
  motionFrames: 3,
  motionCentre: 1,
  render: draw(),
});
const slot = (sequence: number, opens = false) => ({
  sequence,
  opens,
  descriptor: new Float32Array(59).fill(sequence + 1),
});

test('frames are drawn one after the other, each from the window of descriptors around it', () => {
  marbles(({ cold, hot, expectObservable, flush }) => {
    const windows: number[][] = [];
    const deps = {
      shown: new MotionTrack(10),
      drawingTime: new DrawingTime(),
      face: faceOf(() => (window) => {
        windows.push([0, 59, 118].map((at) => window[at] ?? Number.NaN));
        return cold('--f|', { f: new Uint8Array(6) });
      }),
      playedSequence: () => -1,
      nowMs: () => 0,
      skipped: () => undefined,
    };
    const moved$ = hot('ab------|', { a: slot(0), b: slot(1) });

    const frames$ = moved$.pipe(renderFace(deps));

    const frame = (sequence: number) => ({ frame: { sequence, size: 2, i420: new Uint8Array(6) } });
    expectObservable(frames$).toBe('--a--b--|', { a: frame(0), b: frame(1) });
    flush();
    expect(windows).toEqual([
      [0, 1, 1],
      [1, 2, 2],
    ]);
  });
});

test('a frame that cannot be ready before its slot is played is skipped, and told', () => {
  marbles(({ cold, hot, expectObservable, flush }) => {
    const skipped: number[] = [];
    let nowMs = 0;
    const deps = {
      shown: new MotionTrack(10),
      drawingTime: new DrawingTime(),
      // Drawing takes ten slots: after the first frame nearly two further ones are expected to pass (running mean).
      face: faceOf(() => () => {
        nowMs += 400;
        return cold('(f|)', { f: new Uint8Array(6) });
      }),
      playedSequence: () => 2,
      nowMs: () => nowMs,
      skipped: (sequence: number) => skipped.push(sequence),
    };
    const moved$ = hot('abcde|', { a: slot(1), b: slot(2), c: slot(3), d: slot(4), e: slot(9) });

    const drawn$ = moved$.pipe(renderFace(deps));

    expectObservable(drawn$).toBe('--c-e|', {
      c: { frame: { sequence: 3, size: 2, i420: new Uint8Array(6) } },
      e: { frame: { sequence: 9, size: 2, i420: new Uint8Array(6) } },
    });
    flush();
    expect(skipped).toEqual([1, 2, 4]);
  });
});

test('the frame that an utterance begins with is drawn however long that takes, as its sound waits for it', () => {
  marbles(({ cold, hot, expectObservable }) => {
    const drawingTime = new DrawingTime();
    for (let i = 0; i < 20; i++) drawingTime.observe(100);
    const deps = {
      shown: new MotionTrack(10),
      drawingTime,
      face: faceOf(() => () => cold('(f|)', { f: new Uint8Array(6) })),
      playedSequence: () => 2,
      nowMs: () => 0,
      skipped: () => undefined,
    };

    const drawn$ = hot('ab|', { a: slot(3), b: slot(4, true) }).pipe(renderFace(deps));

    expectObservable(drawn$).toBe('-b|', { b: { frame: { sequence: 4, size: 2, i420: new Uint8Array(6) } } });
  });
});

test('no frame is skipped when playing waits for them, however long they take', () => {
  marbles(({ cold, hot, expectObservable }) => {
    const deps = {
      shown: new MotionTrack(10),
      drawingTime: new DrawingTime(),
      face: faceOf(() => () => cold('100ms (f|)', { f: new Uint8Array(6) })),
      playedSequence: () => 99,
      nowMs: null,
      skipped: () => undefined,
    };

    const drawn$ = hot('(ab|)', { a: slot(1), b: slot(2) }).pipe(renderFace(deps));

    expectObservable(drawn$).toBe('100ms a 99ms (b|)', {
      a: { frame: { sequence: 1, size: 2, i420: new Uint8Array(6) } },
      b: { frame: { sequence: 2, size: 2, i420: new Uint8Array(6) } },
    });
  });
});

test('a frame that waited too long for a worker is given up, and told with where its time went', () => {
  marbles(({ cold, hot, expectObservable, flush }) => {
    const skipped: unknown[] = [];
    const timing = { waitedMs: 0, runMs: 5, starvedMs: null };
    const dues: (number | undefined)[] = [];
    const deps = {
      shown: new MotionTrack(10),
      drawingTime: new DrawingTime(),
      face: () => ({
        size: 2,
        motionFrames: 1,
        motionCentre: 0,
        render: (_motion: Float32Array, call?: CallOptions) => {
          dues.push(call?.dueMs);
          if (dues.length === 1) return cold<Uint8Array<ArrayBuffer>>('--#', {}, new OverdueError('needed before'));
          call?.onTimed?.(timing);
          return cold('(f|)', { f: new Uint8Array(6) });
        },
      }),
      playedSequence: () => -1,
      nowMs: () => 50,
      dueMs: (sequence: number) => 100 + 40 * sequence,
      skipped: (sequence: number, times?: unknown) => skipped.push([sequence, times]),
    };
    const made = { atMs: 40, motion: null };

    const drawn$ = hot('ab----|', { a: { ...slot(0), made }, b: { ...slot(1), made } }).pipe(renderFace(deps));

    const frame = { sequence: 1, size: 2, i420: new Uint8Array(6) };
    const times = { madeMs: 40, motion: null, doneMs: 50 };
    expectObservable(drawn$).toBe('--b---|', { b: { frame, times: { ...times, render: timing } } });
    flush();
    expect(dues).toEqual([100, 140]);
    expect(skipped).toEqual([[0, { ...times, render: null }]]);
  });
});

test('on a lower rung only some slots are drawn, and those that are left out are not late', () => {
  marbles(({ cold, hot, expectObservable, flush }) => {
    const skipped: number[] = [];
    const deps = {
      shown: new MotionTrack(10),
      drawingTime: new DrawingTime(),
      face: faceOf(() => () => cold('(f|)', { f: new Uint8Array(6) })),
      playedSequence: () => -1,
      nowMs: () => 0,
      plan: new DrawPlan(),
      rung: () => RUNGS[1],
      skipped: (sequence: number) => skipped.push(sequence),
    };
    const slots = Object.fromEntries([0, 1, 2, 3, 4].map((n) => [n, { ...slot(n), opens: n === 3 }]));

    const drawn$ = hot('01234|', slots).pipe(
      renderFace(deps),
      map(({ frame }) => String(frame.sequence)),
    );

    expectObservable(drawn$).toBe('0-23-|');
    flush();
    expect(skipped).toEqual([]);
  });
});

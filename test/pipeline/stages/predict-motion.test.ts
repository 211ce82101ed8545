import { map, tap } from 'rxjs';
import { expect, test } from 'vitest';
import { MotionControl } from '../../../src/pipeline/motion-control.ts';
import { MotionTrack } from '../../../src/pipeline/motion-track.ts';
import { predictMotion } from '../../../src/pipeline/stages/predict-motion.ts';
import { marbles } from '../../support/marbles.ts';

const slot = (sequence: number) => ({
  sequence,
  pcm: new Float32Array(0),
  speaking: false,
  marks: [],
  window: new Float32Array(1),
});

test('each descriptor is drawn from those before it, one after the other', () => {
  marbles(({ cold, hot, expectObservable, flush }) => {
    const histories: number[][] = [];
    const deps = {
      model: {
        historyFrames: 2,
        next: (_pcm: Float32Array, history: Float32Array, noise: Float32Array) => {
          histories.push([history[0] ?? Number.NaN, history[59] ?? Number.NaN]);
          return cold('--d|', { d: new Float32Array(59).fill(noise[0] ?? 0) });
        },
      },
      track: new MotionTrack(10),
      control: new MotionControl(),
      noise: (sequence: number) => new Float32Array(59).fill(sequence + 1),
      atModelRate: (window: Float32Array) => window,
    };

    const moved$ = hot('abc----|', { a: slot(0), b: slot(1), c: slot(2) }).pipe(predictMotion(deps));

    const descriptor = (sequence: number) => ({
      sequence,
      descriptor: new Float32Array(59).fill(sequence + 1),
      opens: false,
    });
    expectObservable(moved$).toBe('--a--b--c|', { a: descriptor(0), b: descriptor(1), c: descriptor(2) });
    flush();
    expect(histories).toEqual([
      [0, 0],
      [0, 1],
      [1, 2],
    ]);
  });
});

test('while the flow does not run, the descriptor before stays', () => {
  marbles(({ cold, hot, expectObservable }) => {
    let runs = true;
    const deps = {
      model: { historyFrames: 1, next: () => cold('(d|)', { d: new Float32Array(59).fill(7) }) },
      track: new MotionTrack(10),
      control: new MotionControl(),
      noise: () => new Float32Array(59),
      atModelRate: (window: Float32Array) => window,
      runs: () => runs,
    };

    const jaw$ = hot('a-b-c|', { a: slot(0), b: slot(1), c: slot(2) }).pipe(
      tap(({ sequence }) => {
        runs = sequence !== 1;
      }),
      predictMotion(deps),
      map(({ sequence, descriptor }) => `${sequence}:${descriptor[0]}`),
    );

    expectObservable(jaw$).toBe('a-b-c|', { a: '0:7', b: '1:7', c: '2:7' });
  });
});

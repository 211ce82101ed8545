import type { SessionLoad } from '../../src/stream/live-session.ts';
import { RUNGS, type Rung } from '../../src/pipeline/rungs.ts';
import type { FrameOutcome } from '../../src/stream/load/frame-account.ts';

/** A session's part of the load that the test moves up and down the ladder by hand. */
export const fakeSessionLoad = (): SessionLoad & {
  readonly outcomes: FrameOutcome[];
  readonly demands: string[];
  readonly gaps: number[];
  to(rung: number): void;
} => {
  const outcomes: FrameOutcome[] = [];
  const demands: string[] = [];
  const gaps: number[] = [];
  let rung: Rung = RUNGS[0];
  let tell: (rung: Rung) => void = () => undefined;
  return {
    outcomes,
    demands,
    gaps,
    needs: (demand) => void demands.push(demand),
    join(onRung) {
      tell = onRung;
      return {
        get rung() {
          return rung;
        },
        frame: (outcome) => void outcomes.push(outcome),
        gap: (speech) => void gaps.push(speech?.runMs ?? 0),
        leave: () => undefined,
      };
    },
    to(index) {
      rung = RUNGS[index] ?? RUNGS[0];
      tell(rung);
    },
  };
};

/** Measures what the models cost before the first session comes, so that the first ones are not let in by guesswork. */
import { MOTION_SIZE } from '../../media.ts';
import type { Inference } from '../../models/inference.ts';

/** Calls of each kind; the models have run before. */
const RUNS = 3;
/** Of usual length, and with the words that any voice can say. */
const SENTENCE = 'One, two, three, four, five, six, seven, eight, nine, ten.';

/** Runs the default voice and face a few times; who listens to `inference.workers` learns what it took. Some 150 ms. */
export const calibrate = async (
  inference: Inference,
  defaults: { readonly voice: string; readonly avatar: string },
): Promise<void> => {
  const speak = async () => {
    const voice = await inference.voice(defaults.voice);
    const plan = await voice.plan(SENTENCE, { speed: 1, seed: 0 });
    for await (const window of plan.windows()) if (window.length === 0) return;
  };
  const draw = async () => {
    const [face, motion] = await Promise.all([inference.face(defaults.avatar), inference.motion()]);
    const history = new Float32Array(motion.historyFrames * MOTION_SIZE);
    for (let run = 0; run < RUNS; run += 1) {
      await motion.next(new Float32Array(motion.windowSamples), history, new Float32Array(MOTION_SIZE));
      await face.render(new Float32Array(face.motionFrames * MOTION_SIZE));
    }
  };
  // A voice of another script cannot say the sentence; it is then measured by its first session.
  await Promise.all([speak().catch(() => undefined), draw()]);
};

import type { Voice } from '../../src/models/inference.ts';

/** A voice that counts the windows that it has made, and takes `windowMs` for each. */
export const countedVoice = (voice: Voice, windowMs = 0): { readonly voice: Voice; readonly windows: () => number } => {
  let made = 0;
  return {
    windows: () => made,
    voice: {
      ...voice,
      async plan(...args) {
        const plan = await voice.plan(...args);
        return {
          ...plan,
          async *windows() {
            for await (const window of plan.windows()) {
              if (windowMs > 0) await new Promise((resolve) => setTimeout(resolve, windowMs));
              made += 1;
              yield window;
            }
          },
        };
      },
    },
  };
};

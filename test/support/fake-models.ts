import type { WordTiming } from '../../src/media.ts';
import type { Face, Inference, MotionModel, Voice } from '../../src/models/inference.ts';
import { VisavisError } from '../../src/errors.ts';

const RATE_HZ = 16_000;
/** How long a fake word sounds. */
export const WORD_MS = 200;

/** A voice whose words all last 200 ms and sound as a constant, in windows of 64 ms; deterministic and instant. */
export const fakeVoice = (name = 'fake', sampleRateHz = RATE_HZ): Voice & { readonly spoken: string[] } => {
  const spoken: string[] = [];
  return {
    name,
    language: 'en-US',
    sampleRateHz,
    spoken,
    async plan(text) {
      if (text.includes('unspeakable')) throw new VisavisError('bad_text', `cannot speak "${text}"`);
      spoken.push(text);
      const words: WordTiming[] = [...text.matchAll(/[\p{L}\p{N}']+/gu)].map((match, i) => ({
        text: match[0],
        startMs: i * WORD_MS,
        endMs: (i + 1) * WORD_MS,
        charStart: match.index,
        charEnd: match.index + match[0].length,
        phonemes: [{ phoneme: 'AH0', startMs: i * WORD_MS, endMs: (i + 1) * WORD_MS }],
      }));
      const durationSamples = (words.length * WORD_MS * sampleRateHz) / 1000;
      return {
        durationSamples,
        words,
        problems: text.includes('[[QQ]]') ? [{ kind: 'bad-phonemes', message: 'no phoneme' }] : [],
        async *windows() {
          for (let done = 0; done < durationSamples; done += 1024) {
            yield new Float32Array(Math.min(1024, durationSamples - done)).fill(0.5);
          }
        },
      };
    },
  };
};

/** Motion whose jaw opens with the loudness of the slot; the rest stays at rest. */
export const fakeMotion = (): MotionModel => ({
  sampleRateHz: RATE_HZ,
  windowSamples: 640 * 5,
  lookaheadSamples: 640 * 2,
  historyFrames: 2,
  temperature: 1,
  async next(pcm) {
    const descriptor = new Float32Array(59);
    descriptor[17] = Math.abs(pcm[2 * 640 + 320] ?? 0);
    return descriptor;
  },
});

/** A face of 16 × 16 pixels whose brightness is the jaw's opening. */
export const fakeFace = (name = 'fake'): Face => ({
  name,
  size: 16,
  motionFrames: 1,
  motionCentre: 0,
  voice: 'fake',
  render: async (motion) => new Uint8Array(384).fill(Math.round(100 * (motion[17] ?? 0))),
});

/** All of them; `voice` and `face` may be replaced. */
export const fakeInference = (parts: { readonly voice?: Voice; readonly face?: Face } = {}): Inference => {
  const voice = parts.voice ?? fakeVoice();
  const face = parts.face ?? fakeFace();
  return {
    voices: [
      {
        name: voice.name,
        language: 'en-US',
        gender: 'none',
        sampleRateHz: voice.sampleRateHz,
        description: '',
        licence: '',
      },
    ],
    avatars: [{ name: face.name, description: '', size: face.size, voice: voice.name, licence: '' }],
    async voice(name) {
      if (name !== voice.name)
        throw new VisavisError('unknown_voice', `there is no voice "${name}"; there are: ${voice.name}`);
      return voice;
    },
    async face(name) {
      if (name !== face.name)
        throw new VisavisError('unknown_avatar', `there is no avatar "${name}"; there are: ${face.name}`);
      return face;
    },
    motion: async () => fakeMotion(),
    close: async () => undefined,
  };
};

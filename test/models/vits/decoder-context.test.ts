import { expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { windowsOf } from '../../../src/models/speech-plan.ts';
import { cutVoice } from '../../../src/models/vits/cut-voice.ts';
import { loadVitsVoice } from '../../../src/models/vits/load-voice.ts';
import { createNode, type OnnxNode, readOnnx, withInputs, writeOnnx } from '../../../src/models/vits/onnx-file.ts';
import { receptiveField } from '../../../src/models/vits/receptive-field.ts';
import { readVoiceFiles } from '../../../src/models/vits/voice-files.ts';
import { graphOf, piperSource, writePiper } from '../../support/foreign-voices.ts';
import { temporaryFolder } from '../../support/program.ts';
import { writeFile } from 'node:fs/promises';

/** A small Piper voice with more operations between the decoder's first convolution and the next step. */
const withInserted = async (
  insert: (from: string, to: string) => readonly OnnxNode[],
  fixture: 'piper' | 'piper-source' = 'piper',
): Promise<Uint8Array> => {
  const model = readOnnx(await graphOf(fixture));
  const { latent } = cutVoice(model);
  const first = model.nodes.find(({ op, inputs }) => op === 'Conv' && inputs[0] === latent);
  const [made = ''] = first?.outputs ?? [];
  const nodes = model.nodes.flatMap((node) => {
    if (node === first) return [node, ...insert(made, 'inserted')];
    const inputs = node.inputs.map((name) => (name === made ? 'inserted' : name));
    return [node.inputs.includes(made) ? withInputs(node, inputs) : node];
  });
  return writeOnnx({ ...model, nodes });
};

const speakInWindows = async (graph: Uint8Array, changes: object = {}) => {
  const file = await writePiper(await temporaryFolder(), 'changed', changes);
  await writeFile(file, graph);
  const voice = await loadVitsVoice(await readVoiceFiles(file, systemClock), { provider: 'cpu' });
  const { speech, frameCount } = await voice.encode('hello there', { speed: 1, seed: 1 });
  const whole = await voice.decode(speech, 0, frameCount);
  let worst = 0;
  for (const [first, end] of windowsOf(frameCount, voice.windowFrames)) {
    const window = await voice.decode(speech, first, end);
    for (const [i, sample] of window.entries()) {
      worst = Math.max(worst, Math.abs(sample - whole[first * voice.hopSamples + i]!));
    }
  }
  await voice.release();
  return { facts: voice.facts, worst, loudest: Math.max(...whole.map(Math.abs)) };
};

test.each([
  ['piper', 11],
  ['piper-speakers', 13],
  ['mms', 13],
  ['sherpa', 13],
  ['melo', 13],
] as const)(
  'the decoder of %s sees %i frames to each side, and makes 256 samples a frame',
  async (fixture, contextFrames) => {
    const model = readOnnx(await graphOf(fixture));
    const { decoderNodes, latent, sound } = cutVoice(model);

    expect(receptiveField(decoderNodes, model.weights, latent, sound)).toEqual({ contextFrames, hopSamples: 256 });
  },
);

test('where the graph does not tell how far the decoder sees, it is found by trying', async () => {
  const graph = await withInserted((from, to) => [createNode('Softsign', [from], [to])]);

  const { facts, worst, loudest } = await speakInWindows(graph);

  expect(facts).toMatchObject({ contextFrames: 16, contextFrom: 'trial' });
  expect(worst).toBeLessThan(1e-5);
  expect(loudest).toBeGreaterThan(0.1);
});

test('a source of its own stays in the encoder where the decoder cannot be rewritten, which is given its part of it', async () => {
  const graph = await withInserted((from, to) => [createNode('Softsign', [from], [to])], 'piper-source');

  const { facts, worst, loudest } = await speakInWindows(graph, piperSource);

  expect(facts).toMatchObject({ contextFrom: 'trial', priorContextFrames: 0 });
  expect(worst).toBeLessThan(1e-5);
  expect(loudest).toBeGreaterThan(0.1);
});

test('a decoder with a source of its own, pulses and breath as long as the sound, makes it as it needs it', async () => {
  const { facts, worst, loudest } = await speakInWindows(await graphOf('piper-source'), piperSource);

  expect(facts).toMatchObject({ hopSamples: 256, latentChannels: 8, contextFrom: 'memory' });
  expect(facts.priorContextFrames).toBeOneOf([8, 12]);
  expect(worst).toBeLessThan(1e-5);
  expect(loudest).toBeGreaterThan(0.1);
});

test('a decoder that hears the whole utterance at once is run at once, and its sound handed out in windows', async () => {
  const graph = await withInserted((from, to) => [
    createNode('GlobalAveragePool', [from], ['mean']),
    createNode('Sub', [from, 'mean'], [to]),
  ]);

  const { facts, worst, loudest } = await speakInWindows(graph);

  expect(facts).toMatchObject({ contextFrames: null, contextFrom: 'none' });
  expect(worst).toBe(0);
  expect(loudest).toBeGreaterThan(0.1);
});

import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { float32 } from '../../../src/models/onnx-session.ts';
import { createRandom, gaussianNoise } from '../../../src/models/random.ts';
import type { CutVoice } from '../../../src/models/vits/cut-voice.ts';
import { loadVitsVoice } from '../../../src/models/vits/load-voice.ts';
import {
  createNode,
  createValue,
  createWeight,
  type OnnxModel,
  type OnnxNode,
  type OnnxWeight,
  readOnnx,
  writeOnnx,
} from '../../../src/models/vits/onnx-file.ts';
import { StreamedDecoderPart } from '../../../src/models/vits/streamed-decoder-part.ts';
import { NotStreamable } from '../../../src/models/vits/streamed-graph.ts';
import { findModelFile, readVoiceFiles } from '../../../src/models/vits/voice-files.ts';
import { graphOf, piperSource, writePiper, writeSherpa, writeTransformers } from '../../support/foreign-voices.ts';
import { temporaryFolder } from '../../support/program.ts';

const CPU = { provider: 'cpu' };
const CHANNELS = 2;

let head: OnnxModel['head'];
beforeAll(async () => {
  ({ head } = readOnnx(await graphOf('piper')));
});

/** A step of a decoder: its nodes from one tensor to another, and their constants. */
type Step = (from: string, to: string) => { nodes: OnnxNode[]; weights: OnnxWeight[] };

const numbers = (seed: number, count: number): number[] => Array.from(gaussianNoise(createRandom(seed), count, 0.3));

const convolution = (kernel: number, dilation: number, left: number, right: number, stride = 1): Step => {
  return (from, to) => ({
    nodes: [
      createNode('Conv', [from, `${to}.weight`], [to], {
        kernel_shape: [kernel],
        dilations: [dilation],
        pads: [left, right],
        strides: [stride],
      }),
    ],
    weights: [
      createWeight(
        `${to}.weight`,
        'float32',
        [CHANNELS, CHANNELS, kernel],
        numbers(kernel, CHANNELS * CHANNELS * kernel),
      ),
    ],
  });
};

const convolutionBack = (kernel: number, stride: number, left: number): Step => {
  return (from, to) => ({
    nodes: [
      createNode('ConvTranspose', [from, `${to}.weight`, `${to}.bias`], [to], {
        kernel_shape: [kernel],
        strides: [stride],
        pads: [left, kernel - stride - left],
      }),
    ],
    weights: [
      createWeight(
        `${to}.weight`,
        'float32',
        [CHANNELS, CHANNELS, kernel],
        numbers(kernel, CHANNELS * CHANNELS * kernel),
      ),
      createWeight(`${to}.bias`, 'float32', [CHANNELS], numbers(stride, CHANNELS)),
    ],
  });
};

const operation = (op: string): Step => {
  return (from, to) => ({ nodes: [createNode(op, [from], [to])], weights: [] });
};

const integers = (name: string, values: readonly number[]) => createWeight(name, 'int64', [values.length], values);

/** Columns moved: some cut off at one end, as many zeros put to the other. */
const shift = (columns: number, earlier: boolean): Step => {
  return (from, to) => ({
    nodes: [
      createNode('Slice', [from, `${to}.start`, `${to}.end`, `${to}.axis`], [`${to}.cut`]),
      createNode('Pad', [`${to}.cut`, `${to}.pads`], [to]),
    ],
    weights: [
      integers(`${to}.start`, [earlier ? columns : 0]),
      integers(`${to}.end`, [earlier ? 2 ** 40 : -columns]),
      integers(`${to}.axis`, [2]),
      integers(`${to}.pads`, earlier ? [0, 0, 0, 0, 0, columns] : [0, 0, columns, 0, 0, 0]),
    ],
  });
};

/** A running sum, which would grow for ever: a small part of it is added to what it is of. */
const runningSum: Step = (from, to) => ({
  nodes: [
    createNode('CumSum', [from, `${to}.axis`], [`${to}.sum`]),
    createNode('Sin', [`${to}.sum`], [`${to}.sine`]),
    createNode('Add', [from, `${to}.sine`], [to]),
  ],
  weights: [createWeight(`${to}.axis`, 'int64', [], [2])],
});

/** Steps one after another, and what they are given added to what they give. */
const around = (steps: readonly Step[]): Step => {
  return (from, to) => {
    const inside = chain(steps)(from, `${to}.inside`);
    return { nodes: [...inside.nodes, createNode('Add', [from, `${to}.inside`], [to])], weights: inside.weights };
  };
};

const chain = (steps: readonly Step[]): Step => {
  return (from, to) => {
    const made = steps.map((step, i) =>
      step(i === 0 ? from : `${to}.${i}`, i === steps.length - 1 ? to : `${to}.${i + 1}`),
    );
    return { nodes: made.flatMap(({ nodes }) => nodes), weights: made.flatMap(({ weights }) => weights) };
  };
};

const same = fc
  .record({ reach: fc.integer({ min: 0, max: 3 }), dilation: fc.integer({ min: 1, max: 4 }) })
  .map(({ reach, dilation }) => convolution(2 * reach + 1, dilation, reach * dilation, reach * dilation));
const lopsided = fc
  .record({ left: fc.integer({ min: 0, max: 4 }), right: fc.integer({ min: 0, max: 4 }) })
  .map(({ left, right }) => convolution(left + right + 1, 1, left, right));
const keeping: fc.Arbitrary<Step> = fc.oneof(
  same,
  lopsided,
  fc.constantFrom('LeakyRelu', 'Tanh', 'Sigmoid', 'Sin').map(operation),
  fc.record({ columns: fc.integer({ min: 1, max: 3 }), earlier: fc.boolean() }).map((s) => shift(s.columns, s.earlier)),
  fc.constant(runningSum),
);
const block = fc.array(fc.oneof(keeping, fc.array(keeping, { minLength: 1, maxLength: 3 }).map(around)), {
  minLength: 1,
  maxLength: 4,
});
const upsampling = fc
  .record({ stride: fc.integer({ min: 1, max: 4 }), more: fc.integer({ min: 0, max: 6 }), left: fc.nat(6) })
  .map(({ stride, more, left }) => convolutionBack(stride + more, stride, Math.min(left, more)));
const downsampled = fc.record({ reach: fc.integer({ min: 0, max: 3 }), left: fc.nat(6) }).map(({ reach, left }) => {
  const span = 2 * reach + 1;
  // Every second column of twice as many: as many as before.
  return chain([
    convolutionBack(4, 2, 1),
    convolution(span + 1, 1, Math.min(left, span), span - Math.min(left, span), 2),
  ]);
});
const decoders: fc.Arbitrary<readonly Step[]> = fc
  .tuple(block, fc.oneof(upsampling, downsampled), block)
  .map(([before, up, after]) => [...before, up, ...after]);

const open = (steps: readonly Step[]): Promise<StreamedDecoderPart> => {
  const last: Step = (from, to) => ({
    nodes: [createNode('ReduceMean', [from], [to], { axes: [1], keepdims: 1 })],
    weights: [],
  });
  const { nodes, weights } = chain([...steps, last])('latent', 'sound');
  const all = new Map(weights.map((weight) => [weight.name, weight]));
  const cut: Pick<CutVoice, 'latent' | 'sound' | 'decoderNodes' | 'decoder'> = {
    latent: 'latent',
    sound: 'sound',

    decoderNodes: nodes,
    decoder: (_, rewritten = { nodes, outputs: [] }) =>
      writeOnnx({
        head,
        nodes: rewritten.nodes,
        weights: new Map([...all, ...(rewritten.weights ?? [])]),
        inputs: [createValue('latent', 'float32', [1, CHANNELS, 'T']), ...(rewritten.inputs ?? [])],
        outputs: ['sound', ...rewritten.outputs].map((name) => createValue(name)),
        metadata: new Map(),
      }),
  };
  const source = { cut, weights: all, handed: [], toDecoder: {}, frameCount: 100, latentChannels: CHANNELS };
  return StreamedDecoderPart.create(source, 'decoder', CPU);
};

const columnsOf = (matrix: Float32Array, width: number, first: number, end: number) =>
  Float32Array.from({ length: CHANNELS * (end - first) }, (_, i) => {
    const row = Math.floor(i / (end - first));
    return matrix[row * width + first + (i % (end - first))]!;
  });

test('whatever a decoder is made of and whatever pieces it gets, its pieces join to the whole', async () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(decoders, pieces, async (steps, lengths) => {
      const part = await open(steps);
      const [first = 1, ...rest] = lengths;
      const all = [part.graph.leastFrames + first - 1, ...rest];
      const frames = all.reduce((sum, length) => sum + length, 0);
      const latent = gaussianNoise(createRandom(1), CHANNELS * frames);

      const piece = (from: number, to: number) => ({
        latent: float32(columnsOf(latent, frames, from, to), [1, CHANNELS, to - from]),
      });
      const whole = await part.whole(piece(0, frames), frames);
      const joined: number[] = [];
      let remembered = part.nothing;
      let at = 0;
      for (const [i, length] of all.entries()) {
        const taken = await part.take(
          {
            handed: piece(at, at + length),
            noise: {},
            isFirst: i === 0,
            isLast: i === all.length - 1,
          },
          remembered,
        );
        joined.push(...taken.samples);
        remembered = taken.remembered;
        at += length;
        const { hopSamples, lagSamples } = part.graph;
        if (i < all.length - 1) expect(joined).toHaveLength(at * hopSamples - lagSamples);
      }
      await part.release();

      // A wrong column would differ by about as much as the peak; sums of single precision differ by their rounding.
      const peak = whole.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
      expect(joined).toHaveLength(whole.length);
      expect(joined.reduce((worst, x, i) => Math.max(worst, Math.abs(x - whole[i]!)), 0) / peak).toBeLessThan(1e-4);
    }),
    { numRuns: 20 },
  );
});

test('a decoder with an operation that no rule is known for, or with one over all of time, is refused', async () => {
  await expect(open([operation('GlobalAveragePool')])).rejects.toThrow(NotStreamable);
  await expect(open([operation('ThresholdedRelu')])).rejects.toThrow(/has a ThresholdedRelu/);
});

test.each([
  { name: 'Piper', write: (folder: string) => writePiper(folder, 'one') },
  {
    name: 'Piper with three speakers',
    write: (folder: string) =>
      writePiper(folder, 'three', { num_speakers: 3, speaker_id_map: { ann: 0, ben: 1, cleo: 2 } }, 'piper-speakers'),
  },
  { name: 'Piper with a source', write: (folder: string) => writePiper(folder, 'source', piperSource, 'piper-source') },
  { name: 'Transformers', write: (folder: string) => writeTransformers(folder) },
  {
    name: 'sherpa-onnx',
    write: (folder: string) => {
      const symbols = [' ', ',', '.', 'h', 'e', 'l', 'o'];
      const metadata = { comment: 'ljs', language: 'English', add_blank: 1, n_speakers: 0, sample_rate: 22_050 };
      return writeSherpa(folder, 'sherpa', metadata, symbols, ['hello h e l l o']);
    },
  },
])('a voice of $name makes the same sound in windows of any lengths, one frame among them', async ({ write }) => {
  const file = (await findModelFile(await write(await temporaryFolder()))) ?? '';
  const voice = await loadVitsVoice(await readVoiceFiles(file, systemClock), CPU);
  const encode = () => voice.encode('hello hello', { speed: 1, seed: 3 });
  const { speech, frameCount } = await encode();
  const whole = await voice.decode(speech, 0, frameCount);

  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), async (lengths) => {
      const chunk = await encode();
      const joined: number[] = [];
      for (let first = 0, i = 0; first < frameCount; i++) {
        const end = Math.min(frameCount, first + lengths[i % lengths.length]!);
        joined.push(...(await voice.decode(chunk.speech, first, end)));
        first = end;
      }
      expect(joined).toHaveLength(whole.length);
      expect(joined.reduce((worst, x, i) => Math.max(worst, Math.abs(x - whole[i]!)), 0)).toBeLessThan(1e-5);
    }),
    { numRuns: 5 },
  );
  expect(voice.facts.contextFrom).toBe('memory');
  expect(whole.some((sample) => Math.abs(sample) > 0.1)).toBe(true);
  await voice.release();
});

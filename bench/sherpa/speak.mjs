/**
 * Speaks with sherpa-onnx in a process of its own, whose onnxruntime is another one: `node speak.mjs MODEL < sentences`, one a line.
 * Writes a JSON line for each: ms to its sound, which comes in one piece, ms of the processor, and seconds of sound.
 */
import { dirname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import sherpa from 'sherpa-onnx-node';

const model = process.argv[2];
const folder = dirname(model);
const voice = new sherpa.OfflineTts({
  model: {
    vits: {
      model,
      lexicon: join(folder, 'lexicon.txt'),
      tokens: join(folder, 'tokens.txt'),
      noiseScale: 0.4,
      noiseScaleW: 0.2,
      lengthScale: 1,
    },
    numThreads: 1,
    provider: 'cpu',
  },
  maxNumSentences: 1,
});
for await (const text of createInterface({ input: process.stdin })) {
  const began = process.cpuUsage();
  const startMs = performance.now();
  const { samples, sampleRate } = voice.generate({ text, sid: 0, speed: 1 });
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(began);
  const cpuMs = (user + system) / 1000;
  process.stdout.write(`${JSON.stringify({ wallMs, cpuMs, seconds: samples.length / sampleRate })}\n`);
}

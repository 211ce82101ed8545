/**
 * Loaded before the program (`node --import`): breaks one of its threads when the process gets SIGUSR2. `BREAK` says which and how:
 * `speech-1 throw`, `media exit`, `media hang`, `media codec` (every encoder fails for a second).
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import process from 'node:process';
import { BroadcastChannel, isMainThread, Worker } from 'node:worker_threads';

const CODEC_MS = 1000;

const [name, how] = (process.env['BREAK'] ?? '').split(' ');
const faults = new BroadcastChannel('faults');
faults.unref();

if (isMainThread) {
  // A thread cannot know its name before Node 24: it is told.
  class NamedWorker extends Worker {
    constructor(entry, options) {
      super(entry, { ...options, env: { ...process.env, THREAD: options?.name } });
    }
  }
  createRequire(import.meta.url)('node:worker_threads').Worker = NamedWorker;
  syncBuiltinESMExports();
  process.on('SIGUSR2', () => faults.postMessage({ name, how }));
} else {
  const breakCodecs = async () => {
    const { CodecContext } = await import('node-av');
    const invalidArgument = -22;
    const whole = Object.getOwnPropertyDescriptors(CodecContext.prototype);
    Object.assign(CodecContext.prototype, {
      sendFrame: async () => invalidArgument,
      sendFrameSync: () => invalidArgument,
    });
    setTimeout(() => Object.defineProperties(CodecContext.prototype, whole), CODEC_MS);
  };
  faults.onmessage = ({ data }) => {
    if (data.name !== process.env['THREAD']) return;
    if (data.how === 'throw') throw new Error('broken on purpose');
    if (data.how === 'exit') process.exit(1);
    if (data.how === 'codec') void breakCodecs();
    // oxlint-disable-next-line no-empty
    if (data.how === 'hang') for (;;) {}
  };
}

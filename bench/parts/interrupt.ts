import { delay } from '../../src/clock.ts';
import { createRandom } from '../../src/models/random.ts';
import { type Figure, distribution } from '../figures.ts';
import type { BenchContext, BenchPart } from '../part.ts';
import { withServer } from '../support/server-process.ts';
import { SocketClient } from '../support/socket-client.ts';
import { SENTENCES } from '../support/texts.ts';

/** How far into the speech it is interrupted; before the end of any of the sentences. */
const INTO_MS = { least: 500, most: 1_500 };
/** How long is listened for what still comes. */
const LISTEN_MS = 600;
/** Utterances before the first that counts. */
const WARM_UP = 1;

/** From `interrupt` to the last packet that can be heard. */
export const interrupt: BenchPart = {
  name: 'interrupt',
  measure: (context) => withServer(context, {}, ({ address }) => interruptAt(address, context)),
};

const interruptAt = async (address: string, context: BenchContext): Promise<Figure[]> => {
  const { clock, seed, repeats, progress, signal, trace } = context;
  const media = {
    transport: 'websocket',
    audio: { codec: 'pcm_s16le' },
    video: true,
    motion: false,
    leadMs: 0,
  } as const;
  using client = await SocketClient.open(address, media, context);
  const random = createRandom(seed);
  const lastSound: number[] = [];
  const confirmed: number[] = [];
  for (let i = 0; i < WARM_UP + repeats; i++) {
    progress.show(`${Math.max(0, i + 1 - WARM_UP)} of ${repeats}`);
    client.forget();
    const started = client.next('utterance.started');
    client.say(`interrupt-${i}`, SENTENCES[i % SENTENCES.length]!);
    await started;
    await delay(clock, INTO_MS.least + random.uniform() * (INTO_MS.most - INTO_MS.least), signal);
    const finished = client.next('utterance.finished');
    const sentMs = client.send({ type: 'interrupt' });
    await finished;
    const confirmedMs = clock.nowMs();
    await delay(clock, LISTEN_MS, signal);
    const last = client.frames.findLast(({ audible }) => audible);
    if (i < WARM_UP || !last) continue;
    lastSound.push(Math.max(0, last.atMs - sentMs));
    trace('interrupt → silence', sentMs, Math.max(0, last.atMs - sentMs));
    confirmed.push(confirmedMs - sentMs);
  }
  return [
    distribution('interrupt → last audible packet', 'ms', lastSound),
    distribution('interrupt → utterance.finished', 'ms', confirmed),
  ];
};

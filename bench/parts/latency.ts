import { delay } from '../../src/clock.ts';
import { PACKET_MS } from '../../src/media.ts';
import { createRandom } from '../../src/models/random.ts';
import { type Figure, distribution } from '../figures.ts';
import type { BenchContext, BenchPart } from '../part.ts';
import { withServer } from '../support/server-process.ts';
import { SocketClient } from '../support/socket-client.ts';
import { SENTENCES } from '../support/texts.ts';
import { openViewer } from '../support/viewer.ts';

/** Said before anything is measured: the first use of a model reserves its memory. */
const WARM_UP = 2;
/** Silence before an utterance: long enough to be idle again, and of random length, so that utterances meet slots anywhere. */
const PAUSE_MS = { least: 600, most: 1_400 };

const AUDIO_GOAL = { goal: { of: 'p50', limit: 250 } } as const;
const VIDEO_GOAL = { goal: { of: 'p50', limit: 400 } } as const;

/** From the arrival of a sentence of twelve words to its first sound and picture, warm. */
export const latency: BenchPart = {
  name: 'latency',
  measure: (context) =>
    withServer(context, {}, async ({ address }) => [
      ...(await measureSent(address, context)),
      ...(await measureReceived(address, context)),
    ]),
};

/** Calls `speak` for every utterance, with pauses; the results of the warm-up are not given. */
const speakAll = async <Result>(
  { clock, seed, repeats, progress, signal }: BenchContext,
  where: string,
  speak: (utterance: string, sentence: string) => Promise<Result>,
): Promise<Result[]> => {
  const random = createRandom(seed);
  const results: Result[] = [];
  for (let i = 0; i < WARM_UP + repeats; i++) {
    progress.show(`${where}, utterance ${Math.max(0, i + 1 - WARM_UP)} of ${repeats}`);
    await delay(clock, PAUSE_MS.least + random.uniform() * (PAUSE_MS.most - PAUSE_MS.least), signal);
    const result = await speak(`latency-${i}`, SENTENCES[i % SENTENCES.length]!);
    if (i >= WARM_UP) results.push(result);
  }
  return results;
};

/** What the server itself tells while it speaks to Chromium. */
const measureSent = async (address: string, context: BenchContext): Promise<Figure[]> => {
  await using viewer = await openViewer(address, context.seed, context.signal);
  const told = await speakAll(context, 'Chromium', async (utterance, sentence) => {
    const stats = await viewer.say(utterance, sentence);
    const { textToAudioMs = null, textToVideoMs = null } = stats ?? {};
    if (textToAudioMs !== null) context.trace('text → sound, WebRTC', context.clock.nowMs(), textToAudioMs);
    if (textToVideoMs !== null) context.trace('text → face, WebRTC', context.clock.nowMs(), textToVideoMs);
    return stats;
  });
  const known = (values: readonly (number | null | undefined)[]) => values.filter((value) => typeof value === 'number');
  return [
    distribution('text → first sound sent, WebRTC', 'ms', known(told.map((stats) => stats?.textToAudioMs)), AUDIO_GOAL),
    distribution(
      'text → first talking frame sent, WebRTC',
      'ms',
      known(told.map((stats) => stats?.textToVideoMs)),
      VIDEO_GOAL,
    ),
  ];
};

/** What a client sees that takes PCM and frames from the socket, without lead. */
const measureReceived = async (address: string, context: BenchContext): Promise<Figure[]> => {
  const media = {
    transport: 'websocket',
    audio: { codec: 'pcm_s16le' },
    video: true,
    motion: false,
    leadMs: 0,
  } as const;
  using client = await SocketClient.open(address, media, context);
  const times = await speakAll(context, 'WebSocket', async (utterance, sentence) => {
    client.forget();
    const started = client.next('utterance.started');
    const finished = client.next('utterance.finished');
    const sentMs = client.say(utterance, sentence);
    const [{ startMs }] = await Promise.all([started, finished]);
    const first = (kind: 'audio' | 'video', audible: boolean) => {
      const frame = client.frames.find(
        (one) => one.kind === kind && one.mediaTimeMs > startMs - PACKET_MS && (one.audible || !audible),
      );
      return frame ? frame.atMs - sentMs : null;
    };
    const [sound, picture] = [first('audio', false), first('video', false)];
    if (sound !== null) context.trace('text → sound, WebSocket', sentMs, sound);
    if (picture !== null) context.trace('text → face, WebSocket', sentMs, picture);
    return { sound, audible: first('audio', true), picture };
  });
  const known = (kind: 'sound' | 'audible' | 'picture') =>
    times.map((time) => time[kind]).filter((value) => value !== null);
  return [
    distribution('text → first packet of speech received, WebSocket', 'ms', known('sound'), AUDIO_GOAL),
    distribution('text → first audible packet received, WebSocket', 'ms', known('audible')),
    distribution('text → first talking frame received, WebSocket', 'ms', known('picture'), VIDEO_GOAL),
  ];
};

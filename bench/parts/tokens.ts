import { delay } from '../../src/clock.ts';
import { type Figure, distribution } from '../figures.ts';
import type { BenchContext, BenchPart } from '../part.ts';
import { withServer } from '../support/server-process.ts';
import { SocketClient } from '../support/socket-client.ts';
import { tokensOf } from '../support/texts.ts';

/** Tokens a second: slow and fast language models. */
const RATES = [10, 20, 50, 100] as const;
/** Tokens of an answer; its first sound comes long before their end. */
const TOKENS = 60;
/** Said before anything is measured. */
const WARM_UP = 1;
const PAUSE_MS = 300;
const POLL_MS = 5;

/** From the first token of an answer to its first sound, when the text comes token by token as a language model writes it. */
export const tokens: BenchPart = {
  name: 'tokens',
  measure: (context) =>
    withServer(context, {}, async ({ address }) => {
      const media = { transport: 'websocket', audio: { codec: 'pcm_s16le' }, motion: false, leadMs: 0 } as const;
      using client = await SocketClient.open(address, media, context);
      const figures: Figure[] = [];
      for (const rate of RATES) {
        const times = await listen(client, context, rate);
        figures.push(distribution(`first token → first packet of speech, ${rate} tokens a second`, 'ms', times));
      }
      return figures;
    }),
};

/** Speaks answers that come at `rate` tokens a second, each until its first sound. @returns the times to that, in ms */
const listen = async (
  client: SocketClient,
  { clock, repeats, progress, signal }: BenchContext,
  rate: number,
): Promise<number[]> => {
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + repeats; i++) {
    progress.show(`${rate} tokens a second, answer ${Math.max(0, i + 1 - WARM_UP)} of ${repeats}`);
    await delay(clock, PAUSE_MS, signal);
    client.forget();
    const utterance = `tokens-${rate}-${i}`;
    // Rejects when the server reports an error.
    const started = client.next('utterance.started');
    started.catch(() => undefined);
    const firstMs = clock.nowMs();
    for (const [k, text] of tokensOf(i, TOKENS).entries()) {
      await delay(clock, Math.max(0, firstMs + (k * 1000) / rate - clock.nowMs()), signal);
      if (soundOf(client)) break;
      client.send({ type: 'utterance.append', utterance, text });
    }
    await started;
    let sound = soundOf(client);
    for (; !sound; sound = soundOf(client)) await delay(clock, POLL_MS, signal);
    if (i >= WARM_UP) times.push(sound.atMs - firstMs);
    const finished = client.next('utterance.finished');
    client.send({ type: 'interrupt' });
    await finished;
  }
  return times;
};

/** Without picture nothing is sent in silence: the first packet is speech. */
const soundOf = (client: SocketClient) => client.frames.find(({ kind }) => kind === 'audio');

/** LiveKit's plugin for ElevenLabs, unmodified: its agents speak through this server by their base URL. */
import { existsSync } from 'node:fs';
import type { TTS } from '@livekit/agents-plugin-elevenlabs';
import { describe, expect, test } from 'vitest';
import { type AdapterServer, startAdapterServer, until } from '../support/adapter-server.ts';

/** Its 290 MB are installed only where this is tested: `npm ci --prefix test/livekit`. */
const isInstalled = existsSync(new URL('node_modules', import.meta.url));
const plugin = isInstalled ? await import('@livekit/agents-plugin-elevenlabs') : null;
if (isInstalled) (await import('@livekit/agents')).initializeLogger({ pretty: false, level: 'silent' });

const ttsOf = ({ http }: AdapterServer, options: ConstructorParameters<typeof TTS>[0] = {}) =>
  new plugin!.TTS({ apiKey: 'any', baseURL: `${http}/v1`, voiceId: 'fake', encoding: 'pcm_16000', ...options });

interface Heard {
  durationMs: number;
  words: { text: string; startS: number; endS: number }[];
}

const speak = async (tts: TTS, tokens: readonly string[]): Promise<Heard> => {
  const stream = tts.stream();
  for (const token of tokens) stream.pushText(token);
  stream.endInput();
  const heard: Heard = { durationMs: 0, words: [] };
  for await (const event of stream) {
    if (typeof event === 'symbol') continue;
    heard.durationMs += (event.frame.samplesPerChannel / event.frame.sampleRate) * 1000;
    for (const { text, startTime, endTime } of event.timedTranscripts ?? []) {
      heard.words.push({ text, startS: startTime ?? -1, endS: endTime ?? -1 });
    }
  }
  return heard;
};

describe.skipIf(!isInstalled)('LiveKit’s plugin', () => {
  test('speaks a token stream, with the times of its words', async () => {
    const tts = ttsOf(await startAdapterServer());

    const heard = await speak(tts, ['One two ', 'three four five six. ', 'Seven eight nine ten eleven twelve.']);

    expect(heard.durationMs).toBe(2400);
    expect(
      heard.words
        .map(({ text }) => text)
        .join('')
        .trim(),
    ).toBe('One two three four five six. Seven eight nine ten eleven twelve.');
    const starts = heard.words.map(({ startS }) => startS);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(heard.words.at(-1)?.endS).toBeGreaterThan(2.2);
    expect(heard.words.at(-1)?.endS).toBeLessThanOrEqual(2.4);
    await tts.close();
  });

  test('speaks word by word with a schedule instead of sentences', async () => {
    const tts = ttsOf(await startAdapterServer(), { autoMode: false, chunkLengthSchedule: [50, 80] });

    const heard = await speak(tts, ['One two three four. ', 'Five six seven eight.']);

    expect(heard.durationMs).toBe(1600);
    await tts.close();
  });

  test('says one thing after another over one socket', async () => {
    const server = await startAdapterServer();
    const tts = ttsOf(server);

    const first = await speak(tts, ['One two three four five six.']);
    const second = await speak(tts, ['Seven eight.']);

    expect([first.durationMs, second.durationMs]).toEqual([1200, 400]);
    expect(await server.sessions()).toBe(1);
    await tts.close();
    await until(async () => (await server.sessions()) === 0);
  });

  test('gets a whole text over HTTP', async () => {
    const tts = ttsOf(await startAdapterServer());

    let durationMs = 0;
    for await (const { frame } of tts.synthesize('One two three.')) {
      durationMs += (frame.samplesPerChannel / frame.sampleRate) * 1000;
    }

    expect(durationMs).toBe(600);
    await tts.close();
  });

  test('lists the voices', async () => {
    const tts = ttsOf(await startAdapterServer());

    expect(await tts.listVoices()).toMatchObject([{ id: 'fake', name: 'fake' }]);
    await tts.close();
  });
});

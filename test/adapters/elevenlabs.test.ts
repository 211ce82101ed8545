/** ElevenLabs' real client, unmodified, against this server; it has no WebSocket for text, but the schemas of its messages. */
import { ElevenLabsClient } from '@elevenlabs/elevenlabs-js';
import serialization from '@elevenlabs/elevenlabs-js/serialization/index.js';
import { describe, expect, test } from 'vitest';
import { type AdapterServer, startAdapterServer, until } from '../support/adapter-server.ts';
import { decodeAudio } from '../support/decode-audio.ts';
import { openStream } from '../support/elevenlabs-stream.ts';

/** Says 1.6 s with the fake voice. */
const TEXT = 'One two three four. Five six seven eight.';
const VOICE = 'fake';

const clientOf = ({ http }: AdapterServer) => new ElevenLabsClient({ baseUrl: http, apiKey: 'any', maxRetries: 0 });
const collect = async (stream: ReadableStream<Uint8Array>): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
};

describe('the ElevenLabs client over HTTP', () => {
  test.each(['mp3_44100_128', 'mp3_22050_32', 'opus_48000_64', 'wav_24000'] as const)(
    'gets speech as %s',
    async (outputFormat) => {
      const client = clientOf(await startAdapterServer());

      const stream = await client.textToSpeech.convert(VOICE, {
        text: TEXT,
        modelId: 'eleven_turbo_v2_5',
        outputFormat,
      });

      const [format = '', rate] = outputFormat.split('_');
      const { pcm, sampleRateHz } = await decodeAudio(await collect(stream), format);
      expect(sampleRateHz).toBe(Number(rate));
      expect((pcm.length / sampleRateHz) * 1000).toBeGreaterThanOrEqual(1600);
      expect((pcm.length / sampleRateHz) * 1000).toBeLessThan(1800);
    },
  );

  test.each([
    ['pcm_8000', 16],
    ['pcm_22050', 44.1],
    ['ulaw_8000', 8],
    ['alaw_8000', 8],
  ] as const)('gets a stream of %s, as long as the speech', async (outputFormat, bytesPerMs) => {
    const client = clientOf(await startAdapterServer());

    const bytes = await collect(await client.textToSpeech.stream(VOICE, { text: TEXT, outputFormat }));

    expect(bytes.length).toBe(1600 * bytesPerMs);
  });

  test('gets the times of all characters with the whole sound', async () => {
    const client = clientOf(await startAdapterServer());

    const reply = await client.textToSpeech.convertWithTimestamps(VOICE, { text: TEXT, outputFormat: 'pcm_16000' });

    const ends = reply.alignment?.characterEndTimesSeconds ?? [];
    expect(Buffer.from(reply.audioBase64, 'base64').length).toBe(1600 * 32);
    expect(reply.alignment?.characters.join('')).toBe(TEXT);
    expect(ends.at(-1)).toBe(1.6);
  });

  test('gets the times of characters along with the stream', async () => {
    const client = clientOf(await startAdapterServer());

    const lines = await client.textToSpeech.streamWithTimestamps(VOICE, { text: TEXT, outputFormat: 'pcm_16000' });
    let bytes = 0;
    let heardS = 0;
    let characters = '';
    for await (const line of lines) {
      bytes += Buffer.from(line.audioBase64, 'base64').length;
      heardS = bytes / 32_000;
      characters += line.alignment?.characters.join('') ?? '';
      for (const start of line.alignment?.characterStartTimesSeconds ?? []) expect(start).toBeLessThanOrEqual(heardS);
    }

    expect(heardS).toBe(1.6);
    expect(characters).toBe(TEXT);
  });

  test('finds the voices, and the server’s voice behind an id of ElevenLabs', async () => {
    const client = clientOf(await startAdapterServer());

    const all = await client.voices.getAll();
    const found = await client.voices.search();
    const one = await client.voices.get(VOICE);
    const models = await client.models.list();
    const bytes = await collect(
      await client.textToSpeech.convert('bIHbv24MWmeRgasZH58o', { text: 'One.', outputFormat: 'pcm_16000' }),
    );

    expect(all.voices).toMatchObject([{ voiceId: VOICE, name: VOICE }]);
    expect(found.voices).toMatchObject([{ voiceId: VOICE }]);
    expect(one.voiceId).toBe(VOICE);
    expect(models).toMatchObject([{ modelId: 'visavis', canDoTextToSpeech: true }]);
    expect(bytes.length).toBe(200 * 32);
  });

  test('is told what is wrong in ElevenLabs’ form', async () => {
    const server = await startAdapterServer();
    const client = clientOf(server);

    await expect(client.textToSpeech.convert('nobody', { text: TEXT })).rejects.toMatchObject({
      statusCode: 404,
      body: { detail: { status: 'voice_not_found', message: expect.stringContaining('fake') } },
    });
    await expect(client.textToSpeech.convert(VOICE, { text: '' })).rejects.toMatchObject({ statusCode: 422 });
    // The client lets no other format through.
    const url = `${server.http}/v1/text-to-speech/${VOICE}?output_format=mp3_48000`;
    const reply = await fetch(url, { method: 'POST', body: JSON.stringify({ text: TEXT }) });
    expect([reply.status, await reply.json()]).toMatchObject([400, { detail: { status: 'invalid_output_format' } }]);
  });
});

describe('the schemas of the ElevenLabs client', () => {
  test.each([
    ['stream-input', serialization.ReceiveMessage],
    ['multi-stream-input', serialization.ReceiveMessageMulti],
  ] as const)('take every message of %s', async (kind, schema) => {
    const { messages, send } = await openStream(await startAdapterServer(), kind);

    send({ text: ' ', voice_settings: { stability: 0.5 } });
    send({ text: TEXT, flush: true });
    send(kind === 'stream-input' ? { text: '' } : { close_socket: true });
    await until(() => messages.at(-1)?.isFinal === true);

    for (const message of messages) {
      const parsed = schema.parse(message, { unrecognizedObjectKeys: 'passthrough' });
      expect(parsed.ok, JSON.stringify(parsed)).toBe(true);
    }
  });
});

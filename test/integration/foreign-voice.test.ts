import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../src/stream/messages.ts';
import { writePiper } from '../support/foreign-voices.ts';
import { startPageServer } from '../support/page-server.ts';
import { temporaryFolder } from '../support/program.ts';

/** A session over a WebSocket, as fast as sound is made, with everything that it is sent. */
const connect = async (address: string, voice: string) => {
  const socket = new WebSocket(`${address.replace('http', 'ws')}/v1/session`, 'visavis.v1');
  const messages: ServerMessage[] = [];
  const packets: Buffer[] = [];
  socket.on('message', (data: Buffer, binary) => {
    if (!binary) messages.push(JSON.parse(data.toString()) as ServerMessage);
    else if (data[0] === 1) packets.push(data.subarray(12));
  });
  await once(socket, 'open');
  const send = (message: object) => socket.send(JSON.stringify(message));
  const media = { transport: 'websocket', audio: { codec: 'pcm_s16le' }, leadMs: null };
  send({ type: 'session.open', seed: 1, voice, media });
  const until = async <T extends ServerMessage['type']>(type: T, utterance: string) => {
    for (;;) {
      const found = messages.find(
        (message) => message.type === type && 'utterance' in message && message.utterance === utterance,
      );
      if (found) return found as Extract<ServerMessage, { type: T }>;
      await once(socket, 'message');
    }
  };
  const say = async (utterance: string, text: string) => {
    send({ type: 'utterance.append', utterance, text });
    send({ type: 'utterance.end', utterance });
    return until('utterance.finished', utterance);
  };
  return { socket, messages, packets, say };
};

test('voices of 22,050 and 44,100 Hz in the format of Piper play through the server at the right speed', async () => {
  const folder = await temporaryFolder();
  const config = join(folder, 'config.json');
  const voices = {
    slow: await writePiper(folder, 'slow'),
    quick: await writePiper(folder, 'quick', { audio: { sample_rate: 44_100 } }),
  };
  await writeFile(config, JSON.stringify({ voices }));
  await using server = await startPageServer(['--config', config]);
  const durations: number[] = [];

  for (const voice of ['slow', 'quick']) {
    const client = await connect(server.url, voice);
    const finished = await client.say('a', 'hello there, this is a voice from somewhere else.');
    const words = client.messages.flatMap((message) => (message.type === 'utterance.words' ? message.words : []));
    const samples = Buffer.concat(client.packets);
    const loudest = new Int16Array(new Uint8Array(samples).buffer).reduce((peak, x) => Math.max(peak, Math.abs(x)), 0);

    expect(finished.reason).toBe('completed');
    expect(words.map(({ text }) => text)).toEqual('hello there this is a voice from somewhere else'.split(' '));
    expect(words.at(-1)!.endMs - words[0]!.startMs).toBeLessThanOrEqual(finished.durationMs);
    expect(loudest).toBeGreaterThan(3000);
    durations.push(words.at(-1)!.endMs - words[0]!.startMs);

    await client.say('b', 'Привет, мир');
    const again = await client.say('c', 'and on it goes');
    expect(client.messages).toContainEqual(expect.objectContaining({ type: 'error', code: 'bad_text' }));
    expect(again.reason).toBe('completed');
    client.socket.terminate();
  }
  // The same frames at twice the rate.
  expect(durations[0]! / durations[1]!).toBeCloseTo(2, 1);

  const listed = (await (await fetch(`${server.url}/v1/voices`)).json()) as {
    voices: { name: string; sampleRateHz: number }[];
  };
  expect(listed.voices).toContainEqual(
    expect.objectContaining({ name: 'slow', language: 'en-US', sampleRateHz: 22_050 }),
  );
});

test('when the program that reads a text dies, the sentence fails with an error and the session goes on', async () => {
  const folder = await temporaryFolder();
  const program = join(folder, 'espeak-ng');
  // In the place of espeak-ng: answers with the letters of a line, and dies at one word.
  await writeFile(
    program,
    `#!${process.execPath}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.includes('doomed')) process.exit(3);
  process.stdout.write(line + '\\n');
});
`,
    { mode: 0o755 },
  );
  const config = join(folder, 'config.json');
  const voices = { reader: await writePiper(folder, 'reader', { phoneme_type: 'espeak' }) };
  await writeFile(config, JSON.stringify({ voices }));
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}:${path}`;
  onTestFinished(() => {
    process.env['PATH'] = path;
  });
  await using server = await startPageServer(['--config', config]);
  const client = await connect(server.url, 'reader');

  await client.say('a', 'this is read');
  await client.say('b', 'this one is doomed');
  const after = await client.say('c', 'and this is read again');

  expect(client.messages).toContainEqual(
    expect.objectContaining({
      type: 'error',
      code: 'inference_failed',
      message: expect.stringContaining('espeak-ng ended'),
    }),
  );
  const words = client.messages.flatMap((message) => (message.type === 'utterance.words' ? message.words : []));
  expect(words.map(({ text }) => text)).toEqual('this is read and this is read again'.split(' '));
  expect(after.reason).toBe('completed');
  client.socket.terminate();
});

/** A server whose face takes too long to draw: the real media thread and clock, a fake face. */
import { once } from 'node:events';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../../config/load.ts';
import { systemClock } from '../../src/clock.ts';
import { RUNGS } from '../../src/pipeline/rungs.ts';
import { createMediaServer } from '../../src/stream/media/media-client.ts';
import type { ServerMessage } from '../../src/stream/messages.ts';
import { startServer } from '../../src/stream/server.ts';
import { fakeFace, fakeInference } from '../support/fake-models.ts';

const start = async (renderMs: number) => {
  const config = loadConfig(undefined, { port: 0, voice: 'fake', avatar: 'fake' });
  const media = await createMediaServer();
  const face = { ...fakeFace(), size: 64 };
  const lines: { readonly msg: string; readonly stage?: string }[] = [];
  const server = await startServer({
    config,
    clock: systemClock,
    log: pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }),
    inference: fakeInference({
      face: {
        ...face,
        async render() {
          await new Promise((resolve) => setTimeout(resolve, renderMs));
          return new Uint8Array((64 * 64 * 3) / 2).fill(100);
        },
      },
    }),
    media,
    chat: null,
    pageFolders: [],
    portraitOf: () => null,
  });
  onTestFinished(async () => {
    await server.close();
    await media.close();
  });
  return { server, lines };
};

test('a face that is drawn too slowly costs picture, rung by rung and no more than needed, and never a gap in the sound', async () => {
  const { server, lines } = await start(150);
  const socket = new WebSocket(`${server.address.replace('http', 'ws')}/v1/session`, 'visavis.v1');
  onTestFinished(() => socket.terminate());
  const stats: Extract<ServerMessage, { type: 'stats' }>[] = [];
  socket.on('message', (data: Buffer, binary) => {
    const message = binary ? null : (JSON.parse(data.toString()) as ServerMessage);
    if (message?.type === 'stats') stats.push(message);
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'session.open', media: { transport: 'websocket', video: true, leadMs: 0 } }));
  const words = Array.from({ length: 80 }, (_, i) => `word${i}`).join(' ');
  socket.send(JSON.stringify({ type: 'utterance.append', utterance: 'u', text: `${words}.` }));
  socket.send(JSON.stringify({ type: 'utterance.end', utterance: 'u' }));

  while (stats.at(-1)?.degradation !== 'mouth-only') await once(socket, 'message');
  while (stats.at(-1)?.textToAudioMs === null) await once(socket, 'message');

  const told = stats.map(({ degradation }) => degradation).filter((each, i, all) => each !== all[i - 1]);
  const order = RUNGS.map(({ name }) => name);
  expect(order.slice(0, 4).join()).toContain(told.join());
  expect(stats.map(({ audioGaps }) => audioGaps)).toEqual(stats.map(() => 0));
  expect(stats.some(({ lateStage }) => lateStage !== null)).toBe(true);
  expect(lines.find(({ msg }) => msg === 'session is late')).toMatchObject({ session: expect.any(String) });
  const metrics = await (await fetch(`${server.address}/metrics`)).text();
  expect(metrics).toMatch(/visavis_ladder_steps_total\{direction="down"\} [3-9]/);
  expect(metrics).toMatch(/visavis_late_frame_causes_total\{stage="[a-z-]+"\} \d/);
});

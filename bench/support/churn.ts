/** Clients that come, speak, interrupt and vanish: what a server has to survive for long. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { type Clock, delay } from '../../src/clock.ts';
import type { Random } from '../../src/models/random.ts';
import { type ServerMessage, SUBPROTOCOL } from '../../src/stream/messages.ts';
import { SENTENCES } from './texts.ts';
import { createWeriftViewer } from './werift-viewer.ts';

/** A visit that takes longer is broken off, and counted as failed. */
const PATIENCE_MS = 60_000;

/** What a visitor does, and how often of a hundred visits. */
const VISITS = {
  /** Connects, opens, and is gone. */
  vanish: 35,
  /** Hears a sentence to its end, over the WebSocket. */
  listen: 10,
  /** Stops a sentence in the middle, some of them twice. */
  interrupt: 15,
  /** Is gone in the middle of a sentence, without a word. */
  'vanish in speech': 15,
  /** Watches over WebRTC, and says good-bye. */
  watch: 5,
  /** Is gone from WebRTC without a word. */
  'vanish from WebRTC': 10,
  /** Asks for speech by HTTP, and some do not wait for it. */
  'speech by HTTP': 5,
  /** Sends half a request, or nonsense. */
  nonsense: 5,
} as const;
export type Visit = keyof typeof VISITS;

const NONSENSE = [
  'GET /v1/session HTTP/1.1\r\nHost: x\r\nUpgr',
  'GET //%zz HTTP/1.1\r\nHost: \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000',
] as const;

export interface ChurnDeps {
  readonly address: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** The visit that a number in 0…1 stands for. */
export const visitOf = (draw: number): Visit => {
  const entries = Object.entries(VISITS) as [Visit, number][];
  const total = entries.reduce((sum, [, share]) => sum + share, 0);
  let left = draw * total;
  return entries.find(([, share]) => (left -= share) < 0)?.[0] ?? 'vanish';
};

/** Makes one visit. @throws {Error} when the server does not do its part. */
export const makeVisit = async (visit: Visit, deps: ChurnDeps): Promise<void> => {
  const stopping = new AbortController();
  const signal = AbortSignal.any([deps.signal, stopping.signal]);
  const tooLong = delay(deps.clock, PATIENCE_MS, signal).then(() => {
    throw new Error(`${visit}: took longer than ${PATIENCE_MS} ms`);
  });
  try {
    await Promise.race([PERFORM[visit]({ ...deps, signal }), tooLong]);
  } finally {
    stopping.abort(new Error('the visit is over'));
    // It may be over before its time, which is no failure.
    await tooLong.catch(() => undefined);
  }
};

/** One socket of `/v1/session`. */
const openSocket = async ({ address, signal }: ChurnDeps, media: object) => {
  const socket = new WebSocket(`${address.replace('http', 'ws')}/v1/session`, SUBPROTOCOL);
  const messages: ServerMessage[] = [];
  let wake = () => undefined as void;
  const failed = new Promise<never>((_resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed the socket')));
    signal.addEventListener('abort', () => {
      socket.terminate();
      reject(signal.reason);
    });
  });
  // Waited for only while a message is expected.
  failed.catch(() => undefined);
  socket.on('message', (data: Buffer, binary) => {
    if (binary) return;
    messages.push(JSON.parse(data.toString()) as ServerMessage);
    wake();
  });
  const send = (message: object) => socket.send(JSON.stringify(message));
  const until = async <Type extends ServerMessage['type']>(type: Type) => {
    for (;;) {
      const at = messages.findIndex((message) => message.type === type);
      if (at >= 0) return messages.splice(at, 1)[0] as Extract<ServerMessage, { type: Type }>;
      const error = messages.find((message) => message.type === 'error');
      if (error) throw new Error(`${error.code}: ${error.message}`);
      await Promise.race([new Promise<void>((resolve) => (wake = resolve)), failed]);
    }
  };
  await Promise.race([once(socket, 'open'), failed]);
  send({ type: 'session.open', media });
  await until('session.opened');
  return { socket, send, until };
};

const SOUND_AND_PICTURE = { transport: 'websocket', audio: { codec: 'opus' }, video: true, leadMs: 0 };

const speak = async (deps: ChurnDeps, media: object) => {
  const session = await openSocket(deps, media);
  const say = async () => {
    const text = SENTENCES[Math.floor(deps.random.uniform() * SENTENCES.length)] ?? '';
    session.send({ type: 'utterance.append', utterance: 'a', text });
    session.send({ type: 'utterance.end', utterance: 'a' });
    await session.until('utterance.started');
  };
  await say();
  return { ...session, say };
};

/** A session over WebRTC that has got sound. */
const watch = async (deps: ChurnDeps) => {
  const session = await openSocket(deps, { transport: 'webrtc' });
  const viewer = createWeriftViewer();
  try {
    await viewer.connect(async (sdp) => {
      session.send({ type: 'webrtc.offer', sdp });
      return (await session.until('webrtc.answer')).sdp;
    });
    while (viewer.rtp.audio.length < 10) await delay(deps.clock, 50, deps.signal);
    return { ...session, viewer };
  } catch (error) {
    session.socket.terminate();
    await viewer[Symbol.asyncDispose]();
    throw error;
  }
};

const pause = ({ clock, random, signal }: ChurnDeps, mostMs: number): Promise<void> =>
  delay(clock, random.uniform() * mostMs, signal);

const PERFORM: Readonly<Record<Visit, (deps: ChurnDeps) => Promise<void>>> = {
  async vanish(deps) {
    const { socket } = await openSocket(deps, SOUND_AND_PICTURE);
    socket.terminate();
  },
  async listen(deps) {
    const { socket, until } = await speak(deps, { ...SOUND_AND_PICTURE, video: false });
    await until('utterance.finished');
    socket.close();
    await once(socket, 'close');
  },
  async interrupt(deps) {
    const { socket, send, until, say } = await speak(deps, SOUND_AND_PICTURE);
    await pause(deps, 1500);
    send({ type: 'interrupt' });
    await until('utterance.finished');
    if (deps.random.uniform() < 0.5) {
      await say();
      send({ type: 'interrupt' });
      await until('utterance.finished');
    }
    socket.close();
    await once(socket, 'close');
  },
  async 'vanish in speech'(deps) {
    const { socket } = await speak(deps, SOUND_AND_PICTURE);
    await pause(deps, 1000);
    socket.terminate();
  },
  async watch(deps) {
    const { socket, viewer } = await watch(deps);
    await pause(deps, 2000);
    socket.close();
    await Promise.all([once(socket, 'close'), viewer[Symbol.asyncDispose]()]);
  },
  async 'vanish from WebRTC'(deps) {
    const { socket, viewer } = await watch(deps);
    socket.terminate();
    await viewer[Symbol.asyncDispose]();
  },
  async 'speech by HTTP'(deps) {
    const leaving = new AbortController();
    const body = JSON.stringify({ model: 'tts-1', voice: 'alloy', input: SENTENCES[0] });
    const response = await fetch(`${deps.address}/v1/audio/speech`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.any([deps.signal, leaving.signal]),
    });
    if (deps.random.uniform() < 0.5) leaving.abort();
    else await response.arrayBuffer();
  },
  async nonsense(deps) {
    const { hostname, port } = new URL(deps.address);
    const socket = connect(Number(port), hostname);
    // The server may end it at any time.
    socket.on('error', () => undefined);
    socket.write(NONSENSE[Math.floor(deps.random.uniform() * NONSENSE.length)] ?? '');
    await pause(deps, 500).finally(() => socket.destroy());
  },
};

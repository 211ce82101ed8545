import { WebSocket } from 'ws';
import { delay } from '../../src/clock.ts';
import { type ServerMessage, SUBPROTOCOL } from '../../src/stream/messages.ts';
import { type Figure, distribution, single } from '../figures.ts';
import type { BenchContext, BenchPart } from '../part.ts';
import { type ServerProcess, withServer } from '../support/server-process.ts';
import { SocketClient } from '../support/socket-client.ts';
import { textFor } from '../support/texts.ts';

/** How long each number of sessions speaks before the next one comes. */
const STEP_MS = 4_000;
/** How much of that is not measured: the newcomer's models and buffers settle. */
const SETTLE_MS = 1_500;
/** Nobody needs to know more. */
const MOST_SESSIONS = 24;
/** Until so long after it came a session says `session.opened`, and its first frame comes. */
const FRAME_MS = 10_000;
const POLL_MS = 5;
/** How long those who were let in speak while others knock. */
const OVERLOAD_S = 20;
const MEDIA = { transport: 'websocket', audio: { codec: 'opus' }, video: true, motion: false, leadMs: 0 } as const;

/** Speaking sessions with pictures, one more every few seconds until the server is full, then as many again that knock. */
export const sessions: BenchPart = {
  name: 'sessions',
  async measure(context) {
    context.note(
      'sessions: over the WebSocket, VP8 and Opus, all of them speaking without a break; clients on the same cores',
    );
    return await withServer(context, {}, (server) => fill(server, context));
  },
};

type Stats = Extract<ServerMessage, { type: 'stats' }>;

interface Guest {
  readonly client: SocketClient;
  stats: Stats | null;
}

/** What a number of sessions took of the machine. */
interface Step {
  readonly cores: number;
  readonly residentMb: number;
}

const fill = async (server: ServerProcess, context: BenchContext): Promise<Figure[]> => {
  const { clock, progress, signal } = context;
  const guests: Guest[] = [];
  const connectMs: number[] = [];
  const steps: Step[] = [await watch(server, context)];
  try {
    while (guests.length < MOST_SESSIONS) {
      progress.show(`${guests.length + 1} sessions`);
      const startMs = clock.nowMs();
      const client = await openUnlessFull(server.address, context);
      if (client === null) break;
      const guest: Guest = { client, stats: null };
      client.listen((message) => {
        if (message.type === 'stats') guest.stats = message;
      });
      guests.push(guest);
      while (!client.frames.some(({ kind }) => kind === 'video') && clock.nowMs() - startMs < FRAME_MS) {
        await delay(clock, POLL_MS, signal);
      }
      connectMs.push(clock.nowMs() - startMs);
      client.say('story', textFor((STEP_MS / 1000) * (MOST_SESSIONS + 2) + OVERLOAD_S));
      await delay(clock, SETTLE_MS, signal);
      steps.push(await watch(server, context));
    }
    return [...costsOf(steps, connectMs), ...(await overload(server, guests, context))];
  } finally {
    for (const { client } of guests) client[Symbol.dispose]();
  }
};

const openUnlessFull = async (address: string, context: BenchContext): Promise<SocketClient | null> => {
  try {
    return await SocketClient.open(address, MEDIA, context);
  } catch (error) {
    if (error instanceof Error && error.message.includes('503')) return null;
    throw error;
  }
};

/** What the server uses for a while. */
const watch = async (server: ServerProcess, { clock, signal }: BenchContext): Promise<Step> => {
  const before = { cpuSeconds: await server.cpuSeconds(), atMs: clock.nowMs() };
  await delay(clock, STEP_MS - SETTLE_MS, signal);
  const cores = (1000 * ((await server.cpuSeconds()) - before.cpuSeconds)) / (clock.nowMs() - before.atMs);
  return { cores, residentMb: await server.residentMb() };
};

const costsOf = (steps: readonly Step[], connectMs: readonly number[]): Figure[] => {
  const fit = steps.length - 1;
  const [idle] = steps;
  const last = steps.at(-1)!;
  const each = (valueOf: (step: Step) => number) => (fit > 0 ? (valueOf(last) - valueOf(idle!)) / fit : null);
  return [
    single('sessions that fit', '', fit, { better: 'higher', goal: { of: 'p50', limit: 1 } }),
    distribution('connect → first frame', 'ms', connectMs, { goal: { of: 'p95', limit: 1_000 } }),
    single(
      'processor time a session, speaking',
      'cores',
      each(({ cores }) => cores),
    ),
    single(
      'memory a session',
      'MB',
      each(({ residentMb }) => residentMb),
    ),
    ...steps.flatMap((step, count) => {
      const before = steps[count - 1];
      if (!before) return [];
      return [
        single(`session ${count}: processor time more`, 'cores', step.cores - before.cores),
        single(`session ${count}: memory more`, 'MB', step.residentMb - before.residentMb),
      ];
    }),
  ];
};

/** As many again knock, evenly over the time; those inside speak on. */
const overload = async (server: ServerProcess, guests: readonly Guest[], context: BenchContext): Promise<Figure[]> => {
  const { clock, progress, signal, trace } = context;
  const counters = async () => ({
    frames: await server.metric('visavis_video_frames_total'),
    late: await server.metric('visavis_late_frames_total'),
    gaps: await server.metric('visavis_audio_gaps_total'),
  });
  const before = await counters();
  for (const { client } of guests) client.forget();
  const refusedMs: number[] = [];
  let letIn = 0;
  let missing = 0;
  const startMs = clock.nowMs();
  for (let i = 0; i < guests.length; i += 1) {
    progress.show(`${i + 1} of ${guests.length} knock at the full server`);
    const atMs = clock.nowMs();
    const refusal = await knock(server.address, context);
    if (refusal === null) letIn += 1;
    else {
      refusedMs.push(refusal.afterMs);
      trace('full server → 503', atMs, refusal.afterMs);
      if (!(refusal.retryAfterS >= 1)) missing += 1;
    }
    await delay(clock, Math.max(0, startMs + ((i + 1) * OVERLOAD_S * 1000) / guests.length - clock.nowMs()), signal);
  }
  const after = await counters();
  const late = after.late - before.late;
  const worstRung = guests.reduce(
    (worst, { stats }) => Math.max(worst, RUNGS.indexOf(stats?.degradation ?? 'none')),
    0,
  );
  const skews = guests.flatMap(({ client }) => framesAfterSound(client));
  context.note(`sessions: at the full server the ladder was at "${RUNGS[worstRung]}" at the end`);
  return [
    distribution('full server → 503', 'ms', refusedMs, { goal: { of: 'worst', limit: 50 } }),
    single('knocks that found room after all', '', letIn),
    single('refused without Retry-After', '', missing, { goal: { of: 'p50', limit: 0 } }),
    distribution('full server: frame after its sound', 'ms', skews, { goal: { of: 'p99', limit: 45 } }),
    single('full server: late frames', '%', (100 * late) / (after.frames - before.frames + late), {
      goal: { of: 'p50', limit: 2 },
    }),
    single('full server: audio gaps, slots of 40 ms', '', after.gaps - before.gaps, { goal: { of: 'p50', limit: 0 } }),
  ];
};

/** From all of the picture to a still. */
const RUNGS: readonly Stats['degradation'][] = ['none', 'fewer-frames', 'smaller', 'mouth-only', 'still'];

/** How long after the first packet of its slot each frame came. */
const framesAfterSound = ({ frames }: SocketClient): number[] => {
  const sound = new Map<number, number>();
  const times: number[] = [];
  for (const { kind, atMs, mediaTimeMs } of frames) {
    if (kind === 'audio') sound.set(mediaTimeMs, atMs);
    const heardMs = sound.get(mediaTimeMs);
    if (kind === 'video' && heardMs !== undefined) times.push(atMs - heardMs);
  }
  return times;
};

/** Asks for a socket, and leaves at once if it is given. @returns how it was refused; null: it was not */
const knock = (
  address: string,
  { clock, signal }: BenchContext,
): Promise<{ readonly afterMs: number; readonly retryAfterS: number } | null> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const startMs = clock.nowMs();
    const socket = new WebSocket(`${address.replace('http', 'ws')}/v1/session`, SUBPROTOCOL);
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      const { statusCode, headers } = response;
      if (statusCode !== 503) return reject(new Error(`expected 503 of a full server, got ${statusCode}`));
      return resolve({ afterMs: clock.nowMs() - startMs, retryAfterS: Number(headers['retry-after']) });
    });
    socket.on('close', () => resolve(null));
    socket.on('open', () => socket.close());
    socket.on('error', reject);
  });

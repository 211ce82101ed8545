/** The media thread: Opus, VP8, RTP and pacing of all sessions. Nothing here may block: sockets and timers live on its event loop. */
import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../clock.ts';
import { asVisavisError, VisavisError } from '../../errors.ts';
import { watchEventLoop } from '../../event-loop-lag.ts';
import { readThreadUse } from '../../thread-use.ts';
import { countPoolCalls } from './codecs/libav.ts';
import type { MediaEvent, MediaOptions } from './media-channel.ts';
import { MediaSession } from './media-session.ts';
import { Pacer } from './pacer.ts';
import { preparePeers } from './webrtc/peer.ts';
import type { MediaCommand, MediaNotice, MediaThreadOptions, Reply } from './protocol.ts';

/** How often the main thread is told how this one fares. */
const STATE_INTERVAL_MS = 1000;

const port = parentPort;
if (port === null) throw new Error('media-thread.js is a worker; createMediaServer starts it.');

const thread: MediaThreadOptions = workerData;
countPoolCalls(thread.poolCalls);
const pacer = new Pacer(systemClock);
const sessions = new Map<number, MediaSession>();

const notify = (notice: MediaNotice, transfer: ArrayBuffer[] = []): void => port.postMessage(notice, transfer);

const emit = (channel: number, event: MediaEvent): void =>
  notify({ type: 'event', channel, event }, event.type === 'packet' ? [event.payload.buffer] : []);

const sessionOf = (channel: number): MediaSession => {
  const session = sessions.get(channel);
  if (session === undefined) throw new VisavisError('bad_order', 'The media session is closed.');
  return session;
};

const open = async (channel: number, options: MediaOptions): Promise<null> => {
  const session = await MediaSession.open(options, {
    clock: systemClock,
    pacer,
    thread,
    emit: (event) => emit(channel, event),
  });
  sessions.set(channel, session);
  return null;
};

const close = async (channel: number): Promise<null> => {
  const session = sessions.get(channel);
  sessions.delete(channel);
  await session?.close();
  return null;
};

const stop = async (): Promise<null> => {
  await Promise.all([...sessions.keys()].map(close));
  return null;
};

const reply = async (request: number, perform: () => Reply | Promise<Reply>): Promise<void> => {
  try {
    notify({ type: 'reply', request, value: await perform() });
  } catch (error) {
    const { code, message } = asVisavisError(error);
    notify({ type: 'refusal', request, code, message });
  }
};

const obey = (command: MediaCommand): void | Promise<void> => {
  const { channel } = command;
  switch (command.type) {
    case 'open':
      return reply(command.request, () => open(channel, command.options));
    case 'offer':
      return reply(command.request, () => sessionOf(channel).offer(command.sdp));
    case 'cut':
      return reply(command.request, () => sessionOf(channel).cut(command.from));
    case 'close':
      return reply(command.request, () => close(channel));
    case 'stop':
      return reply(command.request, stop);
    case 'ping':
      return reply(command.request, () => null);
    case 'candidate':
      return sessions.get(channel)?.candidate(command.candidate);
    case 'text':
      return sessions.get(channel)?.sendText(command.text);
    case 'thrift':
      return sessions.get(channel)?.spare(command.thrift);
    case 'audio':
      return sessions.get(channel)?.pushAudio(command.slot);
    case 'video':
      return sessions.get(channel)?.pushVideo(command.frame);
  }
};

port.on('message', (command: MediaCommand) => void obey(command));
// All sessions share the thread, and what fails here was caused by one of them: the others go on. Were it to end while a frame is
// being encoded, node-av would abort the whole process.
process.on('uncaughtException', (error) => notify({ type: 'fault', message: error.stack ?? error.message }));

try {
  // Late packets are heard; late inference is not. Concerns this thread only, and needs privileges.
  setPriority(constants.priority.PRIORITY_HIGH);
} catch {
  // Without them it runs as the others do.
}
await preparePeers();
const lagMs = watchEventLoop();
const tellState = () => {
  notify({ type: 'thread', state: { use: readThreadUse(), lagMs: lagMs() } });
  systemClock.at(systemClock.nowMs() + STATE_INTERVAL_MS, tellState);
};
systemClock.at(systemClock.nowMs() + STATE_INTERVAL_MS, tellState);
notify({ type: 'started' });

/** A WebSocket of ElevenLabs' protocol, and what came over it. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { AdapterServer } from './adapter-server.ts';

interface Alignment {
  readonly chars: string[];
  readonly charStartTimesMs: number[];
  readonly charDurationsMs: number[];
}

interface StreamMessage {
  readonly audio?: string | null;
  readonly isFinal?: boolean | null;
  readonly alignment?: Alignment | null;
  readonly contextId?: string;
  readonly context_id?: string;
  readonly error?: string;
  readonly code?: number;
}

interface Stream {
  readonly socket: WebSocket;
  readonly messages: StreamMessage[];
  readonly closed: Promise<number>;
  readonly send: (message: object) => void;
}

/** Opens one for 16 kHz PCM, unless the query says otherwise. */
export const openStream = async (
  { ws }: AdapterServer,
  kind: 'stream-input' | 'multi-stream-input',
  query = '',
  voice = 'fake',
): Promise<Stream> => {
  const format = query.includes('output_format') ? query : `output_format=pcm_16000&${query}`;
  const socket = new WebSocket(`${ws}/v1/text-to-speech/${voice}/${kind}?${format}`, {
    headers: { 'xi-api-key': 'any' },
  });
  const messages: StreamMessage[] = [];
  socket.on('message', (data: Buffer) => {
    messages.push(JSON.parse(data.toString()) as StreamMessage);
  });
  const closed = once(socket, 'close').then(([code]) => code as number);
  await once(socket, 'open');
  return { socket, messages, closed, send: (message) => socket.send(JSON.stringify(message)) };
};

const soundOf = (messages: readonly StreamMessage[]) =>
  Buffer.concat(messages.map(({ audio }) => Buffer.from(audio ?? '', 'base64')));

export const alignmentsOf = (messages: readonly StreamMessage[]) =>
  messages.flatMap(({ alignment }) => (alignment ? [alignment] : []));

/** All characters that came, in order. */
export const charactersOf = (messages: readonly StreamMessage[]) =>
  alignmentsOf(messages)
    .flatMap(({ chars }) => chars)
    .join('');

/** How long the sound is, for PCM of 16 kHz. */
export const spokenMs = (messages: readonly StreamMessage[]) => soundOf(messages).length / 32;

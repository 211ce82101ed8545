/** Speech as bytes of an audio format, with the text that they speak. */
import { type AudioStreamOptions, createAudioStream } from '../../stream/media/codecs/audio-stream.ts';
import type { SpeechSession, SpokenText } from './speech-session.ts';

export type AudioEvent =
  /** Comes before the bytes that speak it. */
  | ({ readonly kind: 'text' } & SpokenText)
  /** Bytes of the format, made from the sound up to `endMs` of the session. */
  | { readonly kind: 'audio'; readonly bytes: Uint8Array; readonly endMs: number }
  | { readonly kind: 'flushed' };

/**
 * Encodes a session as it is spoken. Leaving the loop, or aborting, stops the session.
 * @throws {VisavisError} `unsupported_media`, and what the session throws; the signal's reason when that aborts
 */
export async function* spokenAudio(
  session: SpeechSession,
  format: AudioStreamOptions,
  signal: AbortSignal,
): AsyncGenerator<AudioEvent, void> {
  const stop = () => session.close();
  signal.addEventListener('abort', stop);
  let stream: Awaited<ReturnType<typeof createAudioStream>> | undefined;
  try {
    signal.throwIfAborted();
    stream = await createAudioStream(format);
    let endMs = 0;
    for await (const event of session) {
      if (event.kind !== 'sound') {
        yield event;
        continue;
      }
      endMs = event.startMs + (event.pcm.length / format.sampleRateHz) * 1000;
      const bytes = await stream.encode(event.pcm);
      if (bytes.length > 0) yield { kind: 'audio', bytes, endMs };
    }
    signal.throwIfAborted();
    const rest = await stream.end();
    if (rest.length > 0) yield { kind: 'audio', bytes: rest, endMs };
  } finally {
    signal.removeEventListener('abort', stop);
    session.close();
    stream?.close();
  }
}

/** Only the bytes. */
export async function* audioBytes(events: AsyncIterable<AudioEvent>): AsyncGenerator<Uint8Array, void> {
  for await (const event of events) if (event.kind === 'audio') yield event.bytes;
}

/**
 * Waits for the first value, so that what fails before it can be answered as an error, then gives all.
 * @throws what the first step throws
 */
export const primed = async <Value>(source: AsyncGenerator<Value, void>): Promise<AsyncGenerator<Value, void>> => {
  const first = await source.next();
  return (async function* () {
    try {
      if (first.done) return;
      yield first.value;
      yield* source;
    } finally {
      await source.return();
    }
  })();
};

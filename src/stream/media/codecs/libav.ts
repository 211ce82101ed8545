/** What the encoders share: opening one in FFmpeg, and its errors. */
import { Codec, CodecContext, Dictionary, FFmpegError, Log } from 'node-av';
import { AV_LOG_ERROR, type FFEncoderCodec } from 'node-av/constants';
import { VisavisError } from '../../../errors.ts';

// Encoders tell their version and statistics on stderr.
Log.setLevel(AV_LOG_ERROR);

/** How many calls of FFmpeg run in libuv's pool, or wait to be told of, in 32 bits that another thread may look at. */
let callsInPool = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Counts the calls of this thread from now on in memory of the caller's. */
export const countPoolCalls = (memory: SharedArrayBuffer): void => {
  callsInPool = new Int32Array(memory);
};

/** What such a call gives; it is counted until this thread has been told. */
export const inPool = async <T>(call: Promise<T>): Promise<T> => {
  Atomics.add(callsInPool, 0, 1);
  try {
    return await call;
  } finally {
    Atomics.sub(callsInPool, 0, 1);
  }
};

/** @throws {VisavisError} `internal` when `result` is one of FFmpeg's errors. */
export const checkLibav = (result: number, what: string): void => {
  if (result < 0) throw new VisavisError('internal', `${what}: ${FFmpegError.strerror(result)}.`);
};

/**
 * Opens an encoder; the caller frees it.
 *
 * @param configure - sets the context's fields before it is opened.
 * @param options - private options of the encoder.
 * @throws {VisavisError} `internal` when it does not open.
 */
export const openEncoder = async (
  name: FFEncoderCodec,
  configure: (context: CodecContext) => void,
  options: Readonly<Record<string, string>>,
): Promise<{ readonly codec: Codec; readonly context: CodecContext }> => {
  const codec = Codec.findEncoderByName(name);
  if (codec === null) throw new VisavisError('internal', `FFmpeg has no encoder ${name}.`);
  const context = new CodecContext();
  context.allocContext3(codec);
  configure(context);
  // Never open2Sync: node-av 6.1.1 frees the dictionary under it.
  const opened = await inPool(context.open2(codec, Dictionary.fromObject({ ...options })));
  checkLibav(opened, `The encoder ${name} does not open`);
  return { codec, context };
};

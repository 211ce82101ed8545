/** VP8 (RFC 6386) by the libvpx inside node-av, in real-time mode: no delay, constant bit rate, key frames only when asked. */
import { Frame, Packet, Rational } from 'node-av';
import { FF_ENCODER_LIBVPX_VP8, AV_PICTURE_TYPE_I, AV_PICTURE_TYPE_NONE, AV_PIX_FMT_YUV420P } from 'node-av/constants';
import { VisavisError } from '../../../errors.ts';
import { FRAMES_PER_SECOND } from '../../../media.ts';
import { checkBitrate, checkLength, checkPictureSize } from './encodable.ts';
import { checkLibav, inPool, openEncoder } from './libav.ts';

const RTP_RATE_HZ = 90_000;
const TICKS_PER_FRAME = RTP_RATE_HZ / FRAMES_PER_SECOND;
/** Receivers ask for a key frame when they need one; every two minutes there is one anyway. */
const KEY_FRAME_INTERVAL = 3000;
/** How much of a second of bits the rate control may be off: a tight bound keeps bursts short. */
const RATE_BUFFER_S = 0.6;

export interface EncodedFrame {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly keyFrame: boolean;
}

/** About 2–3 ms of CPU a frame at 256², in a thread of libuv's pool. */
export interface Vp8Encoder {
  /** Frames that wait or are being encoded. */
  readonly pending: number;
  /**
   * Encodes in call order.
   * @param i420 - `size`² × 1.5 bytes; copied before the call returns.
   * @param keyFrame - whether the frame must be decodable without those before it.
   * @throws {RangeError} when the length is wrong.
   */
  encode(i420: Uint8Array<ArrayBuffer>, keyFrame: boolean): Promise<EncodedFrame>;
  /** Waits for what is being encoded and frees everything; idempotent. */
  close(): Promise<void>;
}

/**
 * @param everyFrames - every how manieth frame of 25 a second is encoded, so that the rate control knows.
 * @throws {VisavisError} `unsupported_media` when it is not opened for such a size or rate; `internal` when libvpx does not open.
 */
export const createVp8Encoder = async (size: number, bitrateBps: number, everyFrames = 1): Promise<Vp8Encoder> => {
  checkPictureSize(size);
  checkBitrate(bitrateBps);
  const { context } = await openEncoder(
    FF_ENCODER_LIBVPX_VP8,
    (encoder) => {
      encoder.width = size;
      encoder.height = size;
      encoder.pixelFormat = AV_PIX_FMT_YUV420P;
      encoder.timeBase = new Rational(1, RTP_RATE_HZ);
      encoder.framerate = new Rational(FRAMES_PER_SECOND, everyFrames);
      encoder.bitRate = BigInt(bitrateBps);
      encoder.rcMaxRate = BigInt(bitrateBps);
      encoder.rcMinRate = BigInt(bitrateBps);
      encoder.rcBufferSize = Math.round(bitrateBps * RATE_BUFFER_S);
      encoder.gopSize = KEY_FRAME_INTERVAL;
      encoder.maxBFrames = 0;
      encoder.threadCount = 1;
    },
    {
      deadline: 'realtime',
      'cpu-used': '8',
      'lag-in-frames': '0',
      'auto-alt-ref': '0',
      'max-intra-rate': '1200',
      'static-thresh': '100',
    },
  );

  const bytes = (size * size * 3) / 2;
  const packet = new Packet();
  packet.alloc();
  let frames = 0;
  let pending = 0;
  let closing: Promise<void> | null = null;
  // One context takes one frame at a time; overlapping calls fail in FFmpeg.
  let last: Promise<unknown> = Promise.resolve();

  const encodeFrame = async (frame: Frame): Promise<EncodedFrame> => {
    try {
      const sent = await inPool(context.sendFrame(frame));
      const received = sent < 0 ? sent : await inPool(context.receivePacket(packet));
      checkLibav(received, 'VP8 did not encode');
      const encoded = { payload: new Uint8Array(packet.data ?? []), keyFrame: packet.isKeyframe };
      packet.unref();
      return encoded;
    } finally {
      frame.free();
      pending -= 1;
    }
  };

  return {
    get pending() {
      return pending;
    },
    async encode(i420, keyFrame) {
      checkLength(`A frame of ${size}²`, 'bytes of I420', i420.length, bytes);
      if (closing !== null) throw new VisavisError('internal', 'The VP8 encoder is closed.');
      const frame = Frame.fromVideoBuffer(Buffer.from(i420.buffer, i420.byteOffset, i420.byteLength), {
        width: size,
        height: size,
        format: AV_PIX_FMT_YUV420P,
        timeBase: { num: 1, den: RTP_RATE_HZ },
        pts: BigInt(frames * everyFrames * TICKS_PER_FRAME),
      });
      frame.pictType = keyFrame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
      frames += 1;
      pending += 1;
      const encoded = last.then(() => encodeFrame(frame));
      last = encoded.catch(() => undefined);
      return encoded;
    },
    close() {
      closing ??= (async () => {
        await last;
        packet.free();
        context.freeContext();
      })();
      return closing;
    },
  };
};

/** JPEGs as FFmpeg makes them, for tests of whoever reads them. */
import { Frame, Packet, Rational } from 'node-av';
import { AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ444P, FF_ENCODER_MJPEG } from 'node-av/constants';
import { openEncoder } from '../../src/stream/media/codecs/libav.ts';

const FORMATS = {
  '420': { format: AV_PIX_FMT_YUVJ420P, chroma: 1 / 4 },
  '422': { format: AV_PIX_FMT_YUVJ422P, chroma: 1 / 2 },
  '444': { format: AV_PIX_FMT_YUVJ444P, chroma: 1 },
} as const;

/** A picture of soft waves of all colours with some noise: planes of a JPEG, full range, chroma as large as `sampling` has it. */
export const noisePicture = (size: number, sampling: keyof typeof FORMATS = '420'): Uint8Array<ArrayBuffer> => {
  const pixels = size * size;
  let seed = 1;
  return Uint8Array.from({ length: pixels * (1 + 2 * FORMATS[sampling].chroma) }, (_, i) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return 128 + 90 * Math.sin(i / 37) * Math.cos(i / (3 * size)) + (seed / 2 ** 31) * 20;
  });
};

/** @param planes - luma and chroma, as `noisePicture` gives them */
export const encodeJpeg = async (
  planes: Uint8Array<ArrayBuffer>,
  size: number,
  sampling: keyof typeof FORMATS,
): Promise<Uint8Array<ArrayBuffer>> => {
  const { format } = FORMATS[sampling];
  const { context } = await openEncoder(
    FF_ENCODER_MJPEG,
    (opened) => {
      opened.width = opened.height = size;
      opened.pixelFormat = format;
      opened.timeBase = new Rational(1, 25);
    },
    { qmin: '2', qmax: '2' },
  );
  const packet = new Packet();
  packet.alloc();
  const frame = Frame.fromVideoBuffer(Buffer.from(planes), {
    width: size,
    height: size,
    format,
    timeBase: { num: 1, den: 25 },
    pts: 0n,
  });
  try {
    await context.sendFrame(frame);
    await context.sendFrame(null);
    await context.receivePacket(packet);
    return Uint8Array.from(packet.data ?? []);
  } finally {
    frame.free();
    packet.free();
    context.freeContext();
  }
};

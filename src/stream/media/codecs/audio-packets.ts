/** Audio encoders of FFmpeg as a stream: PCM of any length in, the packets that it completes out. */
import { Codec, Frame, Packet, Rational } from 'node-av';
import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
  AV_SAMPLE_FMT_S16,
  FF_ENCODER_AAC,
  FF_ENCODER_FLAC,
  FF_ENCODER_LIBMP3LAME,
  FF_ENCODER_LIBOPUS,
} from 'node-av/constants';
import { toPcm16 } from '../pcm16.ts';
import { checkBitrate, checkSampleRate, encodablePcm } from './encodable.ts';
import { checkLibav, openEncoder } from './libav.ts';

const ENCODERS = {
  opus: { name: FF_ENCODER_LIBOPUS, sampleFormat: AV_SAMPLE_FMT_FLT, options: { application: 'audio', vbr: 'on' } },
  mp3: { name: FF_ENCODER_LIBMP3LAME, sampleFormat: AV_SAMPLE_FMT_FLTP, options: {} },
  aac: { name: FF_ENCODER_AAC, sampleFormat: AV_SAMPLE_FMT_FLTP, options: {} },
  flac: { name: FF_ENCODER_FLAC, sampleFormat: AV_SAMPLE_FMT_S16, options: {} },
} as const;

/** FLAC's own choice would be frames of 4608 samples: long to wait for in a stream. */
const FLAC_FRAME_SAMPLES = 1152;

export type PacketCodec = keyof typeof ENCODERS;

/** Whether the FFmpeg that is installed has this encoder. */
export const hasEncoder = (codec: PacketCodec): boolean => Codec.findEncoderByName(ENCODERS[codec].name) !== null;

/** An encoder of mono sound. One call at a time. */
export interface PacketEncoder {
  /** The codec's setup data: OpusHead (RFC 7845 §5.1), FLAC's STREAMINFO (RFC 9639 §8.2), AAC's AudioSpecificConfig. */
  readonly setup: Uint8Array;
  /** Samples of a full packet. */
  readonly packetSamples: number;
  /** float32 in -1…1, any length; not kept. */
  encode(pcm: Float32Array): Promise<Uint8Array[]>;
  /** What the encoder still holds. */
  end(): Promise<Uint8Array[]>;
  /** Frees it; idempotent, not while a call is running. */
  close(): void;
}

/**
 * @throws {VisavisError} `unsupported_media` for impossible rates; `internal` when the encoder does not open, as for a sample rate
 *   that it does not take.
 */
export const createPacketEncoder = async (
  codec: PacketCodec,
  sampleRateHz: number,
  bitrateBps: number,
): Promise<PacketEncoder> => {
  const { name, sampleFormat, options } = ENCODERS[codec];
  checkSampleRate(sampleRateHz);
  checkBitrate(bitrateBps);
  const { context } = await openEncoder(
    name,
    (encoder) => {
      encoder.sampleRate = sampleRateHz;
      encoder.sampleFormat = sampleFormat;
      encoder.channelLayout = AV_CHANNEL_LAYOUT_MONO;
      encoder.timeBase = new Rational(1, sampleRateHz);
      if (codec === 'flac') encoder.frameSize = FLAC_FRAME_SAMPLES;
      else encoder.bitRate = BigInt(bitrateBps);
    },
    options,
  );
  const packetSamples = context.frameSize;
  const setup = new Uint8Array(context.extraData ?? []);
  const packet = new Packet();
  packet.alloc();
  let waiting = new Float32Array(0);
  let samples = 0;
  let isOpen = true;

  const send = async (pcm: Float32Array | null): Promise<Uint8Array[]> => {
    let frame: Frame | null = null;
    if (pcm) {
      const data = sampleFormat === AV_SAMPLE_FMT_S16 ? toPcm16(pcm) : encodablePcm(pcm);
      frame = Frame.fromAudioBuffer(Buffer.from(data.buffer, data.byteOffset, data.byteLength), {
        sampleRate: sampleRateHz,
        channelLayout: AV_CHANNEL_LAYOUT_MONO,
        format: sampleFormat,
        nbSamples: pcm.length,
        timeBase: { num: 1, den: sampleRateHz },
        pts: BigInt(samples),
      });
      samples += pcm.length;
    }
    const sent = await context.sendFrame(frame);
    frame?.free();
    checkLibav(sent, `${codec} did not encode`);
    const packets: Uint8Array[] = [];
    while ((await context.receivePacket(packet)) >= 0) {
      packets.push(new Uint8Array(packet.data ?? []));
      packet.unref();
    }
    return packets;
  };

  return {
    setup,
    packetSamples,
    async encode(pcm) {
      const all = new Float32Array(waiting.length + pcm.length);
      all.set(waiting);
      all.set(pcm, waiting.length);
      const whole = all.length - (all.length % packetSamples);
      waiting = all.slice(whole);
      const packets: Uint8Array[] = [];
      for (let at = 0; at < whole; at += packetSamples) {
        packets.push(...(await send(all.subarray(at, at + packetSamples))));
      }
      return packets;
    },
    async end() {
      const rest = waiting;
      waiting = new Float32Array(0);
      const packets = rest.length > 0 ? await send(rest) : [];
      return [...packets, ...(await send(null))];
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      packet.free();
      context.freeContext();
    },
  };
};

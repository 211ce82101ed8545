/** Opus (RFC 6716) by the libopus inside node-av, in real-time voice mode with forward error correction. */
import { Frame, Packet, Rational } from 'node-av';
import { AV_CHANNEL_LAYOUT_MONO, AV_SAMPLE_FMT_FLT, FF_ENCODER_LIBOPUS } from 'node-av/constants';
import { VisavisError } from '../../../errors.ts';
import { PACKET_MS } from '../../../media.ts';
import { checkBitrate, checkLength, encodablePcm } from './encodable.ts';
import { checkLibav, openEncoder } from './libav.ts';

/** Input sample rates that Opus takes (RFC 6716 §2). */
export const OPUS_SAMPLE_RATES_HZ: readonly number[] = [8000, 12000, 16000, 24000, 48000];

/** Enough for speech at full bandwidth with the redundancy of forward error correction. */
const BITRATE_BPS = 32_000;

/** Mono, packets of 20 ms, about 0.2 ms of CPU each. */
export interface OpusEncoder {
  /**
   * Encodes at once, on the calling thread. Packets have the codec's delay of 6.5 ms and must be encoded in order.
   * @param pcm - 20 ms, float32 in -1…1; see `encodablePcm`. Not kept.
   * @throws {RangeError} when the length is wrong.
   */
  encode(pcm: Float32Array): Uint8Array<ArrayBuffer>;
  close(): void;
}

/** @throws {VisavisError} `unsupported_media` when Opus does not take the rates; `internal` when libopus does not open. */
export const createOpusEncoder = async (sampleRateHz: number, bitrateBps = BITRATE_BPS): Promise<OpusEncoder> => {
  if (!OPUS_SAMPLE_RATES_HZ.includes(sampleRateHz)) {
    throw new VisavisError(
      'unsupported_media',
      `Opus takes ${OPUS_SAMPLE_RATES_HZ.join(', ')} Hz, not ${sampleRateHz} Hz.`,
    );
  }
  checkBitrate(bitrateBps);
  const { context } = await openEncoder(
    FF_ENCODER_LIBOPUS,
    (encoder) => {
      encoder.sampleRate = sampleRateHz;
      encoder.sampleFormat = AV_SAMPLE_FMT_FLT;
      encoder.channelLayout = AV_CHANNEL_LAYOUT_MONO;
      encoder.timeBase = new Rational(1, sampleRateHz);
      encoder.bitRate = BigInt(bitrateBps);
    },
    {
      application: 'voip',
      frame_duration: String(PACKET_MS),
      fec: '1',
      packet_loss: '10',
      vbr: 'on',
      compression_level: '5',
    },
  );

  const packetSamples = (sampleRateHz * PACKET_MS) / 1000;
  const packet = new Packet();
  packet.alloc();
  let pts = 0n;
  let isOpen = true;
  return {
    encode(pcm) {
      checkLength('An Opus packet', 'samples', pcm.length, packetSamples);
      if (!isOpen) throw new VisavisError('internal', 'The Opus encoder is closed.');
      const frame = Frame.fromAudioBuffer(Buffer.from(encodablePcm(pcm).buffer), {
        sampleRate: sampleRateHz,
        channelLayout: AV_CHANNEL_LAYOUT_MONO,
        format: AV_SAMPLE_FMT_FLT,
        nbSamples: packetSamples,
        timeBase: { num: 1, den: sampleRateHz },
        pts,
      });
      pts += BigInt(packetSamples);
      const sent = context.sendFrameSync(frame);
      frame.free();
      const received = sent < 0 ? sent : context.receivePacketSync(packet);
      checkLibav(received, 'Opus did not encode');
      const payload = new Uint8Array(packet.data ?? []);
      packet.unref();
      return payload;
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      packet.free();
      context.freeContext();
    },
  };
};

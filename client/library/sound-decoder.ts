/** Packets of sound to samples: Opus by WebCodecs, or 16-bit PCM. */
import { OUTPUT_RATE_HZ } from './sound-output.ts';

const CONFIG: AudioDecoderConfig = { codec: 'opus', sampleRate: OUTPUT_RATE_HZ, numberOfChannels: 1 };
/** Packets in the decoder: 10 s. More are not decoded. */
const MOST_WAITING = 500;

/** What of a packet comes out: float32 mono samples at `OUTPUT_RATE_HZ`. */
export type SamplesListener = (mediaMs: number, samples: Float32Array<ArrayBuffer>) => void;

export interface SoundDecoder {
  push(packet: Uint8Array<ArrayBuffer>, mediaMs: number): void;
  close(): void;
}

/** Whether this browser decodes Opus; else sound has to come as PCM. */
export const canDecodeOpus = async (): Promise<boolean> =>
  typeof AudioDecoder === 'function' && (await AudioDecoder.isConfigSupported(CONFIG)).supported === true;

/** A decoder of Opus. Not of use any more after `onError`. */
export const createOpusDecoder = (onSamples: SamplesListener, onError: (error: Error) => void): SoundDecoder => {
  // The decoder counts time by samples and knows no jumps: media times go beside it, one a packet.
  const waiting: number[] = [];
  const decoder = new AudioDecoder({
    output: (data) => {
      const samples = new Float32Array(data.numberOfFrames);
      data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      data.close();
      onSamples(waiting.shift() ?? 0, samples);
    },
    error: onError,
  });
  decoder.configure(CONFIG);
  return {
    push(packet, mediaMs) {
      if (decoder.state !== 'configured' || waiting.length >= MOST_WAITING) return;
      waiting.push(mediaMs);
      decoder.decode(new EncodedAudioChunk({ type: 'key', timestamp: mediaMs * 1000, data: packet }));
    },
    close: () => {
      if (decoder.state !== 'closed') decoder.close();
    },
  };
};

/** Reads 16-bit PCM at `OUTPUT_RATE_HZ`. */
export const createPcmDecoder = (onSamples: SamplesListener): SoundDecoder => ({
  push: (packet, mediaMs) => {
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    const samples = Float32Array.from(
      { length: packet.byteLength >> 1 },
      (_, i) => view.getInt16(2 * i, true) / 32_768,
    );
    onSamples(mediaMs, samples);
  },
  close: () => undefined,
});

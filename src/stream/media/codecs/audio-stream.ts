/** Sound as a stream of bytes in the formats that speech services offer, written as it is made. */
import { VisavisError } from '../../../errors.ts';
import { toPcm16 } from '../pcm16.ts';
import { type PacketEncoder, createPacketEncoder, hasEncoder } from './audio-packets.ts';
import { toALaw, toMuLaw } from './g711.ts';
import { OggPages } from './ogg-pages.ts';
import { OPUS_SAMPLE_RATES_HZ } from './opus-encoder.ts';
import { wavHeader } from './wav-header.ts';

/** `wav`, `pcm` (16-bit, little-endian), `ulaw`, `alaw` (raw G.711), `mp3`, `aac` (ADTS), `opus` (Ogg), `flac`. */
export type AudioFormat = 'wav' | 'pcm' | 'ulaw' | 'alaw' | 'mp3' | 'aac' | 'opus' | 'flac';

/** How a stream is to be written. */
export interface AudioStreamOptions {
  readonly format: AudioFormat;
  readonly sampleRateHz: number;
  /** For `mp3`, `aac` and `opus`. @default 64000 */
  readonly bitrateBps?: number;
}

/** Mono sound into bytes. One call at a time. */
export interface AudioStream {
  /** float32 in -1…1 of any length; the bytes that it completes, maybe none. The first ones include the header. */
  encode(pcm: Float32Array): Promise<Uint8Array>;
  /** The bytes that are left. */
  end(): Promise<Uint8Array>;
  /** Frees the encoder; idempotent, not while a call is running. */
  close(): void;
}

const DEFAULT_BITRATE_BPS = 64_000;
const OPUS_CLOCK_HZ = 48_000;
const NOTHING = new Uint8Array(0);

/** Rates with an index in ADTS (ISO 14496-3, table 1.18). */
const ADTS_RATES_HZ = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000];
/** Rates of MPEG-1, MPEG-2 and MPEG-2.5 layer III. */
const MP3_RATES_HZ = [48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000];

const RATES_HZ: Readonly<Partial<Record<AudioFormat, readonly number[]>>> = {
  opus: OPUS_SAMPLE_RATES_HZ,
  aac: ADTS_RATES_HZ,
  mp3: MP3_RATES_HZ,
};

/** Media types by format; `pcm` and G.711 name no rate, as the services that offer them do. */
export const CONTENT_TYPES: Readonly<Record<AudioFormat, string>> = {
  wav: 'audio/wav',
  pcm: 'audio/pcm',
  ulaw: 'audio/basic',
  alaw: 'audio/x-alaw',
  mp3: 'audio/mpeg',
  aac: 'audio/aac',
  opus: 'audio/ogg',
  flac: 'audio/flac',
};

/** The formats that this installation can write: those that need no encoder, and those whose encoder is there. */
export const availableFormats = (): readonly AudioFormat[] => [
  'wav',
  'pcm',
  'ulaw',
  'alaw',
  ...(['mp3', 'aac', 'opus', 'flac'] as const).filter(hasEncoder),
];

/**
 * @throws {VisavisError} `unsupported_media`, naming what there is, when the format's encoder is not in the installed FFmpeg
 *   or does not take the rate.
 */
export const createAudioStream = async (options: AudioStreamOptions): Promise<AudioStream> => {
  const { format, sampleRateHz, bitrateBps = DEFAULT_BITRATE_BPS } = options;
  const rates = RATES_HZ[format];
  if (rates && !rates.includes(sampleRateHz)) {
    throw new VisavisError('unsupported_media', `${format} takes ${rates.join(', ')} Hz, not ${sampleRateHz} Hz`);
  }
  switch (format) {
    case 'pcm':
      return plainStream(toPcm16);
    case 'ulaw':
      return plainStream(toMuLaw);
    case 'alaw':
      return plainStream(toALaw);
    case 'wav':
      return withHead(wavHeader(sampleRateHz, null), plainStream(toPcm16));
    case 'mp3':
    case 'aac':
    case 'opus':
    case 'flac': {
      if (!hasEncoder(format)) {
        const formats = availableFormats().join(', ');
        throw new VisavisError(
          'unsupported_media',
          `the installed FFmpeg has no encoder for ${format}; there are: ${formats}`,
        );
      }
      const encoder = await createPacketEncoder(format, sampleRateHz, bitrateBps);
      if (format === 'opus') return oggOpusStream(encoder, sampleRateHz);
      if (format === 'flac')
        return withHead(
          flacHead(encoder.setup),
          packetStream(encoder, (packet) => packet),
        );
      if (format === 'aac') return packetStream(encoder, (packet) => adtsFrame(packet, sampleRateHz));
      return packetStream(encoder, (packet) => packet);
    }
  }
};

const plainStream = (convert: (pcm: Float32Array) => Uint8Array): AudioStream => ({
  encode: async (pcm) => convert(pcm),
  end: async () => NOTHING,
  close: () => undefined,
});

const packetStream = (encoder: PacketEncoder, wrap: (packet: Uint8Array) => Uint8Array): AudioStream => ({
  encode: async (pcm) => Buffer.concat((await encoder.encode(pcm)).map(wrap)),
  end: async () => Buffer.concat((await encoder.end()).map(wrap)),
  close: () => encoder.close(),
});

/** Puts a header before the first bytes, and before the end of a stream that had none. */
const withHead = (head: Uint8Array, stream: AudioStream): AudioStream => {
  let pending = head;
  const after = (bytes: Uint8Array, isEnd: boolean): Uint8Array => {
    if (pending.length === 0 || (bytes.length === 0 && !isEnd)) return bytes;
    const joined = Buffer.concat([pending, bytes]);
    pending = NOTHING;
    return joined;
  };
  return {
    encode: async (pcm) => after(await stream.encode(pcm), false),
    end: async () => after(await stream.end(), true),
    close: () => stream.close(),
  };
};

/** "fLaC", then STREAMINFO as the only metadata block (RFC 9639 §6); its length of 0 says that it is not known. */
const flacHead = (streamInfo: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from('fLaC'), Buffer.from([0x80, 0, 0, streamInfo.length]), streamInfo]);

/** An ADTS header (ISO 13818-7 §6.2): AAC-LC, mono, without a checksum. */
const adtsFrame = (packet: Uint8Array, sampleRateHz: number): Uint8Array => {
  const length = packet.length + 7;
  const rateIndex = ADTS_RATES_HZ.indexOf(sampleRateHz);
  const profile = 1;
  const channels = 1;
  return Buffer.concat([
    Buffer.from([
      0xff,
      0xf1,
      (profile << 6) | (rateIndex << 2) | (channels >> 2),
      ((channels & 3) << 6) | (length >> 11),
      (length >> 3) & 0xff,
      ((length & 7) << 5) | 0x1f,
      0xfc,
    ]),
    packet,
  ]);
};

/** Ogg Opus (RFC 7845): identification and comment pages, then a page whenever packets are there; the end is trimmed. */
const oggOpusStream = (encoder: PacketEncoder, sampleRateHz: number): AudioStream => {
  const toClock = OPUS_CLOCK_HZ / sampleRateHz;
  const pages = new OggPages(crypto.getRandomValues(new Uint32Array(1))[0]!);
  const setup = Buffer.from(encoder.setup);
  const preSkip = setup.readUInt16LE(10);
  const packetTicks = encoder.packetSamples * toClock;
  let samples = 0;
  let ticks = 0;
  let begun = false;

  const head = (): Buffer => {
    if (begun) return Buffer.alloc(0);
    begun = true;
    const vendor = Buffer.from('visavis');
    const sizes = Buffer.alloc(8);
    sizes.writeUInt32LE(vendor.length, 0);
    const tags = Buffer.concat([Buffer.from('OpusTags'), sizes.subarray(0, 4), vendor, sizes.subarray(4)]);
    return Buffer.concat([pages.page([setup], 0n), pages.page([tags], 0n)]);
  };
  const write = (packets: readonly Uint8Array[]): Buffer => {
    if (packets.length === 0) return Buffer.alloc(0);
    ticks += packets.length * packetTicks;
    return Buffer.concat([head(), pages.page(packets, BigInt(ticks))]);
  };
  /** The bytes of packets, a page for every second: a page cannot hold more than about 65 kB. */
  const writeAll = (packets: readonly Uint8Array[]): Buffer => {
    const parts: Buffer[] = [];
    for (let at = 0; at < packets.length; at += 50) parts.push(write(packets.slice(at, at + 50)));
    return Buffer.concat(parts);
  };

  return {
    async encode(pcm) {
      samples += pcm.length;
      return writeAll(await encoder.encode(pcm));
    },
    async end() {
      // The last sample leaves the encoder `preSkip` ticks later: silence pushes it out, and the granule position cuts it off.
      const due = preSkip + samples * toClock;
      const packets = Math.ceil(due / packetTicks);
      const missing = Math.max(0, packets * encoder.packetSamples - samples);
      const last = await encoder.encode(new Float32Array(missing));
      const parts = [writeAll(last.slice(0, -1)), head()];
      parts.push(pages.page(last.slice(-1), BigInt(Math.round(due)), true));
      return Buffer.concat(parts);
    },
    close: () => encoder.close(),
  };
};

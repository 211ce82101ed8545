import { z } from 'zod';
import { VisavisError } from '../../errors.ts';
import type { AudioFormat, AudioStreamOptions } from '../../stream/media/codecs/audio-stream.ts';

/** What is sent when a client names no format. */
const DEFAULT_FORMAT = 'mp3_44100_128';

const RATES_HZ: Readonly<Partial<Record<AudioFormat, readonly number[]>>> = {
  mp3: [22_050, 24_000, 44_100],
  pcm: [8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000],
  wav: [8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000],
  opus: [48_000],
  ulaw: [8000],
  alaw: [8000],
};

/** The formats that there are. */
export const FORMATS = Object.keys(RATES_HZ) as readonly AudioFormat[];

const list = (): string =>
  Object.entries(RATES_HZ)
    .map(([format, rates]) => `${format}_{${rates.join(', ')}}`)
    .join(', ');

/** `output_format` in a query. */
export const outputFormatName = z
  .string()
  .default(DEFAULT_FORMAT)
  .describe(`${list()}; for mp3 and opus also _kilobits, 16…192`);

/** `output_format` of ElevenLabs, `codec_sampleRate` or `codec_sampleRate_kilobits`. @throws {VisavisError} `unsupported_media` */
export const readOutputFormat = (name: string): AudioStreamOptions => {
  const [, codec = '', rate = '', kilobits] = /^([a-z]+\d?)_(\d{4,5})(?:_(\d{2,3}))?$/.exec(name) ?? [];
  const format = codec as AudioFormat;
  const sampleRateHz = Number(rate);
  const bitrateBps = kilobits === undefined ? undefined : Number(kilobits) * 1000;
  if (
    !RATES_HZ[format]?.includes(sampleRateHz) ||
    (bitrateBps !== undefined && (bitrateBps < 16_000 || bitrateBps > 192_000))
  ) {
    throw new VisavisError('unsupported_media', `there is no output_format "${name}"; there are: ${list()}`);
  }
  return { format, sampleRateHz, ...(bitrateBps === undefined ? {} : { bitrateBps }) };
};

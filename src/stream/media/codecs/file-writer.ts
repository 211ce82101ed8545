/** Writes a talking head, or sound alone, to a file: `.mp4` (H.264 and AAC), `.webm` (VP8 and Opus) or `.wav` (16 bit PCM). */
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { VisavisError } from '../../../errors.ts';
import { toPcm16 } from '../pcm16.ts';
import { createMediaFile } from './media-file.ts';
import { WAV_HEADER_BYTES, wavHeader } from './wav-header.ts';

export interface FileFormat {
  /** Of the sound; any for `.wav`, one that Opus takes for `.webm`. Null: the file has no sound. */
  readonly sampleRateHz: number | null;
  /** Width and height of the picture. */
  readonly size: number;
  readonly fps: number;
}

/** Sound and picture both start at 0 and are as long as what was written; calls of one kind must not overlap. */
export interface FileWriter {
  /** Appends sound, float32 mono in -1…1, of any length; nothing where the file has no sound. */
  writeAudio(pcm: Float32Array): Promise<void>;
  /** Appends a frame of `size`² in I420; left out of `.wav`. */
  writeVideo(i420: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Completes the file; idempotent. */
  close(): Promise<void>;
}

/**
 * Creates (or overwrites) a file whose ending says the format.
 * @throws {VisavisError} `unsupported_media` for another ending or a sample rate that the format does not take; `internal` when
 *   the file cannot be written.
 */
export const createFileWriter = async (path: string, format: FileFormat): Promise<FileWriter> => {
  switch (extname(path).toLowerCase()) {
    case '.wav':
      if (format.sampleRateHz === null)
        throw new VisavisError('unsupported_media', `${path}: there is no sound to write.`);
      return createWavFile(path, format.sampleRateHz);
    case '.mp4':
      return createMediaFile(path, 'mp4', format);
    case '.webm':
      return createMediaFile(path, 'webm', format);
    default:
      throw new VisavisError('unsupported_media', `A file is written as .mp4, .webm or .wav, not as "${path}".`);
  }
};

const createWavFile = async (path: string, sampleRateHz: number): Promise<FileWriter> => {
  const file = await open(path, 'w');
  let dataBytes = 0;
  let isClosed = false;
  await file.write(wavHeader(sampleRateHz, 0));
  return {
    async writeAudio(pcm) {
      const data = toPcm16(pcm);
      await file.write(data);
      dataBytes += data.length;
    },
    async writeVideo() {},
    async close() {
      if (isClosed) return;
      isClosed = true;
      await file.write(wavHeader(sampleRateHz, dataBytes), 0, WAV_HEADER_BYTES, 0);
      await file.close();
    },
  };
};

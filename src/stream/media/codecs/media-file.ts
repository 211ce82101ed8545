/** MP4 and WebM files by the muxers and encoders inside node-av. */
import { CodecContext, Dictionary, FormatContext, Frame, Packet, Rational, type Stream } from 'node-av';
import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_PIX_FMT_YUV420P,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_BT709,
  FF_ENCODER_AAC,
  FF_ENCODER_LIBOPUS,
  FF_ENCODER_LIBVPX_VP8,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';
import { VisavisError } from '../../../errors.ts';
import type { FileFormat, FileWriter } from './file-writer.ts';
import { checkLength, checkPictureSize, encodablePcm } from './encodable.ts';
import { checkLibav, openEncoder } from './libav.ts';
import { OPUS_SAMPLE_RATES_HZ } from './opus-encoder.ts';

const AUDIO_BITRATE_BPS = 96_000;
/** Bits per pixel and frame at which faces look clean. */
const VIDEO_BITS_PER_PIXEL = 0.6;
/** A file is sought in: a key frame every 5 s. */
const KEY_FRAME_INTERVAL_S = 5;

const CONTAINERS = {
  mp4: {
    video: FF_ENCODER_LIBX264,
    videoOptions: { preset: 'medium', crf: '18' },
    audio: FF_ENCODER_AAC,
    audioFormat: AV_SAMPLE_FMT_FLTP,
    audioOptions: {},
    muxerOptions: { movflags: '+faststart' },
  },
  webm: {
    video: FF_ENCODER_LIBVPX_VP8,
    videoOptions: { deadline: 'good', 'cpu-used': '4', 'auto-alt-ref': '0', crf: '10' },
    audio: FF_ENCODER_LIBOPUS,
    audioFormat: AV_SAMPLE_FMT_FLT,
    audioOptions: { application: 'voip', vbr: 'on' },
    muxerOptions: {},
  },
} as const;

/** One encoder and its stream in the file. */
interface Track {
  readonly context: CodecContext;
  readonly stream: Stream;
}

/**
 * Opens an MP4 (H.264, AAC) or WebM (VP8, Opus) file.
 * @throws {VisavisError} `unsupported_media` for a sample rate that Opus does not take, or an impossible size; `internal` when the file cannot be written.
 */
export const createMediaFile = async (
  path: string,
  kind: keyof typeof CONTAINERS,
  format: FileFormat,
): Promise<FileWriter> => {
  const container = CONTAINERS[kind];
  const { sampleRateHz, size, fps } = format;
  checkPictureSize(size);
  if (kind === 'webm' && sampleRateHz !== null && !OPUS_SAMPLE_RATES_HZ.includes(sampleRateHz)) {
    throw new VisavisError(
      'unsupported_media',
      `A .webm file takes ${OPUS_SAMPLE_RATES_HZ.join(', ')} Hz, not ${sampleRateHz} Hz.`,
    );
  }
  const output = new FormatContext();
  checkLibav(output.allocOutputContext2(null, kind, path), `No ${kind} muxer`);

  const addTrack = async (...encoder: Parameters<typeof openEncoder>): Promise<Track> => {
    const [name, configure, options] = encoder;
    const { codec, context } = await openEncoder(
      name,
      (context) => {
        configure(context);
        if (kind === 'mp4') context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
      },
      options,
    );
    const stream = output.newStream(codec);
    checkLibav(stream.codecpar.fromContext(context), `The encoder ${name} has no parameters`);
    stream.timeBase = context.timeBase;
    return { context, stream };
  };

  const video = await addTrack(
    container.video,
    (picture) => {
      picture.width = size;
      picture.height = size;
      picture.pixelFormat = AV_PIX_FMT_YUV420P;
      picture.colorRange = AVCOL_RANGE_MPEG;
      picture.colorSpace = AVCOL_SPC_SMPTE170M;
      picture.colorPrimaries = AVCOL_PRI_BT709;
      picture.colorTrc = AVCOL_TRC_BT709;
      picture.timeBase = new Rational(1, fps);
      picture.framerate = new Rational(fps, 1);
      picture.gopSize = fps * KEY_FRAME_INTERVAL_S;
      picture.maxBFrames = 0;
      picture.threadCount = 1;
      if (kind === 'webm') picture.bitRate = BigInt(Math.round(size * size * fps * VIDEO_BITS_PER_PIXEL));
    },
    container.videoOptions,
  );
  const audio =
    sampleRateHz === null
      ? null
      : {
          sampleRateHz,
          ...(await addTrack(
            container.audio,
            (sound) => {
              sound.sampleRate = sampleRateHz;
              sound.sampleFormat = container.audioFormat;
              sound.channelLayout = AV_CHANNEL_LAYOUT_MONO;
              sound.timeBase = new Rational(1, sampleRateHz);
              sound.bitRate = BigInt(AUDIO_BITRATE_BPS);
            },
            container.audioOptions,
          )),
        };

  checkLibav(await output.openOutput(), `Cannot write ${path}`);
  checkLibav(await output.writeHeader(Dictionary.fromObject(container.muxerOptions)), `Cannot write ${path}`);

  const packet = new Packet();
  packet.alloc();
  let frames = 0;
  let samples = 0;
  let waiting = new Float32Array(0);
  let closing: Promise<void> | null = null;
  // The muxer and its packet take one call at a time.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (run: () => Promise<void>): Promise<void> => {
    const done = last.then(run);
    last = done.catch(() => undefined);
    return done;
  };

  /** Encodes a frame (null: what the encoder still holds) and writes what comes out. */
  const encode = async ({ context, stream }: Track, frame: Frame | null): Promise<void> => {
    const sent = await context.sendFrame(frame);
    frame?.free();
    checkLibav(sent, 'Encoding failed');
    while ((await context.receivePacket(packet)) >= 0) {
      packet.streamIndex = stream.index;
      // Without its duration the last frame would not be shown.
      if (stream === video.stream) packet.duration = 1n;
      packet.rescaleTs(context.timeBase, stream.timeBase);
      checkLibav(await output.interleavedWriteFrame(packet), `Cannot write ${path}`);
    }
  };

  const encodeSound = async (track: NonNullable<typeof audio>, pcm: Float32Array): Promise<void> => {
    const frame = Frame.fromAudioBuffer(Buffer.from(encodablePcm(pcm).buffer), {
      sampleRate: track.sampleRateHz,
      channelLayout: AV_CHANNEL_LAYOUT_MONO,
      format: container.audioFormat,
      nbSamples: pcm.length,
      timeBase: { num: 1, den: track.sampleRateHz },
      pts: BigInt(samples),
    });
    samples += pcm.length;
    await encode(track, frame);
  };

  const finish = async (): Promise<void> => {
    if (audio && waiting.length > 0) await encodeSound(audio, waiting);
    await encode(video, null);
    if (audio) await encode(audio, null);
    checkLibav(await output.writeTrailer(), `Cannot write ${path}`);
    await output.closeOutput();
    packet.free();
    video.context.freeContext();
    audio?.context.freeContext();
    output.freeContext();
  };

  return {
    writeAudio: (pcm) =>
      inTurn(async () => {
        if (!audio) return;
        const { frameSize } = audio.context;
        const all = new Float32Array(waiting.length + pcm.length);
        all.set(waiting);
        all.set(pcm, waiting.length);
        const whole = all.length - (all.length % frameSize);
        for (let at = 0; at < whole; at += frameSize) await encodeSound(audio, all.subarray(at, at + frameSize));
        waiting = all.slice(whole);
      }),
    writeVideo(i420) {
      const bytes = (size * size * 3) / 2;
      return inTurn(async () => {
        // When its turn comes: until then the buffer may have been transferred away.
        checkLength(`A frame of ${size}²`, 'bytes of I420', i420.length, bytes);
        const frame = Frame.fromVideoBuffer(Buffer.from(i420.buffer, i420.byteOffset, i420.byteLength), {
          width: size,
          height: size,
          format: AV_PIX_FMT_YUV420P,
          timeBase: { num: 1, den: fps },
          pts: BigInt(frames),
        });
        frames += 1;
        await encode(video, frame);
      });
    },
    close() {
      closing ??= inTurn(finish);
      return closing;
    },
  };
};

/** Pictures and sound of media files, by the demuxers, decoders and filters inside node-av. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  type FilterContext,
  FilterGraph,
  FormatContext,
  Frame,
  Log,
  Packet,
  type Stream,
  avGetPixFmtName,
  avGetSampleFmtName,
} from 'node-av';
import {
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  AV_LOG_FATAL,
  type AVPixelFormat,
  type AVSampleFormat,
} from 'node-av/constants';
import { VisavisError } from '../../../errors.ts';
import { checkLibav } from './libav.ts';

// What is wrong with a file is told in our own errors, once and not for every packet.
Log.setLevel(AV_LOG_FATAL);

/** A longer side is a mistake, or an attack on memory: one frame of 4096² takes 50 MB as RGB. */
const MAX_SIDE = 4096;

/** What a file holds. */
export interface MediaInfo {
  /** As the file itself tells it; null when it does not. */
  readonly durationMs: number | null;
  readonly hasSound: boolean;
}

type Kind = 'video' | 'audio';
const MEDIA_TYPES = { video: AVMEDIA_TYPE_VIDEO, audio: AVMEDIA_TYPE_AUDIO } as const;

const wrong = (path: string, got: string): VisavisError =>
  new VisavisError('unsupported_media', `${path}: expected a video or picture that FFmpeg can read, got ${got}.`);

/** Opens a file and finds its streams; the caller closes it. */
const open = async (path: string): Promise<FormatContext> => {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw wrong(path, found ? 'a folder' : 'no file');
  const input = new FormatContext();
  // Playlists may name other files, and addresses: only this file is read.
  const options = Dictionary.fromObject({ protocol_whitelist: 'file' });
  const opened = await input.openInput(`file:${resolve(path)}`, null, options);
  if (opened < 0) throw wrong(path, `something else (${FFmpegError.strerror(opened)})`);
  await input.findStreamInfo(null);
  return input;
};

const streamOf = (input: FormatContext, kind: Kind): Stream | undefined =>
  input.streams.find(({ codecpar }) => codecpar.codecType === MEDIA_TYPES[kind]);

/**
 * Tells what a file holds, before anything of it is decoded.
 * @throws {VisavisError} `unsupported_media` when it is no video, has no picture, or one that is too large
 */
export const probeMedia = async (path: string): Promise<MediaInfo> => {
  const input = await open(path);
  try {
    const video = streamOf(input, 'video');
    if (!video) throw wrong(path, 'a file without a picture');
    const { width, height } = video.codecpar;
    if (width > MAX_SIDE || height > MAX_SIDE) {
      throw wrong(path, `${width} × ${height} pixels; at most ${MAX_SIDE} a side are taken. Scale it down`);
    }
    const durationMs = Number(input.duration) / 1000;
    return { durationMs: durationMs > 0 ? durationMs : null, hasSound: streamOf(input, 'audio') !== undefined };
  } finally {
    await input.closeInput();
  }
};

/** How long a frame is shown, in ticks of its stream, going by the mean rate. */
const frameDuration = ({ avgFrameRate, timeBase }: Stream): bigint =>
  avgFrameRate.num > 0 ? BigInt(Math.round((avgFrameRate.den * timeBase.den) / (avgFrameRate.num * timeBase.num))) : 0n;

/** A chain of FFmpeg's filters from decoded frames to what is wanted. */
const createFilter = async (
  path: string,
  frame: Frame,
  timeBase: { readonly num: number; readonly den: number },
  chain: string,
): Promise<{ readonly graph: FilterGraph; readonly source: FilterContext; readonly sink: FilterContext }> => {
  const clock = `time_base=${timeBase.num}/${timeBase.den}`;
  const isVideo = frame.isVideo();
  const { mask, nbChannels } = frame.channelLayout;
  const layout = mask === 0n ? `${nbChannels}c` : `0x${mask.toString(16)}`;
  const source = isVideo
    ? `buffer@in=video_size=${frame.width}x${frame.height}:pix_fmt=${avGetPixFmtName(frame.format as AVPixelFormat)}:${clock}`
    : `abuffer@in=${clock}:sample_rate=${frame.sampleRate}:sample_fmt=${avGetSampleFmtName(frame.format as AVSampleFormat)}:channel_layout=${layout}`;
  const graph = new FilterGraph();
  graph.alloc();
  const ends = isVideo ? ['buffer@in', 'buffersink@out'] : ['abuffer@in', 'abuffersink@out'];
  if (graph.parse2(`${source},${chain},${ends[1]}`) < 0 || (await graph.config()) < 0) {
    graph.free();
    throw wrong(path, 'a format that the filters do not take');
  }
  const [input, output] = ends.map((name) => graph.getFilter(name));
  if (!input || !output) throw new VisavisError('internal', 'The filters have no ends.');
  return { graph, source: input, sink: output };
};

/** Frames of one stream of a file as `chain` makes them; each is valid until the next is asked for. */
async function* decode(path: string, kind: Kind, chain: string): AsyncGenerator<Frame> {
  const input = await open(path);
  const decoder = new CodecContext();
  const [packet, decoded, filtered] = [new Packet(), new Frame(), new Frame()];
  packet.alloc();
  decoded.alloc();
  filtered.alloc();
  let filter: Awaited<ReturnType<typeof createFilter>> | null = null;
  try {
    const stream = streamOf(input, kind);
    if (!stream) return;
    const codec = Codec.findDecoder(stream.codecpar.codecId);
    if (!codec) throw wrong(path, 'a format without a decoder');
    decoder.allocContext3(codec);
    const taken = decoder.parametersToContext(stream.codecpar);
    decoder.pktTimebase = stream.timeBase;
    decoder.threadCount = 1;
    if (taken < 0 || (await decoder.open2(codec)) < 0) throw wrong(path, `damaged ${kind}`);

    for (let more = true; more;) {
      more = (await input.readFrame(packet)) >= 0;
      if (more && packet.streamIndex !== stream.index) {
        packet.unref();
        continue;
      }
      // A damaged packet is left out, as players do; null asks for what the decoder still holds.
      await decoder.sendPacket(more ? packet : null);
      packet.unref();
      while ((await decoder.receiveFrame(decoded)) >= 0) {
        if (decoded.width > MAX_SIDE || decoded.height > MAX_SIDE) throw wrong(path, 'a picture that grows too large');
        // Without its duration the last frame of a file would be shown for no time.
        if (kind === 'video' && decoded.duration === 0n) decoded.duration = frameDuration(stream);
        filter ??= await createFilter(path, decoded, stream.timeBase, chain);
        if ((await filter.source.buffersrcAddFrame(decoded)) < 0)
          throw wrong(path, 'one that changes its format midway');
        decoded.unref();
        yield* takeFrom(filter.sink, filtered);
      }
    }
    if (!filter) return;
    checkLibav(await filter.source.buffersrcAddFrame(null), 'The filters do not end');
    yield* takeFrom(filter.sink, filtered);
  } finally {
    filter?.graph.free();
    filtered.free();
    decoded.free();
    packet.free();
    decoder.freeContext();
    await input.closeInput();
  }
}

async function* takeFrom(sink: FilterContext, frame: Frame): AsyncGenerator<Frame> {
  while ((await sink.buffersinkGetFrame(frame)) >= 0) {
    try {
      yield frame;
    } finally {
      frame.unref();
    }
  }
}

/**
 * The pictures of a file at a fixed rate from its time 0: the middle square of each, scaled. A picture file is one picture.
 * @param size - pixels a side
 * @returns RGB, row by row from the top, `size`² × 3 bytes each; the consumer's own
 * @throws {VisavisError} `unsupported_media` when it is no video, or changes into one that cannot be read
 */
export async function* readPictures(path: string, size: number, fps: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const square = `crop='min(iw,ih)':'min(iw,ih)',scale=${size}:${size}:flags=area,format=rgb24`;
  for await (const frame of decode(path, 'video', `fps=${fps}:start_time=0,${square}`)) {
    yield Uint8Array.from(frame.toBuffer());
  }
}

/** A part of a picture, in pixels. */
export interface Square {
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

/**
 * A part of a picture file, scaled.
 * @param size - pixels a side of what is given
 * @returns RGB, row by row from the top, `size`² × 3 bytes; the caller's own
 * @throws {VisavisError} `unsupported_media` when it cannot be read, or the part is not inside it
 */
export const readSquare = async (
  path: string,
  size: number,
  { left, top, side }: Square,
): Promise<Uint8Array<ArrayBuffer>> => {
  const chain = `crop=${side}:${side}:${left}:${top}:exact=1,scale=${size}:${size}:flags=area,format=rgb24`;
  for await (const frame of decode(path, 'video', chain)) return Uint8Array.from(frame.toBuffer());
  throw wrong(path, 'one of which nothing can be decoded');
};

/**
 * The sound of a file from its time 0, one channel; nothing when it has none.
 * @returns float32 in -1…1, pieces of any length
 * @throws {VisavisError} `unsupported_media` when it is no media file
 */
export async function* readSound(path: string, sampleRateHz: number): AsyncGenerator<Float32Array> {
  const mono = `aresample=${sampleRateHz}:async=1:first_pts=0,aformat=sample_fmts=flt:channel_layouts=mono`;
  for await (const frame of decode(path, 'audio', mono)) {
    const bytes = Uint8Array.from(frame.toBuffer());
    yield new Float32Array(bytes.buffer, 0, frame.nbSamples);
  }
}

/** Decodes sound in any format with FFmpeg's decoders, and compares it with what was meant. */
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Codec, CodecContext, FormatContext, Frame, Packet } from 'node-av';
import { AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S16P } from 'node-av/constants';

interface Decoded {
  readonly sampleRateHz: number;
  /** float32 in -1…1, mono. */
  readonly pcm: Float32Array;
}

/** @param extension - tells the format, such as `mp3` */
export const decodeAudio = async (bytes: Uint8Array, extension: string): Promise<Decoded> => {
  const path = join(tmpdir(), `visavis-${crypto.randomUUID()}.${extension}`);
  await writeFile(path, bytes);
  try {
    return await decodeFile(path);
  } finally {
    await rm(path);
  }
};

const decodeFile = async (path: string): Promise<Decoded> => {
  const input = new FormatContext();
  const opened = await input.openInput(path);
  if (opened < 0) throw new Error(`FFmpeg cannot read ${path}: ${opened}`);
  await input.findStreamInfo();
  const stream = input.streams[0]!;
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.parametersToContext(stream.codecpar);
  decoder.pktTimebase = stream.timeBase;
  await decoder.open2(codec);
  const [packet, frame] = [new Packet(), new Frame()];
  packet.alloc();
  frame.alloc();
  const samples: number[] = [];
  let sampleRateHz = 0;
  const receive = async () => {
    while ((await decoder.receiveFrame(frame)) >= 0) {
      const plane = frame.data![0]!;
      const isInt16 = frame.format === AV_SAMPLE_FMT_S16 || frame.format === AV_SAMPLE_FMT_S16P;
      sampleRateHz = frame.sampleRate;
      for (let i = 0; i < frame.nbSamples; i++) {
        samples.push(isInt16 ? plane.readInt16LE(i * 2) / 32_768 : plane.readFloatLE(i * 4));
      }
      frame.unref();
    }
  };
  while ((await input.readFrame(packet)) >= 0) {
    await decoder.sendPacket(packet);
    await receive();
    packet.unref();
  }
  await decoder.sendPacket(null);
  await receive();
  frame.free();
  packet.free();
  decoder.freeContext();
  await input.closeInput();
  return { sampleRateHz, pcm: Float32Array.from(samples) };
};

/** 16-bit little-endian PCM as float32. */
export const fromPcm16 = (bytes: Uint8Array): Float32Array => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length >> 1 }, (_, i) => view.getInt16(2 * i, true) / 32_768);
};

/** Two sounds are compared over so many samples: more would tell no more. */
const COMPARED_SAMPLES = 24_000;

/** The best correlation (-1…1) of two sounds of one rate, when one may begin up to `maxLag` samples later. */
export const correlation = (meant: Float32Array, heard: Float32Array, maxLag = 0): { value: number; lag: number } => {
  let best = { value: -1, lag: 0 };
  const length = Math.min(COMPARED_SAMPLES, meant.length, heard.length - maxLag);
  for (let lag = 0; lag <= maxLag; lag += 1) {
    let [both, a, b] = [0, 0, 0];
    for (let i = 0; i < length; i += 1) {
      const x = meant[i] as number;
      const y = heard[i + lag] as number;
      both += x * y;
      a += x * x;
      b += y * y;
    }
    const value = both / Math.sqrt(a * b);
    if (value > best.value) best = { value, lag };
  }
  return best;
};

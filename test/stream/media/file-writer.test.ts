import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Codec, CodecContext, FormatContext, Frame, Packet } from 'node-av';
import { AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileWriter } from '../../../src/stream/media/codecs/file-writer.ts';
import { barFrame, toneSlot } from '../../support/synthetic-media.ts';

const SAMPLE_RATE_HZ = 16_000;
const SIZE = 128;
const FPS = 25;
const SLOTS = 50;
/** Speech starts in this slot: sound and picture change there together. */
const ONSET_SLOT = 20;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-writer-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Two seconds: silence and black, then a tone and a bright picture. */
const write = async (path: string) => {
  const writer = await createFileWriter(path, { sampleRateHz: SAMPLE_RATE_HZ, size: SIZE, fps: FPS });
  for (let sequence = 0; sequence < SLOTS; sequence++) {
    const isOn = sequence >= ONSET_SLOT;
    const i420 = isOn ? barFrame(sequence, SIZE).i420 : new Uint8Array((SIZE * SIZE * 3) / 2).fill(16);
    await Promise.all([writer.writeAudio(toneSlot(sequence, SAMPLE_RATE_HZ, isOn).pcm), writer.writeVideo(i420)]);
  }
  await Promise.all([writer.close(), writer.close()]);
};

/** Decoded frames: when they start, how long they last (both in seconds), and how bright or loud they are. */
const decode = async (path: string, kind: 'video' | 'audio') => {
  const input = new FormatContext();
  expect(await input.openInput(path)).toBe(0);
  await input.findStreamInfo();
  const stream = input.streams.find(
    ({ codecpar }) => codecpar.codecType === (kind === 'video' ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO),
  );
  if (stream === undefined) throw new Error(`${path} has no ${kind}.`);
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.parametersToContext(stream.codecpar);
  decoder.pktTimebase = stream.timeBase;
  expect(await decoder.open2(codec)).toBe(0);

  const frames: { startS: number; durationS: number; level: number }[] = [];
  const [packet, frame] = [new Packet(), new Frame()];
  packet.alloc();
  frame.alloc();
  const receive = async () => {
    while ((await decoder.receiveFrame(frame)) >= 0) {
      const plane = frame.data?.[0] ?? Buffer.alloc(0);
      const values =
        kind === 'video'
          ? Array.from(
              { length: SIZE * SIZE },
              (_, i) => plane[Math.floor(i / SIZE) * (frame.linesize[0] ?? SIZE) + (i % SIZE)] ?? 0,
            )
          : Array.from({ length: frame.nbSamples }, (_, i) => Math.abs(plane.readFloatLE(i * 4)));
      frames.push({
        startS: (Number(frame.pts) * stream.timeBase.num) / stream.timeBase.den,
        durationS: kind === 'video' ? 1 / FPS : frame.nbSamples / frame.sampleRate,
        level: values.reduce((sum, value) => sum + value, 0) / values.length,
      });
      frame.unref();
    }
  };
  while ((await input.readFrame(packet)) >= 0) {
    if (packet.streamIndex === stream.index) {
      await decoder.sendPacket(packet);
      await receive();
    }
    packet.unref();
  }
  await decoder.sendPacket(null);
  await receive();
  packet.free();
  frame.free();
  decoder.freeContext();
  await input.closeInput();
  return frames;
};

describe.each(['mp4', 'webm'])('a .%s file', (kind) => {
  it('holds every frame and all sound, aligned from 0', async () => {
    const path = join(folder, `hello.${kind}`);
    await write(path);

    const video = await decode(path, 'video');
    const audio = await decode(path, 'audio');

    expect(video).toHaveLength(SLOTS);
    expect(video[0]?.startS).toBe(0);
    expect(video.at(-1)?.startS).toBeCloseTo((SLOTS - 1) / FPS, 2);
    expect(Math.abs(audio[0]?.startS ?? 1)).toBeLessThan(0.07);
    const endS = (audio.at(-1)?.startS ?? 0) + (audio.at(-1)?.durationS ?? 0);
    expect(endS).toBeGreaterThanOrEqual(SLOTS / FPS - 0.001);
    expect(endS).toBeLessThan(SLOTS / FPS + 0.07);
    const bright = video.find(({ level }) => level > 50)?.startS;
    const loud = audio.find(({ level }) => level > 0.1);
    expect(bright).toBeCloseTo(ONSET_SLOT / FPS, 2);
    expect(Math.abs((loud?.startS ?? 0) - ONSET_SLOT / FPS)).toBeLessThan(loud?.durationS ?? 0);
  });
});

describe('a .wav file', () => {
  it('holds the samples as they were', async () => {
    const path = join(folder, 'hello.wav');
    await write(path);

    const bytes = await readFile(path);
    const samples = new Int16Array(bytes.buffer, bytes.byteOffset + 44, (bytes.length - 44) / 2);

    expect(bytes.toString('latin1', 0, 4)).toBe('RIFF');
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    expect(bytes.readUInt32LE(24)).toBe(SAMPLE_RATE_HZ);
    expect(samples).toHaveLength((SLOTS * SAMPLE_RATE_HZ) / FPS);
    const tone = toneSlot(ONSET_SLOT, SAMPLE_RATE_HZ).pcm;
    expect(Array.from(samples.subarray(ONSET_SLOT * 640, ONSET_SLOT * 640 + 640))).toEqual(
      Array.from(tone, (sample) => Math.round(sample * 32767) | 0),
    );
  });
});

it('refuses other endings, and rates that Opus does not take', async () => {
  const format = { sampleRateHz: 22_050, size: SIZE, fps: FPS };

  await expect(createFileWriter(join(folder, 'hello.avi'), format)).rejects.toMatchObject({
    code: 'unsupported_media',
  });
  await expect(createFileWriter(join(folder, 'hello.webm'), format)).rejects.toMatchObject({
    code: 'unsupported_media',
  });
  await expect(createFileWriter('/nowhere/hello.mp4', format)).rejects.toMatchObject({ code: 'internal' });
});

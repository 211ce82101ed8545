/** Sound and picture that a test can recognise: a tone and a bar that moves. */
import { SLOT_MS, type AudioSlot, type VideoFrame } from '../../src/media.ts';

/** A sine tone at half of full scale, phase continuous over slots; silence when not speaking. */
export const toneSlot = (sequence: number, sampleRateHz: number, speaking = true, toneHz = 440): AudioSlot => {
  const samples = (sampleRateHz * SLOT_MS) / 1000;
  const pcm = new Float32Array(samples);
  if (speaking) {
    for (let i = 0; i < samples; i++) {
      pcm[i] = 0.5 * Math.sin((2 * Math.PI * toneHz * (sequence * samples + i)) / sampleRateHz);
    }
  }
  return { sequence, pcm, speaking };
};

/** A grey gradient with a white bar that moves by 4 pixels a frame. */
export const barFrame = (sequence: number, size: number): VideoFrame => {
  const i420 = new Uint8Array((size * size * 3) / 2).fill(128);
  const bar = (sequence * 4) % size;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) i420[y * size + x] = x >= bar && x < bar + 16 ? 235 : 40 + ((x + y) >> 2);
  }
  return { sequence, size, i420 };
};

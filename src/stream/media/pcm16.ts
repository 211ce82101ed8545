/** float32 in -1…1 as little-endian int16; louder samples are clipped. */
export const toPcm16 = (pcm: Float32Array): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(pcm.length * 2);
  const view = new DataView(bytes.buffer);
  for (const [i, sample] of pcm.entries()) {
    view.setInt16(i * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true);
  }
  return bytes;
};

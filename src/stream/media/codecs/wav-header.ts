/** Bytes of the header. */
export const WAV_HEADER_BYTES = 44;

/** In a stream the length is not known when its header is sent; readers take this for "until it ends". */
const UNKNOWN_BYTES = 0xff_ff_ff_ff;

/** RIFF header of mono 16-bit PCM; `dataBytes` null: a stream whose length is not known. */
export const wavHeader = (sampleRateHz: number, dataBytes: number | null): Buffer => {
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0);
  header.writeUInt32LE(dataBytes === null ? UNKNOWN_BYTES : WAV_HEADER_BYTES - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRateHz, 24);
  header.writeUInt32LE(sampleRateHz * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(dataBytes ?? UNKNOWN_BYTES, 40);
  return header;
};

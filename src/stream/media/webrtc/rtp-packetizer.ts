/**
 * VP8 frames as RTP payloads (RFC 7741 §4). Pure: the caller adds the RTP header.
 *
 *  0 1 2 3 4 5 6 7
 * +-+-+-+-+-+-+-+-+
 * |X|R|N|S|R| PID |  X = 1: the next byte is there; S = 1 on the first payload of a frame
 * +-+-+-+-+-+-+-+-+
 * |I|L|T|K| RSV   |  I = 1: a picture id follows
 * +-+-+-+-+-+-+-+-+
 * |M| PictureID   |  M = 1: of 15 bits
 * |   PictureID   |
 * +-+-+-+-+-+-+-+-+
 */

/** Largest payload in bytes: leaves room for RTP, SRTP, UDP, IPv6 and a tunnel in the 1280 bytes that IPv6 promises. */
export const MAX_PAYLOAD_BYTES = 1160;

const DESCRIPTOR_BYTES = 4;
const PICTURE_ID_MASK = 0x7fff;

/** RTP timestamp ticks per Opus packet of 20 ms; the clock is 48 kHz at every sample rate (RFC 7587 §4.1). */
export const AUDIO_TICKS_PER_PACKET = 960;
/** RTP timestamp ticks per slot of 40 ms at 90 kHz. */
export const VIDEO_TICKS_PER_SLOT = 3600;

/**
 * Cuts one encoded VP8 frame into RTP payloads of nearly equal size; the last one's packet carries the marker.
 *
 * @param pictureId - counts frames; its low 15 bits are sent.
 */
export const packetizeVp8 = (
  frame: Uint8Array,
  pictureId: number,
  maxBytes: number = MAX_PAYLOAD_BYTES,
): Uint8Array<ArrayBuffer>[] => {
  const room = maxBytes - DESCRIPTOR_BYTES;
  const count = Math.max(1, Math.ceil(frame.length / room));
  const id = pictureId & PICTURE_ID_MASK;
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * frame.length) / count);
    const to = Math.floor(((index + 1) * frame.length) / count);
    const payload = new Uint8Array(DESCRIPTOR_BYTES + to - from);
    payload.set([index === 0 ? 0x90 : 0x80, 0x80, 0x80 | (id >> 8), id & 0xff]);
    payload.set(frame.subarray(from, to), DESCRIPTOR_BYTES);
    return payload;
  });
};

/** The next RTP sequence number (16 bits). */
export const nextSequenceNumber = (sequenceNumber: number): number => (sequenceNumber + 1) & 0xffff;

/** RTP timestamp (32 bits) of the media index `index`, `ticks` apart, after the random `base`. */
export const rtpTimestamp = (base: number, index: number, ticks: number): number => (base + index * ticks) % 2 ** 32;

/**
 * The numbers in RTCP sender and receiver reports (RFC 3550 §6.4). A receiver aligns sound and picture by the pairs of NTP and
 * RTP time that sender reports give, so both tracks must map the same media time to the same wall time. Pure.
 */

/** Seconds between the NTP era (1900) and the Unix epoch (1970). */
const NTP_UNIX_OFFSET_S = 2_208_988_800;
const FRACTION = 2 ** 32;

/** A wall time in ms since 1970 as a 64-bit NTP timestamp: 32 bits of seconds, 32 bits of fraction. */
export const toNtp = (wallMs: number): bigint => {
  const seconds = Math.floor(wallMs / 1000);
  const fraction = Math.floor(((wallMs - seconds * 1000) / 1000) * FRACTION);
  return (BigInt(seconds + NTP_UNIX_OFFSET_S) << 32n) | BigInt(fraction);
};

/** The inverse of `toNtp`, to about a microsecond. */
export const fromNtp = (ntp: bigint): number =>
  (Number(ntp >> 32n) - NTP_UNIX_OFFSET_S) * 1000 + (Number(ntp & 0xffff_ffffn) / FRACTION) * 1000;

/** The middle 32 bits of an NTP timestamp, as receiver reports carry it. */
export const compactNtp = (ntp: bigint): number => Number((ntp >> 16n) & 0xffff_ffffn);

/** How one track's media time maps to the wall clock and to its RTP timestamps. */
export interface TrackClock {
  /** Wall time of media time 0, ms since 1970; the same in both tracks. */
  readonly startWallMs: number;
  /** RTP timestamp of media time 0. */
  readonly rtpBase: number;
  /** RTP ticks per second: 48000 for Opus, 90000 for video. */
  readonly rateHz: number;
}

/** The NTP and RTP timestamps of a sender report at media time `mediaMs`. */
export const senderTimestamps = (track: TrackClock, mediaMs: number): { ntp: bigint; rtp: number } => ({
  ntp: toNtp(track.startWallMs + mediaMs),
  rtp: (((track.rtpBase + Math.round((mediaMs * track.rateHz) / 1000)) % 2 ** 32) + 2 ** 32) % 2 ** 32,
});

/**
 * Round trip in ms from a receiver report (RFC 3550 §6.4.1): arrival − LSR − DLSR; null before the receiver saw a sender report.
 *
 * @param arrivalNtp - when the report came, on the clock of our sender reports.
 * @param lsr - middle 32 bits of the NTP time of the last sender report.
 * @param dlsr - delay since then, in 1/65536 s.
 */
export const roundTripMs = (arrivalNtp: bigint, lsr: number, dlsr: number): number | null => {
  if (lsr === 0) return null;
  const trip = (compactNtp(arrivalNtp) - lsr - dlsr) | 0;
  return trip < 0 ? 0 : (trip * 1000) / 65536;
};

/** Sender reports come every 200 ms in the first 2 s, so that a receiver aligns at once, and then every second. */
export const senderReportIntervalMs = (mediaMs: number): number => (mediaMs < 2000 ? 200 : 1000);

/** A straight line through measured points. */

/** A value and when it was measured. */
export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface Slope {
  /** Change of the value in a millisecond, by least squares. */
  readonly perMs: number;
  /** Standard error of it, from how far the points are from the line; Infinity with fewer than three. */
  readonly errorPerMs: number;
}

export const slopeOf = (points: readonly Point[]): Slope => {
  const count = points.length;
  const meanAt = points.reduce((sum, { atMs }) => sum + atMs, 0) / count;
  const mean = points.reduce((sum, { value }) => sum + value, 0) / count;
  const spread = points.reduce((sum, { atMs }) => sum + (atMs - meanAt) ** 2, 0);
  const perMs = points.reduce((sum, { atMs, value }) => sum + (atMs - meanAt) * (value - mean), 0) / spread;
  const rest = points.reduce((sum, { atMs, value }) => sum + (value - mean - perMs * (atMs - meanAt)) ** 2, 0);
  return { perMs, errorPerMs: count < 3 ? Infinity : Math.sqrt(rest / (count - 2) / spread) };
};

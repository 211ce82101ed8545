/** Measured figures: what a row of the table holds, made from samples or from one value. */

/** What a figure should reach. */
export interface Goal {
  /** Which column is held against the limit. */
  readonly of: Column;
  readonly limit: number;
}

/** `p95`: the value that 95 of 100 samples are not worse than, and so on; `worst`: the largest, or the smallest where more is better. */
export type Column = 'p50' | 'p95' | 'p99' | 'worst';

export interface Figure extends Readonly<Record<Column, number | null>> {
  readonly what: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** How many samples it was made from. */
  readonly samples: number;
  readonly goal: Goal | null;
  /** Whether the goal is reached; null without a goal, or without a value. */
  readonly reached: boolean | null;
}

export interface FigureOptions {
  /** @default 'lower' */
  readonly better?: Figure['better'];
  readonly goal?: Goal;
}

/** The value that `share` (0…1) of the samples do not exceed (nearest rank); NaN without samples. */
export const percentile = (samples: readonly number[], share: number): number =>
  samples.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * samples.length) - 1)] ?? Number.NaN;

/** A figure from samples. */
export const distribution = (
  what: string,
  unit: string,
  samples: readonly number[],
  options: FigureOptions = {},
): Figure => {
  const badness = options.better === 'higher' ? -1 : 1;
  const at = (share: number) =>
    percentile(
      samples.map((value) => badness * value),
      share,
    ) * badness;
  return judged(what, unit, { p50: at(0.5), p95: at(0.95), p99: at(0.99), worst: at(1) }, samples.length, options);
};

/** A figure of one value, which stands in the column that its goal names, or in the first. */
export const single = (what: string, unit: string, value: number | null, options: FigureOptions = {}): Figure =>
  judged(
    what,
    unit,
    { p50: null, p95: null, p99: null, worst: null, [options.goal?.of ?? 'p50']: value },
    value === null || Number.isNaN(value) ? 0 : 1,
    options,
  );

/** A figure from columns that were computed elsewhere. */
export const judged = (
  what: string,
  unit: string,
  columns: Readonly<Record<Column, number | null>>,
  samples: number,
  { better = 'lower', goal }: FigureOptions = {},
): Figure => {
  const { p50, p95, p99, worst } = columns;
  const value = goal ? known(columns[goal.of]) : null;
  return {
    what,
    p50: known(p50),
    p95: known(p95),
    p99: known(p99),
    worst: known(worst),
    unit,
    better,
    samples,
    goal: goal ?? null,
    reached: goal && value !== null ? (better === 'lower' ? value <= goal.limit : value >= goal.limit) : null,
  };
};

/** Three decimals are more than any of these clocks can tell. */
const known = (value: number | null): number | null =>
  value === null || !Number.isFinite(value) ? null : Math.round(value * 1000) / 1000;

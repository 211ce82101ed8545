import type { Column, Figure } from './figures.ts';

const HEADINGS = ['what', 'p50', 'p95', 'p99', 'worst', 'unit', 'goal', 'ok?'];
const NUMERIC = new Set([1, 2, 3, 4]);

/** Figures as a table for a terminal, one line each, under the name of the part that they come from. */
export const formatTable = (
  parts: readonly { readonly part: string; readonly figures: readonly Figure[] }[],
): string => {
  const rows = parts.flatMap(({ part, figures }) => [[`${part}:`], ...figures.map(cellsOf)]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((cells) => (cells.length > 1 ? (cells[column]?.length ?? 0) : 0))),
  );
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (NUMERIC.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [lineOf(HEADINGS), ...rows.map(lineOf)].join('\n');
};

const cellsOf = (figure: Figure): string[] => {
  const cell = (column: Column) => {
    const value = figure[column];
    return value === null ? '' : formatNumber(value);
  };
  const { what, unit, better, samples, goal, reached } = figure;
  const of = samples > 1 ? ` (${goal?.of})` : '';
  const limit = goal ? `${better === 'lower' ? '≤' : '≥'} ${formatNumber(goal.limit)}${of}` : '';
  const verdict = reached === null ? (goal ? '?' : '') : reached ? 'yes' : 'NO';
  return [`  ${what}`, cell('p50'), cell('p95'), cell('p99'), cell('worst'), unit, limit, verdict];
};

const formatNumber = (value: number): string =>
  Number.isInteger(value) || Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2);

/** Latency over time as a picture: one panel for each kind of value, a dot for each measurement. Pure. */
import { percentile } from './figures.ts';
import type { Trace } from './results.ts';

const WIDTH = 720;
const PANEL = 110;
const LEFT = 64;
const RIGHT = 16;
const TOP = 24;
const BOTTOM = 22;

/** An SVG of that many panels, for light and dark backgrounds. */
export const plotTraces = (traces: readonly Trace[]): string => {
  const height = traces.length * PANEL;
  const panels = traces.map((trace, i) => `<g transform="translate(0 ${i * PANEL})">${panelOf(trace)}</g>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">
<style>text{fill:#555}.axis{stroke:#999}.p50{stroke:#2a78d6;stroke-dasharray:4 3}.p95{stroke:#eb6834;stroke-dasharray:4 3}circle{fill:#2a78d6}@media(prefers-color-scheme:dark){text{fill:#bbb}.axis{stroke:#666}}</style>
${panels.join('\n')}
</svg>
`;
};

const panelOf = ({ what, points }: Trace): string => {
  const values = points.map(([, value]) => value);
  const most = roundUp(Math.max(...values, 1));
  const first = points[0]?.[0] ?? 0;
  const seconds = Math.max(1, (points.at(-1)?.[0] ?? 0) - first);
  const x = (atS: number) => round(LEFT + ((atS - first) / seconds) * (WIDTH - LEFT - RIGHT));
  const y = (value: number) => round(PANEL - BOTTOM - (value / most) * (PANEL - TOP - BOTTOM));
  const line = (kind: string, value: number) =>
    `<line class="${kind}" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}"/>`;
  const [p50, p95] = [percentile(values, 0.5), percentile(values, 0.95)];
  return [
    `<text x="${LEFT}" y="14">${escaped(what)}: p50 ${round(p50)} ms, p95 ${round(p95)} ms, ${points.length} times</text>`,
    `<text x="${LEFT - 6}" y="${y(most) + 4}" text-anchor="end">${most} ms</text>`,
    `<text x="${LEFT - 6}" y="${y(0) + 4}" text-anchor="end">0</text>`,
    `<text x="${WIDTH - RIGHT}" y="${PANEL - 6}" text-anchor="end">${Math.round(seconds)} s</text>`,
    line('axis', 0),
    line('p50', p50),
    line('p95', p95),
    ...points.map(([atS, value]) => `<circle cx="${x(atS)}" cy="${y(value)}" r="2.5"/>`),
  ].join('');
};

/** The next number with one digit and zeros, or half of that. */
const roundUp = (value: number): number => {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value) ?? 10 * power;
};

const round = (value: number): number => Math.round(value * 10) / 10;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

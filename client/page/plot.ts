/** A small live plot of one figure over the last minute: scaling is pure, drawing goes to a canvas. */

/** Width of the plot in time. */
export const PLOT_WINDOW_MS = 60_000;

/** Below it a range is not told apart from none: powers of ten near the least double are no longer exact. */
const FINEST_STEP = 1e-9;

/** One value at one moment. */
export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** The samples not older than the window, with one more at the left edge, so that a line reaches it. */
export const withinWindow = (samples: readonly Sample[], nowMs: number): readonly Sample[] => {
  const first = samples.findIndex(({ atMs }) => atMs >= nowMs - PLOT_WINDOW_MS);
  return first === -1 ? samples.slice(-1) : samples.slice(Math.max(0, first - 1));
};

/**
 * The range of values that a plot shows: at least `least`, wider when the samples need it, in steps of 1, 2 or 5 times a
 * power of ten, so that the plot does not breathe with every sample.
 */
export const plotRange = (samples: readonly Sample[], least: readonly [number, number]): [number, number] => {
  const values = samples.map(({ value }) => value);
  const step = (value: number): number => {
    if (value === 0) return 0;
    const power = Math.max(FINEST_STEP, 10 ** Math.floor(Math.log10(Math.abs(value))));
    const factor = [1, 2, 5, 10].find((factor) => Math.abs(value) <= factor * power * (1 + 1e-9)) ?? 10;
    return Math.sign(value) * factor * power;
  };
  const low = Math.min(...values, Infinity);
  const high = Math.max(...values, -Infinity);
  return [low < least[0] ? step(low) : least[0], high > least[1] ? step(high) : least[1]];
};

/** The samples as points of a `width` × `height` picture whose right edge is now and whose top is the range's end. */
export const plotPoints = (
  samples: readonly Sample[],
  nowMs: number,
  [low, high]: readonly [number, number],
  width: number,
  height: number,
): { readonly x: number; readonly y: number }[] =>
  samples.map(({ atMs, value }) => ({
    x: width * (1 - (nowMs - atMs) / PLOT_WINDOW_MS),
    y: height * (1 - (value - low) / (high - low || 1)),
  }));

/** How a plot is drawn. */
export interface PlotStyle {
  /** Values that the plot shows at the least. */
  readonly range: readonly [number, number];
  /** A line for what is measured all the time, dots for single events. */
  readonly shape: 'line' | 'dots';
  /** A faint horizontal line: the value aimed at. */
  readonly aim?: number;
}

const LINE_WIDTH = 1.5;
const DOT_RADIUS = 2.5;
/** Room for half a line or dot at the edges. */
const MARGIN = 3;

/** Draws the samples in the canvas's CSS colour. */
export const drawPlot = (
  canvas: HTMLCanvasElement,
  samples: readonly Sample[],
  nowMs: number,
  { range, shape, aim }: PlotStyle,
): void => {
  const context = canvas.getContext('2d');
  const { clientWidth, clientHeight } = canvas;
  if (!context || clientWidth === 0) return;
  const ratio = devicePixelRatio;
  const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, clientWidth, clientHeight);
  context.translate(0, MARGIN);

  const shown = withinWindow(samples, nowMs);
  const limits = plotRange(shown, range);
  const [innerWidth, innerHeight] = [clientWidth - MARGIN, clientHeight - 2 * MARGIN];
  const colour = getComputedStyle(canvas).color;
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.lineWidth = LINE_WIDTH;
  context.lineJoin = 'round';

  if (aim !== undefined) {
    const [{ y } = { y: 0 }] = plotPoints([{ atMs: nowMs, value: aim }], nowMs, limits, innerWidth, innerHeight);
    context.globalAlpha = 0.25;
    context.setLineDash([2, 4]);
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(clientWidth, y);
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  const points = plotPoints(shown, nowMs, limits, innerWidth, innerHeight);
  context.beginPath();
  for (const { x, y } of points) {
    if (shape === 'line') {
      context.lineTo(x, y);
    } else {
      context.moveTo(x + DOT_RADIUS, y);
      context.arc(x, y, DOT_RADIUS, 0, 2 * Math.PI);
    }
  }
  if (shape === 'dots') {
    context.fill();
    return;
  }
  context.stroke();
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return;
  const [{ y: zero } = { y: innerHeight }] = plotPoints([{ atMs: nowMs, value: 0 }], nowMs, limits, 0, innerHeight);
  context.lineTo(last.x, zero);
  context.lineTo(first.x, zero);
  context.globalAlpha = 0.1;
  context.fill();
  context.globalAlpha = 1;
};

/** The panel that plots what people want to know about the connection. */
import { drawPlot, withinWindow, type PlotStyle, type Sample } from './plot.ts';
import type { Texts } from './texts/en.ts';

/** What is plotted. */
export type Figure = 'textToSound' | 'textToFace' | 'fps' | 'skew' | 'bitrate';

interface Tile extends PlotStyle {
  /** Keys of the page's texts. */
  readonly label: keyof Texts;
  readonly hint: keyof Texts;
  readonly unit: string;
}

const TILES: { readonly [F in Figure]: Tile } = {
  textToSound: { label: 'textToSound', hint: 'textToSoundHint', unit: 'ms', range: [0, 500], shape: 'dots', aim: 250 },
  textToFace: { label: 'textToFace', hint: 'textToFaceHint', unit: 'ms', range: [0, 500], shape: 'dots', aim: 400 },
  fps: { label: 'fps', hint: 'fpsHint', unit: 'fps', range: [0, 30], shape: 'line', aim: 25 },
  skew: { label: 'skew', hint: 'skewHint', unit: 'ms', range: [-100, 100], shape: 'line', aim: 0 },
  bitrate: { label: 'bitrate', hint: 'bitrateHint', unit: 'kbit/s', range: [0, 500], shape: 'line' },
};

interface TileView {
  readonly tile: Tile;
  readonly value: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  samples: readonly Sample[];
}

const element = (tag: 'div' | 'span' | 'small', className: string, text = ''): HTMLElement =>
  Object.assign(document.createElement(tag), { className, textContent: text });

/** One tile a figure: its name (written by `PageLanguage`), its last value, its last minute. */
export class StatsPanel {
  readonly #views = new Map<Figure, TileView>();

  constructor(panel: HTMLElement) {
    for (const [figure, tile] of Object.entries(TILES) as [Figure, Tile][]) {
      const root = element('div', 'tile');
      root.dataset['textTitle'] = tile.hint;
      const value = element('span', 'value', '–');
      const reading = element('div', 'reading');
      reading.append(value, element('small', 'unit', tile.unit));
      const canvas = document.createElement('canvas');
      canvas.setAttribute('aria-hidden', 'true');
      const name = element('div', 'name');
      name.dataset['text'] = tile.label;
      root.append(name, reading, canvas);
      root.dataset['figure'] = figure;
      panel.append(root);
      this.#views.set(figure, { tile, value, canvas, samples: [] });
    }
  }

  /** Adds a value to a plot. Times are those of `performance.now()`. */
  add(figure: Figure, sample: Sample): void {
    const view = this.#views.get(figure);
    if (!view) return;
    view.samples = withinWindow([...view.samples, sample], sample.atMs);
    view.value.textContent = String(Math.round(sample.value));
  }

  /** Draws all plots as they stand at that time. */
  draw(nowMs: number): void {
    for (const { tile, canvas, samples } of this.#views.values()) drawPlot(canvas, samples, nowMs, tile);
  }
}

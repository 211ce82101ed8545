/** A session in a real Chromium over WebRTC, as seen from the benchmark. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import type { ServerMessage } from '../../src/stream/messages.ts';
import { type Browser, launchChromium } from './chromium.ts';

/** What both receivers tell at one moment (`inbound-rtp` of W3C webrtc-stats); counters since the connection was made. */
export interface ViewerSample {
  readonly atMs: number;
  readonly framesDecoded: number;
  readonly framesDropped: number;
  readonly freezes: number;
  readonly packetsLost: number;
  readonly concealedSamples: number;
  readonly silentConcealedSamples: number;
  readonly samplesReceived: number;
  /** Sender's time of what is played now; null until the first sender report. */
  readonly audioPlayoutMs: number | null;
  readonly videoPlayoutMs: number | null;
  /** Sum of the delays of all that left the jitter buffer, and how many those were. */
  readonly audioBuffer: { readonly seconds: number; readonly count: number };
  readonly videoBuffer: { readonly seconds: number; readonly count: number };
}

/** What a viewer saw while it watched. */
export interface Watched {
  readonly samples: readonly ViewerSample[];
  /** When each picture was presented, by `requestVideoFrameCallback`. */
  readonly shownMs: readonly number[];
}

export interface Viewer extends AsyncDisposable {
  /** For example `156.0.7632.0`. */
  readonly chromiumVersion: string;
  /** Says an utterance to its end; gives the last `stats` of the server meanwhile, null when it was too short for one. */
  say(utterance: string, text: string): Promise<Extract<ServerMessage, { type: 'stats' }> | null>;
  /** Sends an utterance; resolves when its first sound has left the server. */
  start(utterance: string, text: string): Promise<void>;
  /** Stops everything that is said; resolves when the server has said that `utterance` is finished. */
  interrupt(utterance: string): Promise<void>;
  /** Begins to take samples. */
  watch(everyMs: number): Promise<void>;
  /** Ends watching. */
  stop(): Promise<Watched>;
}

/** Opens a session in a Chromium of its own; resolves when the first picture is shown. */
export const openViewer = async (address: string, seed: number, signal: AbortSignal): Promise<Viewer> => {
  const browser = await launchChromium([], signal);
  try {
    return await openIn(browser, address, seed);
  } catch (error) {
    await browser.close();
    throw error;
  }
};

const openIn = async (browser: Browser, address: string, seed: number): Promise<Viewer> => {
  const script = await readFile(join(packageRoot, 'bench', 'viewer.mjs'), 'utf8');
  const { page } = await browser.page();
  // A document of the server's origin that runs nothing: the demo page would open a session of its own.
  await page.goto(`${address}/livez`);
  await page.setContent('<!doctype html><video autoplay playsinline width="256" height="256"></video>');
  await page.addScriptTag({ content: script, type: 'module' });
  // A module runs when the browser finds time for it.
  await page.waitForFunction('window.viewer !== undefined');
  const call = <Result>(method: string, ...given: readonly (string | number)[]): Promise<Result> =>
    page.evaluate<Result>(`viewer.${method}(${given.map((value) => JSON.stringify(value)).join(', ')})`);
  await call<void>('open', seed);
  return {
    chromiumVersion: browser.version,
    say: (utterance, text) => call('say', utterance, text),
    start: (utterance, text) => call('start', utterance, text),
    interrupt: (utterance) => call('interrupt', utterance),
    watch: (everyMs) => call('watch', everyMs),
    stop: () => call('stop'),
    [Symbol.asyncDispose]: () => browser.close(),
  };
};

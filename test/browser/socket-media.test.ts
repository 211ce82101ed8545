/** Where no UDP gets through: Chromium is told to send none, so that WebRTC finds no way. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VisavisAvatarElement } from '../../client/library/element.ts';
import { launchChromium, type TestBrowser } from '../support/chromium.ts';
import { startPageServer, type PageServer } from '../support/page-server.ts';

const NO_UDP = ['--webrtc-ip-handling-policy=disable_non_proxied_udp'];
const SENTENCE =
  'Hello there, it is a pleasure to meet you. Many people open their mouths a little when they say hello.';
/** Beyond this, people notice that the sound is late (ITU-R BT.1359-1). The figure itself is printed. */
const NOTICEABLE_SKEW_MS = 125;
/** Loudness of a voice, as root mean square of samples in -1…1. */
const VOICE = 0.01;

/** What was played and drawn, noted where the browser's own interfaces are called: independent of how the library keeps time. */
interface Played {
  /** Media time of a piece of sound, when it is played on the audio device's clock, and its loudness. */
  readonly sounds: { mediaMs: number; atMs: number; loudness: number }[];
  /** Media time of a frame, and the audio device's clock when it was drawn. */
  readonly frames: { mediaMs: number; deviceMs: number }[];
  readonly sockets: WebSocket[];
}
declare global {
  interface Window {
    played: Played;
  }
}

/** Runs before the page does. */
const notePlaying = (): void => {
  const played: Played = { sounds: [], frames: [], sockets: [] };
  const decoding: number[] = [];
  let present: number | null = null;
  let device: AudioContext | null = null;
  window.played = played;

  /** Calls `note` with the object and the arguments of every call of a method. */
  const watch = <T extends object>(prototype: T, name: keyof T, note: (self: T, given: readonly unknown[]) => void) => {
    const method = prototype[name] as (...given: unknown[]) => unknown;
    const noted = function noted(this: T, ...given: unknown[]): unknown {
      note(this, given);
      return Reflect.apply(method, this, given);
    };
    prototype[name] = noted as T[keyof T];
  };

  watch(AudioDecoder.prototype, 'decode', (_decoder, [chunk]) => {
    if (chunk instanceof EncodedAudioChunk) decoding.push(chunk.timestamp / 1000);
  });
  watch(AudioData.prototype, 'copyTo', () => {
    present = decoding.shift() ?? null;
  });
  watch(AudioBufferSourceNode.prototype, 'start', ({ context, buffer }, [when]) => {
    if (context instanceof AudioContext) device = context;
    const samples = buffer?.getChannelData(0) ?? new Float32Array();
    const loudness = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    if (present !== null) played.sounds.push({ mediaMs: present, atMs: Number(when) * 1000, loudness });
  });
  watch(CanvasRenderingContext2D.prototype, 'drawImage', (_context, [frame]) => {
    if (!(frame instanceof VideoFrame) || !device) return;
    const { contextTime = 0, performanceTime = 0 } = device.getOutputTimestamp();
    const deviceMs = contextTime * 1000 + performance.now() - performanceTime;
    played.frames.push({ mediaMs: frame.timestamp / 1000, deviceMs });
  });
  window.WebSocket = class extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given);
      played.sockets.push(this);
    }
  };
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

const isReady = (page: Page) => page.waitForFunction(() => document.querySelector('#status')?.textContent === 'Ready');

describe('the page where UDP is blocked', () => {
  let program: PageServer;
  let browser: TestBrowser;
  let page: Page;
  let errors: readonly string[];

  beforeAll(async () => {
    [program, browser] = await Promise.all([startPageServer(), launchChromium(NO_UDP)]);
    ({ page, errors } = await browser.page());
    await page.addInitScript(notePlaying);
    await page.goto(program.url);
  });
  afterAll(async () => {
    await browser?.close();
    await program?.[Symbol.asyncDispose]();
  });

  it('shows a living person over the WebSocket, by itself', async () => {
    await page.waitForSelector('#stage[data-state=live]');

    expect(
      await page.evaluate(() => document.querySelector<VisavisAvatarElement>('visavis-avatar')?.session?.transport),
    ).toBe('websocket');
    const before = await page.evaluate(() => window.played.frames.length);
    await page.waitForFunction((count) => window.played.frames.length > count + 20, before);
  });

  it('speaks, with captions, and keeps sound and picture together', async () => {
    await isReady(page);
    await page.evaluate(() => {
      window.played.sounds.length = 0;
      window.played.frames.length = 0;
    });
    await page.fill('#text', SENTENCE);
    await page.press('#text', 'Enter');
    await page.waitForSelector('.saying');
    await isReady(page);

    expect((await page.textContent('#caption'))?.trim()).toBe(SENTENCE);
    const { sounds, frames } = await page.evaluate(() => ({
      sounds: window.played.sounds,
      frames: window.played.frames,
    }));
    expect(Math.max(...sounds.map(({ loudness }) => loudness))).toBeGreaterThan(VOICE);
    const skews = frames.flatMap(({ mediaMs, deviceMs }) => {
      const heard = sounds.findLast(({ atMs }) => atMs <= deviceMs);
      return heard ? [heard.mediaMs + deviceMs - heard.atMs - mediaMs] : [];
    });
    console.log(
      `sound ahead of the picture when it is drawn: median ${median(skews).toFixed(1)} ms of ${skews.length} frames`,
    );
    expect(Math.abs(median(skews))).toBeLessThan(NOTICEABLE_SKEW_MS);
    // Pieces of sound join on the device's clock without overlap.
    const overlaps = sounds.filter(({ atMs }, i) => i > 0 && atMs < (sounds[i - 1]?.atMs ?? 0) + 19.9);
    expect(overlaps).toEqual([]);
  });

  it('is silent after Stop', async () => {
    await page.fill('#text', SENTENCE);
    await page.press('#text', 'Enter');
    await page.waitForSelector('#caption[data-speaking]');
    await page.click('#stop');
    await isReady(page);

    const since = await page.evaluate(() => window.played.sounds.length);
    await page.waitForFunction((count) => window.played.sounds.length > count + 25, since);
    const after = await page.evaluate((count) => window.played.sounds.slice(count), since);
    // The packet that was on its way when the server stopped fades.
    expect(Math.max(...after.slice(3).map(({ loudness }) => loudness))).toBeLessThan(VOICE / 5);
  });

  it('goes on where it broke off when the connection is lost', async () => {
    const spoken = await page.evaluate(async (text) => {
      const session = document.querySelector<VisavisAvatarElement>('visavis-avatar')?.session;
      if (!session) throw new Error('There is no session.');
      const resumedAt: number[] = [];
      session.on('utterance.resumed', ({ charStart }) => resumedAt.push(charStart));
      const { id, finished } = session.say(text);
      const heard = new Promise<void>((resolve) => {
        session.on('utterance.words', ({ utterance, words }) => {
          const look = () => {
            if (utterance === id && (session.heardMs() ?? 0) > (words[2]?.endMs ?? Infinity)) resolve();
            else requestAnimationFrame(look);
          };
          look();
        });
      });
      await heard;
      window.played.sockets.at(-1)?.close();
      return { ...(await finished), resumedAt };
    }, SENTENCE);

    expect(spoken).toMatchObject({ reason: 'completed', spokenText: SENTENCE });
    expect(spoken.resumedAt).toHaveLength(1);
    // At the beginning of a word that was not heard to its end, and after those that were.
    expect(spoken.resumedAt[0]).toBeGreaterThanOrEqual('Hello there, it'.length);
    expect(SENTENCE[(spoken.resumedAt[0] ?? 0) - 1]).toMatch(/\s|\W/);
    expect(errors).toEqual([]);
  });
});

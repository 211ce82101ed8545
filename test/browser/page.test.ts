import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VisavisAvatarElement } from '../../client/library/element.ts';
import { launchChromium, type TestBrowser } from '../support/chromium.ts';
import { startPageServer, type PageServer } from '../support/page-server.ts';

const SENTENCE =
  'Hello there, it is a pleasure to meet you. Many people open their mouths a little when they say hello, and then they go on for as ' +
  'long as somebody listens, because there is so much that has happened since they saw each other for the last time.';
/** Where the portrait's mouth is, with room for the head's movement: x, y, width, height in pixels. */
const MOUTH = [96, 150, 64, 40] as const;
/** The sound of a quiet room and of a voice, as root mean square of samples in -1…1. */
const SILENCE = 0.002;
const VOICE = 0.01;

/** Beyond this, people notice that the sound is late (ITU-R BT.1359-1). The benchmark holds a closer bound on a quiet machine. */
const NOTICEABLE_SKEW_MS = 125;

/** Whether `words` are some of `text`, in its order. */
const inTurn = (words: readonly string[], text: readonly string[]): boolean => {
  let from = 0;
  return words.every((word) => (from = text.indexOf(word, from) + 1) > 0);
};

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a person in front of the page would notice in a while. */
interface Impression {
  /** Largest loudness of a tenth of a second. */
  readonly loudness: number;
  /** Mean change of a pixel (0…255) between pictures a tenth of a second apart. */
  readonly change: number;
  /** Largest share of dark pixels about the mouth: an open mouth is dark inside, however the head moves. */
  readonly mouthOpening: number;
  /** The words that were lit, in order. */
  readonly words: readonly string[];
}

/** Watches and listens for `ms` milliseconds. Runs in the page. */
const perceive = async ({ ms, mouth }: { ms: number; mouth: typeof MOUTH }): Promise<Impression> => {
  const video = document.querySelector('visavis-avatar')?.shadowRoot?.querySelector('video');
  if (!video || !(video.srcObject instanceof MediaStream)) throw new Error('There is no video.');
  const audio = new AudioContext();
  const analyser = new AnalyserNode(audio, { fftSize: 4096 });
  audio.createMediaStreamSource(video.srcObject).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('There is no canvas.');
  const words: string[] = [];
  const levels: number[] = [];
  const changes: number[] = [];
  const openings: number[] = [];
  const look = (box: readonly [number, number, number, number]) => context.getImageData(...box).data;
  const difference = (a: Uint8ClampedArray, b: Uint8ClampedArray): number =>
    a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
  /** Red is what skin and lips have most of. */
  const darkShare = (pixels: Uint8ClampedArray): number =>
    pixels.filter((value, index) => index % 4 === 0 && value < 120).length / (pixels.length / 4);
  let before: Uint8ClampedArray | null = null;
  const startMs = performance.now();
  for (let turn = 0; performance.now() - startMs < ms; turn += 1) {
    analyser.getFloatTimeDomainData(samples);
    levels.push((video.volume * Math.hypot(...samples)) / Math.sqrt(samples.length));
    const word = document.querySelector('.saying')?.textContent?.trim();
    if (word && words.at(-1) !== word) words.push(word);
    if (turn % 2 === 0) {
      context.drawImage(video, 0, 0);
      const now = look([0, 0, canvas.width, canvas.height]);
      if (before) changes.push(difference(now, before));
      openings.push(darkShare(look([...mouth])));
      before = now;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await audio.close();
  return {
    loudness: Math.max(...levels),
    change: changes.reduce((sum, value) => sum + value, 0) / changes.length,
    mouthOpening: Math.max(...openings),
    words,
  };
};

const watch = (page: Page, ms: number): Promise<Impression> => page.evaluate(perceive, { ms, mouth: MOUTH });

/** Watches and listens until it is `enough`, or nothing is said any more: a busy machine draws few frames. */
const watchUntil = async (page: Page, enough: (so: Impression) => boolean): Promise<Impression> => {
  let so = await watch(page, 1000);
  while (!enough(so) && (await page.textContent('#status')) !== 'Ready') {
    const more = await watch(page, 1000);
    so = {
      loudness: Math.max(so.loudness, more.loudness),
      change: Math.max(so.change, more.change),
      mouthOpening: Math.max(so.mouthOpening, more.mouthOpening),
      words: [...so.words, ...more.words.filter((word, at) => at > 0 || word !== so.words.at(-1))],
    };
  }
  return so;
};

const sessions = async ({ url }: PageServer): Promise<number> => {
  const readiness = (await (await fetch(`${url}/readyz`)).json()) as { sessions: number };
  return readiness.sessions;
};

describe('the page', () => {
  let program: PageServer;
  let browser: TestBrowser;
  let page: Page;
  let errors: readonly string[];

  beforeAll(async () => {
    [program, browser] = await Promise.all([startPageServer(), launchChromium()]);
    ({ page, errors } = await browser.page());
  });
  afterAll(async () => {
    await browser?.close();
    await program?.[Symbol.asyncDispose]();
  });

  it('shows a living person', async () => {
    await page.goto(program.url);
    await page.waitForSelector('#stage[data-state=live]');
    expect(
      await page.evaluate(
        () => document.querySelector('visavis-avatar')?.shadowRoot?.querySelector('video')?.videoWidth,
      ),
    ).toBe(256);
    expect(await page.getByText('AI-generated').isVisible()).toBe(true);
    const idle = await watch(page, 3000);
    expect(idle.change).toBeGreaterThan(0.1);
    expect(idle.loudness).toBeLessThan(SILENCE);
  });

  it('speaks what is typed, with moving lips and captions, and is silent after Stop', async () => {
    const idle = await watch(page, 2000);
    await page.fill('#text', SENTENCE);
    await page.click('#send');
    await page.waitForSelector('.saying');
    const speaking = await watchUntil(
      page,
      ({ loudness, mouthOpening, words }) =>
        loudness > VOICE && mouthOpening > idle.mouthOpening + 0.02 && words.length > 2,
    );
    expect(speaking.loudness).toBeGreaterThan(VOICE);
    expect(speaking.mouthOpening).toBeGreaterThan(idle.mouthOpening + 0.02);
    expect(speaking.words.length).toBeGreaterThan(2);
    // Looked at ten times a second: the shortest words may be missed, but none comes out of turn.
    expect(inTurn(speaking.words, SENTENCE.split(' ')), speaking.words.join(' ')).toBe(true);

    await page.click('#stop');
    // What is on its way is played: on a busy machine more is held back.
    await expect.poll(async () => (await watch(page, 500)).loudness, { timeout: 20_000 }).toBeLessThan(SILENCE);
    const stopped = await watch(page, 1500);
    expect(stopped.loudness).toBeLessThan(SILENCE);
    // A mouth that rests is not without shadow.
    expect(stopped.mouthOpening - idle.mouthOpening).toBeLessThan(0.5 * (speaking.mouthOpening - idle.mouthOpening));
    expect(await page.textContent('#status')).toBe('Ready');
    // Words that were not heard have left the caption.
    expect((await page.textContent('#caption'))?.trim().length).toBeLessThan(SENTENCE.length);
  });

  it('speaks what arrives word by word, and tells when it has finished', async () => {
    await page.check('#live');
    // Inside the page: on a busy machine keys from without come seconds apart, and such a pause ends a sentence.
    await page.evaluate((typed) => {
      const text = document.querySelector<HTMLTextAreaElement>('#text');
      for (const letter of typed) {
        if (text) text.value += letter;
        text?.dispatchEvent(new InputEvent('input'));
      }
    }, 'One two three four. ');
    await page.press('#text', 'Enter');
    await page.waitForFunction(
      () => document.querySelector<VisavisAvatarElement>('visavis-avatar')?.session?.busy === false,
    );
    await expect.poll(async () => (await page.textContent('#caption'))?.trim()).toBe('One two three four.');
    await expect.poll(() => page.textContent('#status')).toBe('Ready');
    await page.uncheck('#live');
  });

  it('keeps sound and picture together', async () => {
    const figure = async (name: string) => Number(await page.textContent(`[data-figure=${name}] .value`));
    const beyond: number[] = [];
    for (let second = 0; second < 5; second += 1) {
      await wait(1000);
      // The picture on the screen is as old as the next one takes to come: on a busy machine longer than 40 ms.
      beyond.push(Math.abs(await figure('skew')) - 1000 / (await figure('fps')));
    }
    expect(beyond.toSorted((a, b) => a - b)[2]).toBeLessThan(NOTICEABLE_SKEW_MS);
  });

  it('tells the server when its frames were really shown', async () => {
    const metrics = await (await fetch(`${program.url}/metrics`)).text();

    // The picture's delay is known only from the browser's own report of a frame (requestVideoFrameCallback).
    for (const name of ['visavis_playout_skew_seconds_count', 'visavis_picture_delay_seconds_count']) {
      expect(Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(metrics)?.[1]), name).toBeGreaterThan(0);
    }
  });

  it('changes language and speed within its session', async () => {
    const id = () =>
      page.evaluate(() => document.querySelector<VisavisAvatarElement>('visavis-avatar')?.session?.opened?.session);
    const say = () =>
      page.evaluate(
        () => document.querySelector<VisavisAvatarElement>('visavis-avatar')?.say('One two three.').finished,
      );
    const session = await id();

    await page.selectOption('#language', 'zh-Hans');
    expect(await page.textContent('#send')).toBe('发送');
    expect(await page.getAttribute('html', 'lang')).toBe('zh-Hans');
    await page.selectOption('#language', 'en');
    expect(await page.textContent('#send')).toBe('Send');

    const before = await say();
    await page.fill('#speed', '2');
    const after = await say();
    await page.fill('#speed', '1');
    expect(after?.durationMs).toBeLessThan(0.7 * (before?.durationMs ?? 0));
    expect(await id()).toBe(session);
  });

  it('gives a chosen face its own voice, and lets it have another', async () => {
    const chosen = () =>
      page.evaluate(() =>
        ['#avatar', '#voice'].map((selector) => document.querySelector<HTMLSelectElement>(selector)?.value),
      );
    expect(await chosen()).toEqual(['alex', 'rms']);

    await page.selectOption('#avatar', 'mia');
    expect(await chosen()).toEqual(['mia', 'slt']);
    await page.selectOption('#language', 'zh-Hans');
    await page.selectOption('#language', 'en');
    expect(await chosen()).toEqual(['mia', 'slt']);
    await page.selectOption('#voice', 'rms');
    await page.reload();
    await page.waitForSelector('#stage[data-state=live]');
    await expect.poll(chosen).toEqual(['mia', 'rms']);
    await page.selectOption('#avatar', 'alex');
    expect(await chosen()).toEqual(['alex', 'rms']);
  });

  it('gets a new session when it is reloaded, and leaves none behind', async () => {
    await page.reload();
    await page.waitForSelector('#stage[data-state=live]');
    await expect.poll(() => sessions(program), { timeout: 3000 }).toBe(1);
    await page.goto('about:blank');
    await expect.poll(() => sessions(program), { timeout: 3000 }).toBe(0);
    expect(errors).toEqual([]);
  });

  it('works at the width of a phone without scrolling sideways', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(program.url);
    await page.waitForSelector('#stage[data-state=live]');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    const send = await page.locator('#send').boundingBox();
    expect((send?.y ?? Infinity) + (send?.height ?? 0)).toBeLessThan(740);
  });
});

/**
 * Live imitation in Chromium: its camera is a clip of a known course of descriptors, drawn by the project's own renderer, and what the
 * avatar of a session does is compared with that.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { connect as Connect } from '../../client/library/session.ts';
import { FRAMES_PER_SECOND, MOTION_SIZE } from '../../src/media.ts';
import { find, readCatalog } from '../../src/models/catalog.ts';
import { FaceRenderer } from '../../src/models/face-renderer.ts';
import { decodeJpeg } from '../../src/models/jpeg.ts';
import { MotionReader, findReader } from '../../src/models/motion-reader.ts';
import { EXPRESSION_NAMES } from '../../src/pipeline/motion-control.ts';
import { launchChromium, type TestBrowser, type TestPage as BrowserPage } from '../support/chromium.ts';
import { modelsDir } from '../support/models.ts';
import { type PageServer, startPageServer } from '../support/page-server.ts';

// Chromium, its camera and the server take turns where the processors are few.
vi.setConfig({ testTimeout: 180_000 });

/** The camera begins anew after so many frames. */
const FRAMES = 100;
const JAW = EXPRESSION_NAMES.indexOf('jawOpen');
const YAW = 53;

/** Turns its head and opens its mouth, neither in step with the other. */
const TRACK = Array.from({ length: FRAMES }, (_, i) => {
  const motion = new Float32Array(MOTION_SIZE);
  const phase = (2 * Math.PI * i) / FRAMES;
  motion[JAW] = 0.35 - 0.35 * Math.cos(2 * phase);
  motion[YAW] = 14 * Math.sin(phase);
  return motion;
});

/** Writes the track as mia does it: YUV4MPEG2, which Chromium takes for a camera. */
const film = async (path: string): Promise<void> => {
  const { avatars, renderers } = await readCatalog(modelsDir);
  const mia = find(avatars, 'mia', 'unknown_avatar', 'avatar');
  const renderer = find(renderers, mia.manifest.renderer, 'bad_model', 'renderer');
  const face = await FaceRenderer.load(mia, renderer, { provider: 'cpu' });
  const file = await open(path, 'w');
  await file.write(`YUV4MPEG2 W${face.size} H${face.size} F${FRAMES_PER_SECOND}:1 Ip A1:1 C420\n`);
  for (const motion of TRACK) {
    const window = new Float32Array(face.motionFrames * MOTION_SIZE);
    for (let i = 0; i < face.motionFrames; i += 1) window.set(motion, i * MOTION_SIZE);
    await file.write('FRAME\n');
    await file.write(await face.render(window));
  }
  await file.close();
  await face.release();
};

/** Descriptors of a course and when each was, ms. */
interface Course {
  readonly rows: readonly Float32Array[];
  readonly atMs: readonly number[];
}

/** The newest of a course at a time. */
const newestAt = ({ rows, atMs }: Course, ms: number, column: number): number =>
  rows[
    Math.max(
      0,
      atMs.findLastIndex((at) => at <= ms),
    )
  ]?.[column] ?? 0;

/**
 * The largest correlation (Pearson) of what was shown with what was filmed in one column, over all delays up to a second: how long it takes
 * depends on the machine, and so does how evenly its camera runs.
 */
const followed = (shown: Course, filmed: Course, column: number): number => {
  const centred = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const product = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const x = centred(shown.rows.map((row) => row[column]!));
  return Math.max(
    ...Array.from({ length: 51 }, (_, delay) => {
      const y = centred(shown.atMs.map((ms) => newestAt(filmed, ms - 20 * delay, column)));
      return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
    }),
  );
};

/** How far a descriptor is from the nearest one of the track, in turn of the head and opening of the jaw. */
const offTrack = (row: Float32Array): number =>
  Math.min(...TRACK.map((known) => Math.abs(row[YAW]! - known[YAW]!) / 28 + Math.abs(row[JAW]! - known[JAW]!)));

const rangeOf = ({ rows }: Course, column: number): number => {
  const values = rows.map((row) => row[column]!);
  return Math.max(...values) - Math.min(...values);
};

/** What a page has seen of a session: its motion while it imitated and after that, the pictures that it sent, and what it was told. */
interface Seen {
  readonly shown: Course;
  readonly filmed: Course;
  readonly after: Course;
  readonly errors: readonly string[];
}

/** Numbers as they come out of a page. */
interface Noted {
  readonly atMs: number;
  readonly values: number[];
}
const courseOf = (noted: readonly Noted[]): Course => ({
  rows: noted.map(({ values }) => Float32Array.from(values)),
  atMs: noted.map(({ atMs }) => atMs),
});

let folder: string;
let program: PageServer;
let browser: TestBrowser;
let reader: MotionReader;
beforeAll(async () => {
  reader = await MotionReader.load(await findReader(modelsDir), { provider: 'cpu' });
  folder = await mkdtemp(join(tmpdir(), 'visavis-camera-'));
  const camera = join(folder, 'camera.y4m');
  await film(camera);
  program = await startPageServer();
  browser = await launchChromium([
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${camera}`,
    '--use-fake-ui-for-media-stream',
  ]);
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await reader?.release();
  await program?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A page of the server with the library and nothing else. */
const openPage = async (): Promise<BrowserPage> => {
  const opened = await browser.page();
  onTestFinished(() => opened.page.close());
  await opened.page.goto(`${program.url}/docs`);
  await opened.page.addScriptTag({ url: '/client/visavis.global.js' });
  return opened;
};

/** A page whose session imitates the camera until so many pictures have been sent, and then does not for two seconds. */
const imitate = async (
  page: Page,
  { pictures, rubbish = false }: { readonly pictures: number; readonly rubbish?: boolean },
): Promise<Seen> => {
  const { sent, shown, after, errors } = await page.evaluate(
    async ({ pictures: wanted, rubbish: sendsRubbish }) => {
      const sockets: WebSocket[] = [];
      const sent: { readonly atMs: number; readonly values: number[] }[] = [];
      const headerBytes = 12;
      class Socket extends WebSocket {
        constructor(...given: ConstructorParameters<typeof WebSocket>) {
          super(...given);
          sockets.push(this);
        }

        override send(data: Parameters<WebSocket['send']>[0]): void {
          super.send(data);
          if (!(data instanceof Uint8Array) || data.length === headerBytes) return;
          sent.push({ atMs: performance.now(), values: Array.from(data.subarray(headerBytes)) });
        }
      }
      const { connect } = (window as unknown as { readonly visavis: { readonly connect: typeof Connect } }).visavis;
      const media = { motion: true, leadMs: 0 };
      const session = await connect({ url: location.href, avatar: 'alex', media, WebSocket: Socket });
      const errors: string[] = [];
      session.on('error', ({ code, message, fatal }) => {
        // A machine that runs tests may stand still for a moment.
        if (code !== 'stalled') errors.push(`${fatal ? 'fatal ' : ''}${code}: ${message}`);
      });
      const shown: { readonly atMs: number; readonly values: number[] }[] = [];
      session.on('motion', ({ payload }) => {
        shown.push({ atMs: performance.now(), values: Array.from(new Float32Array(payload.slice().buffer)) });
      });
      const wait = (ms: number) =>
        new Promise((resolve) => {
          setTimeout(resolve, ms);
        });
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 256, height: 256 } });
      const stopping = new AbortController();
      const imitated = session.imitate(stream, { signal: stopping.signal, picturesPerSecond: 12 });
      if (sendsRubbish) {
        for (const size of [0, 40, 100_000]) {
          const frame = new Uint8Array(headerBytes + size).fill(7);
          frame.set([5, 0]);
          // Not by the socket's own method, which notes what is sent.
          WebSocket.prototype.send.call(sockets[0], frame);
          await wait(300);
        }
      }
      while (sent.length < wanted) await wait(50);
      const [begunMs, endedMs] = [(sent[20]?.atMs ?? 0) + 500, performance.now()];
      stopping.abort();
      await imitated;
      await wait(2000);
      for (const track of stream.getTracks()) track.stop();
      session.close();
      return {
        sent,
        shown: shown.filter(({ atMs }) => atMs > begunMs && atMs < endedMs),
        after: shown.filter(({ atMs }) => atMs > endedMs + 1200),
        errors,
      };
    },
    { pictures, rubbish },
  );
  const filmed: Noted[] = [];
  for (const { atMs, values } of sent) {
    const rgb = decodeJpeg(Uint8Array.from(values), reader.size);
    filmed.push({ atMs, values: Array.from(await reader.read(rgb)) });
  }
  return { filmed: courseOf(filmed), shown: courseOf(shown), after: courseOf(after), errors };
};

describe('a face in front of the camera', () => {
  it('is followed by the avatar of a session in head and jaw, which goes back to its own life', async () => {
    const { page, errors: pageErrors } = await openPage();

    const { filmed, shown, after, errors } = await imitate(page, { pictures: 90 });

    const [head, jaw] = [followed(shown, filmed, YAW), followed(shown, filmed, JAW)];
    console.log(
      `head ${head.toFixed(3)}, jaw ${jaw.toFixed(3)}, ${filmed.rows.length} pictures, ${shown.rows.length} slots`,
    );
    const off = filmed.rows.reduce((sum, row) => sum + offTrack(row), 0) / filmed.rows.length;
    expect(off).toBeLessThan(0.06);
    expect(rangeOf(filmed, YAW)).toBeGreaterThan(20);
    expect(rangeOf(shown, YAW)).toBeGreaterThan(15);
    expect(rangeOf(shown, JAW)).toBeGreaterThan(0.4);
    expect(head).toBeGreaterThan(0.75);
    expect(jaw).toBeGreaterThan(0.6);
    expect(rangeOf(after, YAW)).toBeLessThan(9);
    expect(errors).toEqual([]);
    expect(pageErrors).toEqual([]);
  });

  it('is still followed after pictures that are none, which are told and harm nobody', async () => {
    const { page } = await openPage();

    const { filmed, shown, errors } = await imitate(page, { pictures: 60, rubbish: true });

    expect(errors).toEqual([
      expect.stringMatching(/^bad_message: expected a picture of at most 65536 bytes, got 0/),
      expect.stringMatching(/^bad_message: expected a baseline JPEG of 256 × 256 pixels, got something else/),
      expect.stringMatching(/^bad_message: expected a picture of at most 65536 bytes, got 100000/),
    ]);
    expect(rangeOf(shown, YAW)).toBeGreaterThan(15);
    expect(followed(shown, filmed, YAW)).toBeGreaterThan(0.75);
  });
});

describe("the page's own camera", () => {
  it('is switched on and off by key, shows who reads it, and leaves no light on', async () => {
    const { page, errors } = await browser.page();
    onTestFinished(() => page.close());
    page.setDefaultTimeout(90_000);
    await page.addInitScript(() => {
      const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (...given) => {
        const stream = await getUserMedia(...given);
        Object.assign(window, { camera: stream });
        return stream;
      };
    });
    const light = () =>
      page.evaluate(() => (window as { camera?: MediaStream }).camera?.getTracks().map(({ readyState }) => readyState));
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(program.url);
    await page.waitForSelector('#camera:not([hidden])');

    await page.click('#camera summary');
    expect(await page.textContent('#camera-note')).toContain('alex and mia alone');
    await page.focus('#camera-switch');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#camera-mirror:not([hidden])');
    await page.waitForFunction(() => {
      const view = document.querySelector<HTMLVideoElement>('#camera-view');
      return view !== null && view.videoWidth > 0 && !view.paused;
    });
    expect(await page.textContent('#camera-switch')).toBe('Stop the camera');
    expect(await light()).toEqual(['live']);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    await page.selectOption('#language', 'zh-Hans');
    expect(await page.textContent('#camera-switch')).toBe('关闭摄像头');
    await expect
      .poll(async () => /visavis_imitated_pictures_total\{outcome="read"\} ([\d.]+)/.exec(await metrics())?.[1], {
        timeout: 10_000,
      })
      .toBeDefined();

    await page.focus('#camera-switch');
    await page.keyboard.press('Space');
    await page.waitForSelector('#camera-mirror', { state: 'hidden' });

    expect(await light()).toEqual(['ended']);
    expect(await page.textContent('#camera-switch')).toBe('打开摄像头');
    expect(await page.isHidden('#camera-problem')).toBe(true);
    expect(errors).toEqual([]);
  });

  it('says what is wrong when there is none', async () => {
    const { page } = await browser.page();
    onTestFinished(() => page.close());
    page.setDefaultTimeout(90_000);
    await page.addInitScript(() => {
      MediaDevices.prototype.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
    });
    await page.goto(program.url);
    await page.waitForSelector('#camera:not([hidden])');
    await page.click('#camera summary');

    await page.click('#camera-switch');

    await page.waitForSelector('#camera-problem:not([hidden])');
    expect(await page.textContent('#camera-problem')).toBe('No camera was found.');
    expect(await page.textContent('#camera-switch')).toBe('Start the camera');
  });

  const metrics = async () => (await fetch(`${program.url}/metrics`)).text();
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRandom } from '../../src/models/random.ts';
import { launchChromium, type TestBrowser } from '../support/chromium.ts';
import { root } from '../support/models.ts';
import { startPageServer, type PageServer } from '../support/page-server.ts';

/** Fifty by `npm run test:long`. */
const INTERRUPTIONS = process.env['VISAVIS_LONG'] === '1' ? 50 : 5;
const TEXT =
  'Nobody is going to wait for the end of this sentence, because it goes on and on and will be stopped. '.repeat(3);
/** Root mean square of samples in -1…1 over 10 ms: a quiet room, and a voice. */
const SILENCE = 0.002;
const VOICE = 0.02;
/** A second and a half: no pause of a speaker, and no buffer on the way, is as long. */
const SILENT_BLOCKS = 150;
/** A second: what a receiver holds back at most on a machine that is busy. */
const MOST_LATE_BLOCKS = 100;

/** Runs in the page: what is heard, before any loudspeaker. */
const LISTENER = `
  const heard = [];
  const [track] = document.querySelector('video').srcObject.getAudioTracks();
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      heard.push(Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));
      value.close();
    }
  })();
  window.heard = heard;`;

let program: PageServer;
let browser: TestBrowser;
beforeAll(async () => {
  [program, browser] = await Promise.all([startPageServer(), launchChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await program?.[Symbol.asyncDispose]();
});

it('is silent after every interruption, however it falls, and stays so', async () => {
  const random = createRandom(1);
  const { page } = await browser.page();
  await page.goto(`${program.url}/livez`);
  await page.setContent('<!doctype html><video autoplay playsinline muted></video>');
  await page.addScriptTag({ content: await readFile(join(root, 'bench/viewer.mjs'), 'utf8'), type: 'module' });
  await page.waitForFunction('window.viewer !== undefined');
  await page.evaluate('viewer.open(1)');
  await page.evaluate(`{${LISTENER}}`);
  /** Blocks of 10 ms since this was called last. */
  const heard = () => page.evaluate<readonly number[]>('window.heard.splice(0)');
  for (let i = 0; i < INTERRUPTIONS; i += 1) {
    await heard();
    await page.evaluate(`viewer.start('u${i}', ${JSON.stringify(TEXT)})`);
    await expect.poll(async () => Math.max(0, ...(await heard())), { timeout: 20_000 }).toBeGreaterThan(VOICE);
    await new Promise((resolve) => setTimeout(resolve, 1500 * random.uniform()));

    await page.evaluate(`viewer.interrupt('u${i}')`);
    // What was heard until now was meant to be.
    await heard();
    const blocks: number[] = [];
    const loud = () => blocks.filter((block) => block >= SILENCE).length;
    const silentBlocks = () => blocks.length - 1 - blocks.findLastIndex((block) => block >= SILENCE);
    await expect
      .poll(
        async () => {
          blocks.push(...(await heard()));
          return silentBlocks();
        },
        { timeout: 20_000, interval: 50 },
      )
      .toBeGreaterThan(SILENT_BLOCKS);

    // What was on its way when the server confirmed, and no more: the text would have gone on for a quarter of a minute.
    expect(loud(), `interruption ${i}`).toBeLessThan(MOST_LATE_BLOCKS);
  }
}, 600_000);

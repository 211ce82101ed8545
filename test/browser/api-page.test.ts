import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, type TestBrowser, type TestPage } from '../support/chromium.ts';
import { startPageServer, type PageServer } from '../support/page-server.ts';

describe('the page of the API', { timeout: 120_000 }, () => {
  let program: PageServer;
  let browser: TestBrowser;
  let tab: TestPage;
  beforeAll(async () => {
    [program, browser] = await Promise.all([startPageServer(), launchChromium()]);
    tab = await browser.page();
    tab.page.setDefaultTimeout(60_000);
    await tab.page.goto(`${program.url}/docs`);
  });
  afterAll(async () => {
    await browser?.close();
    await program?.[Symbol.asyncDispose]();
  });

  const entry = (path: string) =>
    tab.page
      .locator('details.operation')
      .filter({ has: tab.page.locator('.path', { hasText: new RegExp(`^${path}$`) }) });

  it('tries an operation and shows what comes', async () => {
    const voices = entry('/v1/voices');
    await voices.locator('summary').first().click();
    await voices.getByRole('button', { name: 'Send' }).click();

    await voices.locator('pre').waitFor();
    expect(await voices.locator('pre').textContent()).toContain('"rms"');
    expect(await voices.textContent()).toContain('200');
  });

  it('shows a picture, and a refusal', async () => {
    const portrait = entry('/v1/avatars/.avatar./portrait.png');
    await portrait.locator('summary').first().click();
    await portrait.getByRole('button', { name: 'Send' }).click();
    await portrait.locator('img').waitFor();

    await portrait.getByLabel(/^avatar/).fill('nobody');
    await portrait.getByRole('button', { name: 'Send' }).click();

    await portrait.locator('pre').waitFor();
    expect(await portrait.locator('pre').textContent()).toContain('unknown_avatar');
  });

  it('talks over a WebSocket', async () => {
    const session = entry('/v1/session');
    await session.locator('summary').first().click();
    await session.getByRole('button', { name: 'Connect' }).click();
    await session.getByRole('button', { name: 'Send' }).click();

    await session.locator('.log li', { hasText: 'session.opened' }).waitFor();
    expect(await session.locator('.log li').first().textContent()).toBe('connected');
  });

  it('speaks as another service does', async () => {
    const speech = entry('/v1/audio/speech');
    await speech.locator('summary').first().click();
    await speech.getByRole('button', { name: 'Send' }).click();
    await speech.locator('audio').waitFor();

    const durationS = await speech.locator('audio').evaluate(
      (audio: HTMLAudioElement) =>
        new Promise<number>((resolve) => {
          const told = () => resolve(audio.duration);
          if (audio.readyState > 0) told();
          else audio.addEventListener('loadedmetadata', told);
        }),
    );
    expect(durationS).toBeGreaterThan(0.5);
  });

  it("talks over another service's WebSocket", async () => {
    const stream = entry('/v1/text-to-speech/.voice./stream-input');
    await stream.locator('summary').first().click();
    await stream.getByRole('button', { name: 'Connect' }).click();
    for (const message of ['text', 'end']) {
      await stream.locator('select').selectOption(message);
      await stream.getByRole('button', { name: 'Send' }).click();
    }

    await stream.locator('.log li', { hasText: '"isFinal":true' }).waitFor();
    expect(await stream.locator('.log').textContent()).toContain('"audio":"');
  });

  it('fits a phone, and breaks no rule of its policy', async () => {
    await tab.page.setViewportSize({ width: 360, height: 740 });
    expect(await tab.page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    // The refusal above is told by the browser too.
    expect(tab.errors.filter((error) => !error.includes('404'))).toEqual([]);
  });
});

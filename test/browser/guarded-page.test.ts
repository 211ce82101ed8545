/** The pages of a server that asks for a key. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium, type TestBrowser } from '../support/chromium.ts';
import { startPageServer, type PageServer } from '../support/page-server.ts';
import { temporaryFolder } from '../support/program.ts';

const KEY = 'a-key-that-nobody-guesses';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

const startGuarded = async (): Promise<PageServer> => {
  const path = join(await temporaryFolder(), 'config.json');
  await writeFile(path, JSON.stringify({ access: { keys: [KEY] } }));
  return startPageServer(['--config', path]);
};

it('ask for the key, say when it is a wrong one, and keep the right one', { timeout: 120_000 }, async () => {
  await using server = await startGuarded();
  const { page } = await browser.page();
  page.setDefaultTimeout(60_000);
  await page.goto(server.url);
  await page.waitForSelector('#key-form:not([hidden])');
  expect(await page.textContent('#notice')).toContain('asks for an API key');

  await page.fill('#key', 'a-wrong-one');
  await page.press('#key', 'Enter');
  await page.waitForFunction(() => document.querySelector('#notice')?.textContent?.includes('not a key'));
  await page.fill('#key', KEY);
  await page.press('#key', 'Enter');

  await page.waitForSelector('visavis-avatar[state=live]');
  expect(await page.isVisible('#key-form')).toBe(false);
  await page.waitForFunction(() => document.querySelector<HTMLSelectElement>('#voice')?.value === 'rms');
  const portrait = await page.evaluate(() => document.querySelector<HTMLImageElement>('#glow')?.naturalWidth);
  expect(portrait).toBeGreaterThan(0);
  await page.reload();
  await page.waitForSelector('visavis-avatar[state=live]');

  await page.goto(`${server.url}/docs`);
  const voices = page
    .locator('details.operation')
    .filter({ has: page.locator('.path', { hasText: /^\/v1\/voices$/ }) });
  await voices.locator('summary').first().click();
  await voices.getByRole('button', { name: 'Send' }).click();
  await voices.locator('pre').waitFor();
  expect(await voices.locator('pre').textContent()).toContain('"rms"');
  await page.context().close();
});

it('take it from a link, which does not go on showing it', { timeout: 120_000 }, async () => {
  await using server = await startGuarded();
  const { page, errors } = await browser.page();
  page.setDefaultTimeout(60_000);

  await page.goto(`${server.url}/#key=${KEY}`);

  await page.waitForSelector('visavis-avatar[state=live]');
  expect(page.url()).toBe(`${server.url}/`);
  expect(errors).toEqual([]);
  await page.context().close();
});

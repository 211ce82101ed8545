import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { serveHtml } from '../support/chromium.ts';
import { root } from '../support/models.ts';
import { usePageServer } from '../support/page-browser.ts';

const real = usePageServer();

it('gives a session to a module of another origin', async () => {
  await using html = await serveHtml(`<!doctype html><body><script type="module">
    import { connect, Screen } from '${real.program.url}/client/visavis.js';
    const session = await connect({ url: '${real.program.url}', screen: new Screen(document.body) });
    const { spokenText } = await session.say('Good morning.').finished;
    document.title = spokenText;
  </script></body>`);
  const { page } = await real.browser.page();

  await page.goto(html.url);

  await page.waitForFunction(() => document.title !== '');
  expect(await page.title()).toBe('Good morning.');
  await page.close();
});

it('speaks on a page of another origin, from a script tag', async () => {
  const example = readFileSync(join(root, 'client/examples/plain.html'), 'utf8');
  await using html = await serveHtml(example.replaceAll('http://127.0.0.1:8080', real.program.url));
  const { page } = await real.browser.page();

  await page.goto(html.url);
  await page.waitForSelector('visavis-avatar[state=live]');
  await page.click('button');
  await page.waitForFunction(() => document.querySelector('#said')?.textContent !== '');

  expect(await page.textContent('#said')).toBe('completed: Hello! It is nice to meet you.');
  expect(await page.evaluate('Object.keys(visavis).includes("connect")')).toBe(true);
});

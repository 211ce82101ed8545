import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';
import { serveHtml } from '../support/chromium.ts';
import { root } from '../support/models.ts';
import { usePageServer } from '../support/page-browser.ts';

const real = usePageServer();

/** The example as its own build would make it, the library taken from here instead of from its packages. */
const bundleExample = async (): Promise<string> => {
  const library = join(root, 'dist/client/library');
  const bundle = await rolldown({
    input: join(root, 'client/examples/react/src/main.tsx'),
    platform: 'browser',
    resolve: {
      alias: { 'visavis/client/element': join(library, 'element.js'), 'visavis/client': join(library, 'index.js') },
    },
    transform: { define: { 'process.env.NODE_ENV': '"development"' } },
  });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  return output[0].code;
};

it('the React example shows a person who says what is typed, in strict mode too', async () => {
  const code = (await bundleExample()).replaceAll('http://127.0.0.1:8080', real.program.url);
  const script = code.replaceAll('</script', String.raw`<\/script`);
  await using html = await serveHtml(`<!doctype html><div id="app"></div><script type="module">${script}</script>`);
  const { page } = await real.browser.page();

  await page.goto(html.url);
  await page.waitForSelector('visavis-avatar[state=live]');
  await page.fill('input[name=text]', 'Hello from a component.');
  await page.click('button:not([type])');
  await page.waitForFunction(() => document.querySelector('#said')?.textContent !== '');

  expect(await page.textContent('#said')).toBe('Hello from a component.');
  const shown = await page.evaluate(() => {
    const video = document.querySelector('visavis-avatar')?.shadowRoot?.querySelector('video');
    return { width: video?.videoWidth, paused: video?.paused };
  });
  expect(shown).toEqual({ width: 256, paused: false });
  expect(await page.locator('visavis-avatar').count()).toBe(1);
});

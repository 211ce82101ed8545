import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChatServer, type ChatServer } from '../support/chat-server.ts';
import { launchChromium, type TestBrowser, type TestPage } from '../support/chromium.ts';
import { startPageServer, type PageServer } from '../support/page-server.ts';

const LONG = Array.from({ length: 60 }, (_, i) => ` This is sentence number ${i + 1}.`);

describe('the page, joined to a language model,', { timeout: 120_000 }, () => {
  let chat: ChatServer;
  let program: PageServer;
  let browser: TestBrowser;
  let tab: TestPage;
  beforeAll(async () => {
    chat = await startChatServer(
      { pieces: ['Hello,', ' nice', ' to', ' meet', ' you.'], paceMs: 50 },
      { pieces: LONG, paceMs: 5, hold: true },
      { pieces: ['I', ' am', ' listening.'], paceMs: 5 },
      { status: 404, body: '{"error":{"message":"model \\"tiny\\" not found"}}' },
    );
    [program, browser] = await Promise.all([startPageServer(['--llm', chat.url, '--model', 'tiny']), launchChromium()]);
    tab = await browser.page();
    tab.page.setDefaultTimeout(60_000);
    await tab.page.goto(program.url);
    await tab.page.waitForSelector('body[data-mode=chat]');
  });
  afterAll(async () => {
    await browser?.close();
    await program?.[Symbol.asyncDispose]();
    await chat?.[Symbol.asyncDispose]();
  });

  const say = async (text: string) => {
    await tab.page.fill('#text', text);
    await tab.page.press('#text', 'Enter');
  };
  const bubbles = () =>
    tab.page
      .locator('#conversation li')
      .evaluateAll((items) => items.map((item) => [item.classList[0], item.querySelector('.words')?.textContent]));
  const soon = <T>(look: () => T) => expect.poll(look, { timeout: 60_000 });

  it('is a conversation: both sides as bubbles, and the answer is spoken', async () => {
    await say('Hi there');

    await soon(bubbles).toEqual([
      ['you', 'Hi there'],
      ['avatar', 'Hello, nice to meet you.'],
    ]);
    await tab.page.waitForSelector('.saying');
    await tab.page.waitForSelector('#conversation .avatar[aria-busy=false]');
    expect(await tab.page.locator('#chips').isVisible()).toBe(false);
    for (const [width, height] of [
      [1280, 900],
      [360, 740],
    ] as const) {
      await tab.page.setViewportSize({ width, height });
      const send = await tab.page.locator('#send').boundingBox();
      expect((send?.y ?? Infinity) + (send?.height ?? 0)).toBeLessThanOrEqual(height);
    }
  });

  it('keeps of an answer what was heard when the user speaks on', async () => {
    await say('Count');
    // Some words of it have been lit: they were heard.
    await tab.page.waitForFunction(() => {
      const said = [...document.querySelectorAll('#caption .said')].map(({ textContent }) => textContent).join('');
      return said.includes('sentence number');
    });
    await say('Stop, please');

    await soon(async () => (await bubbles()).at(-1)).toEqual(['avatar', 'I am listening.']);
    const heard = (await bubbles()).at(-3)?.[1] ?? '';
    expect(heard).toContain('sentence number');
    expect(LONG.join('').trim().startsWith(heard)).toBe(true);
    expect(heard.length).toBeLessThan(LONG.join('').length / 2);
    await soon(() => chat.requests[1]?.aborted).toBe(true);
    const told = chat.requests[2]?.body.messages.map(({ role, content }) => [role, content]).slice(3);
    expect(told).toEqual([
      ['user', 'Count'],
      ['assistant', heard],
      ['user', 'Stop, please'],
    ]);
  });

  it('shows why there is no answer, and begins anew', async () => {
    await tab.page.waitForFunction(() => document.querySelector('#status')?.textContent === 'Ready');
    await say('Are you there?');

    await tab.page.waitForSelector('#notice:not([hidden])');
    expect(await tab.page.textContent('#notice')).toContain('model "tiny" not found');
    expect((await bubbles()).at(-1)).toEqual(['you', 'Are you there?']);
    await tab.page.click('#clear');
    expect(await bubbles()).toEqual([]);
  });

  it('fits a phone', async () => {
    await tab.page.setViewportSize({ width: 360, height: 740 });
    expect(await tab.page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    expect(tab.errors).toEqual([]);
  });
});

/** A network that lets no UDP through at first, and then does: Chromium's WebRTC is kept from every path until it is let go. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VisavisAvatarElement } from '../../client/library/element.ts';
import { launchChromium, type TestBrowser } from '../support/chromium.ts';
import { startPageServer, type PageServer } from '../support/page-server.ts';

const SENTENCE =
  'Hello there, it is a pleasure to meet you. Many people open their mouths a little when they say hello.';

declare global {
  interface Window {
    network: { blocked: boolean; peers: number; readonly sockets: WebSocket[] };
    /** What happened, in order. */
    story: string[];
  }
}

/** Runs before the page does. A policy of relays alone, without a relay, leaves no way. */
const blockUdp = (): void => {
  window.network = { blocked: true, peers: 0, sockets: [] };
  window.story = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(window.network.blocked ? { ...configuration, iceTransportPolicy: 'relay' } : configuration);
      window.network.peers += 1;
    }
  };
  window.WebSocket = class extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given);
      window.network.sockets.push(this);
    }
  };
};

describe('a network whose block of UDP goes', { timeout: 180_000 }, () => {
  let program: PageServer;
  let browser: TestBrowser;
  let page: Page;
  let errors: readonly string[];

  beforeAll(async () => {
    [program, browser] = await Promise.all([startPageServer(), launchChromium()]);
    ({ page, errors } = await browser.page());
    page.setDefaultTimeout(60_000);
    await page.addInitScript(blockUdp);
    await page.goto(program.url);
  });
  afterAll(async () => {
    await browser?.close();
    await program?.[Symbol.asyncDispose]();
  });

  const transport = () =>
    page.evaluate(() => document.querySelector<VisavisAvatarElement>('visavis-avatar')?.session?.transport);
  const sessions = async () => ((await (await fetch(`${program.url}/readyz`)).json()) as { sessions: number }).sessions;

  it('falls back to the WebSocket, and stays there while nothing gets through', async () => {
    await page.waitForSelector('visavis-avatar[state=live]');
    expect(await transport()).toBe('websocket');
    const before = await page.evaluate(() => window.network.peers);

    await page.evaluate(() => dispatchEvent(new Event('online')));
    await page.waitForFunction((count) => window.network.peers > count, before);
    // The attempt is a session of its own until it has failed.
    await expect.poll(sessions, { timeout: 30_000 }).toBe(2);
    await expect.poll(sessions, { timeout: 30_000 }).toBe(1);

    expect(await transport()).toBe('websocket');
    expect(await page.getAttribute('visavis-avatar', 'state')).toBe('live');
  });

  it('after a lost connection says what it had to say, and then goes back to WebRTC', async () => {
    const spoken = await page.evaluate(async (text) => {
      const avatar = document.querySelector<VisavisAvatarElement>('visavis-avatar');
      const session = avatar?.session;
      if (!avatar || !session) throw new Error('There is no session.');
      session.on('transport', ({ transport }) => window.story.push(transport));
      session.on('utterance.resumed', () => window.story.push('resumed'));
      session.on('utterance.finished', ({ reason }) => window.story.push(reason));
      new MutationObserver(() => window.story.push(`state ${avatar.getAttribute('state')}`)).observe(avatar, {
        attributeFilter: ['state'],
      });
      const { finished } = session.say(text);
      await new Promise<void>((resolve) => {
        const look = () => ((session.heardMs() ?? 0) > 0 && session.busy ? resolve() : requestAnimationFrame(look));
        session.on('utterance.started', look);
      });
      window.network.blocked = false;
      window.network.sockets.findLast(({ readyState }) => readyState === WebSocket.OPEN)?.close();
      return finished;
    }, SENTENCE);

    expect(spoken).toMatchObject({ reason: 'completed', spokenText: SENTENCE });
    await page.waitForFunction(() => window.story.includes('webrtc'));
    await page.waitForFunction(() => document.querySelector('visavis-avatar')?.session?.state.name === 'open');
    const heardBefore = await page.evaluate(() => document.querySelector('visavis-avatar')?.session?.heardMs() ?? 0);
    await page.waitForFunction(
      (before) => (document.querySelector('visavis-avatar')?.session?.heardMs() ?? 0) > before,
      heardBefore,
    );
    const story = await page.evaluate(() => window.story);
    expect(story.filter((event) => !event.startsWith('state'))).toEqual(['resumed', 'completed', 'webrtc']);
    // In silence and without a dark moment: the last picture stays until the next one is there.
    expect(story.slice(story.indexOf('webrtc') + 1)).toEqual([]);
    expect(await transport()).toBe('webrtc');
    await expect.poll(sessions, { timeout: 30_000 }).toBe(1);
  });

  it('speaks over WebRTC then, in the video element', async () => {
    const spoken = await page.evaluate(
      () => document.querySelector<VisavisAvatarElement>('visavis-avatar')?.session?.say('Here I am again.').finished,
    );
    const shown = await page.waitForFunction(() => {
      const root = document.querySelector('visavis-avatar')?.shadowRoot;
      const frames = root?.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
      return frames > 10 && root?.querySelector('canvas')?.hidden;
    });

    expect(spoken).toMatchObject({ reason: 'completed', spokenText: 'Here I am again.' });
    expect(await shown.jsonValue()).toBe(true);
    expect(errors).toEqual([]);
  });
});

import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MediaServer } from '../../src/stream/media/media-channel.ts';
import { createMediaServer } from '../../src/stream/media/media-client.ts';
import { launchChromium, serveHtml, type HtmlServer, type TestBrowser } from '../support/chromium.ts';
import { feed } from '../support/media-feed.ts';
import { NETWORK_PAGE, openNetworkViewer, RECORDING_RATE_HZ } from '../support/network/network-page.ts';
import { missingWords, noisyFrame, toneWordSlot, wordsIn } from '../support/network/tone-words.ts';
import { createUdpRelay } from '../support/network/udp-relay.ts';

const SAMPLE_RATE_HZ = 16_000;
const SIZE = 256;
const VIDEO_BPS = 500_000;

/** The whole set takes a minute and a machine that is not busy: `npm run test:long`. */
const long = it.runIf(process.env['VISAVIS_LONG'] === '1');

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('Chromium behind a bad network', () => {
  let server: MediaServer;
  let browser: TestBrowser;
  let html: HtmlServer;
  beforeAll(async () => {
    [server, browser, html] = await Promise.all([createMediaServer(), launchChromium(), serveHtml(NETWORK_PAGE)]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await html?.[Symbol.asyncDispose]();
  });

  /** A session that is seen and heard. */
  const open = async (seed: number) => {
    const relay = await createUdpRelay(seed);
    const channel = await server.open({
      transport: { kind: 'webrtc' },
      sampleRateHz: SAMPLE_RATE_HZ,
      video: { size: SIZE, bitrateBps: VIDEO_BPS },
      fillIdle: true,
    });
    const { events, stop } = feed(channel, {
      sampleRateHz: SAMPLE_RATE_HZ,
      size: SIZE,
      sound: toneWordSlot,
      picture: noisyFrame,
    });
    const viewer = await openNetworkViewer(browser, html.url, channel, relay);
    await viewer.connect();
    await expect
      .poll(async () => (await viewer.stats()).video?.framesDecoded ?? 0, { timeout: 20_000 })
      .toBeGreaterThan(10);
    return {
      relay,
      viewer,
      counters: () => events.findLast((event) => event.type === 'counters')?.counters,
      states: () => events.flatMap((event) => (event.type === 'state' ? [event.state] : [])),
      async [Symbol.asyncDispose]() {
        stop();
        await viewer[Symbol.asyncDispose]();
        await channel.close();
        await relay[Symbol.asyncDispose]();
      },
    };
  };

  it('hears every word at a tenth of loss, and sees the picture repaired', async () => {
    await using session = await open(11);
    const { viewer, relay } = session;
    relay.set({ loss: 0.1, delayMs: 80, jitterMs: 20 });
    await wait(2000);
    const before = await viewer.stats();
    await viewer.record();
    await wait(8000);

    const words = wordsIn(await viewer.recorded(), RECORDING_RATE_HZ);
    const after = await viewer.stats();
    console.log(
      `10 %: ${words.length} words, ${missingWords(words)} missing, ${after.video.framesDecoded - before.video.framesDecoded} frames,` +
        ` ${after.video.nackCount} NACKs, ${after.video.pliCount} PLIs, FEC ${after.audio.fecPacketsReceived}`,
      session.counters(),
    );
    expect(words.length).toBeGreaterThan(12);
    expect(missingWords(words)).toBe(0);
    expect(after.audio.packetsLost).toBeGreaterThan(before.audio.packetsLost);
    expect(after.video.nackCount).toBeGreaterThan(0);
    expect(after.video.framesDecoded).toBeGreaterThan(before.video.framesDecoded);
  });

  long('lives at a fifth of loss', async () => {
    await using session = await open(12);
    const { viewer, relay } = session;
    relay.set({ loss: 0.2, delayMs: 40 });
    await wait(2000);
    const before = await viewer.stats();
    await viewer.record();
    await wait(6000);

    const words = wordsIn(await viewer.recorded(), RECORDING_RATE_HZ);
    const after = await viewer.stats();
    console.log(
      `20 %: ${words.length} words, ${missingWords(words)} missing, ${after.video.framesDecoded - before.video.framesDecoded} frames`,
      session.counters(),
    );
    expect(session.states().at(-1)).toBe('connected');
    expect(words.length).toBeGreaterThan(12);
    // Eight frames a second.
    expect(after.video.framesDecoded - before.video.framesDecoded).toBeGreaterThan(48);
  });

  long('fits into 300 kbit/s, sound first, and stays in sync', async () => {
    await using session = await open(13);
    const { viewer, relay } = session;
    relay.set({ rateBps: 300_000, delayMs: 30, queueMs: 1000 }, { delayMs: 30 });
    await wait(6000);
    const { overflowed } = relay.counts.toViewer;
    await viewer.record();
    const skews: number[] = [];
    for (let i = 0; i < 12; i++) {
      await wait(500);
      const { audio, video } = await viewer.stats();
      if (audio.estimatedPlayoutTimestamp && video.estimatedPlayoutTimestamp)
        skews.push(Math.abs(audio.estimatedPlayoutTimestamp - video.estimatedPlayoutTimestamp));
    }

    const words = wordsIn(await viewer.recorded(), RECORDING_RATE_HZ);
    const median = skews.toSorted((a, b) => a - b)[Math.floor(skews.length / 2)];
    console.log(
      `300 kbit/s: ${words.length} words, ${missingWords(words)} missing, skew ${median} ms`,
      session.counters(),
    );
    expect(session.counters()?.targetBps).toBeLessThan(330_000);
    expect(session.counters()?.videoBps).toBeLessThan(300_000);
    expect(relay.counts.toViewer.overflowed).toBe(overflowed);
    expect(missingWords(words)).toBe(0);
    expect(median).toBeLessThan(125);
  });

  it('is back after a blackout at a new address: it is told of the silence, and its new offer restarts ICE', async () => {
    await using session = await open(14);
    const { viewer, relay } = session;
    relay.set({ delayMs: 10 });
    // As the client's library does, for which the session's socket carries both.
    const restarted = expect
      .poll(() => session.states(), { timeout: 20_000, interval: 20 })
      .toContain('disconnected')
      .then(() => viewer.connect({ iceRestart: true }));
    relay.darken();
    await wait(3000);
    relay.rebind();
    const before = await viewer.stats();
    relay.light();
    const backMs = performance.now();
    await restarted;

    const grown = async () => {
      const { audio, video } = await viewer.stats();
      return Math.min(
        audio.packetsReceived - before.audio.packetsReceived,
        video.framesDecoded - before.video.framesDecoded,
      );
    };
    await expect.poll(grown, { timeout: 20_000, interval: 50 }).toBeGreaterThan(0);
    console.log(`back after ${(performance.now() - backMs).toFixed(0)} ms`, session.states());
    await expect.poll(grown, { timeout: 20_000 }).toBeGreaterThan(25);
    expect(session.states().at(-1)).toBe('connected');
  });

  it('is back after a blackout at a new address without an offer too, once its own check has come through', async () => {
    await using session = await open(16);
    const { viewer, relay } = session;
    relay.set({ delayMs: 10 });
    relay.darken();
    await wait(3000);
    relay.rebind();
    const before = await viewer.stats();
    relay.light();
    const backMs = performance.now();

    const grown = async () => {
      const { audio, video } = await viewer.stats();
      return Math.min(
        audio.packetsReceived - before.audio.packetsReceived,
        video.framesDecoded - before.video.framesDecoded,
      );
    };
    await expect.poll(grown, { timeout: 20_000, interval: 50 }).toBeGreaterThan(0);
    console.log(`back without an offer after ${(performance.now() - backMs).toFixed(0)} ms`, session.states());
    await expect.poll(grown, { timeout: 20_000 }).toBeGreaterThan(25);
    expect(session.states().at(-1)).toBe('connected');
  });

  it('is followed to a new address without a word', async () => {
    await using session = await open(15);
    const { viewer, relay } = session;
    relay.set({ delayMs: 10 });
    const movedMs = performance.now();
    relay.rebind();
    const before = await viewer.stats();

    const grown = async () => (await viewer.stats()).video.framesDecoded - before.video.framesDecoded;
    await expect.poll(grown, { timeout: 20_000, interval: 50 }).toBeGreaterThan(5);
    console.log(`followed after ${(performance.now() - movedMs).toFixed(0)} ms`, session.states());
  });
});

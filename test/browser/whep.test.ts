import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, serveHtml, type HtmlServer, type TestBrowser, type TestPage } from '../support/chromium.ts';
import { startPageServer, type PageServer } from '../support/page-server.ts';
import { temporaryFolder } from '../support/program.ts';

const require = createRequire(import.meta.url);

/** Uses the player library's `WHEPClient` as its documentation says; its own messages go over a data channel. */
const PLAYER = String.raw`
  const pc = new RTCPeerConnection();
  pc.addTransceiver('audio', { direction: 'recvonly' });
  pc.addTransceiver('video', { direction: 'recvonly' });
  const video = document.querySelector('video');
  pc.ontrack = ({ streams }) => { video.srcObject ??= streams[0]; };
  const received = [];
  const channel = pc.createDataChannel('visavis.v1');
  const opened = new Promise((resolve) => { channel.onopen = resolve; });
  channel.onmessage = ({ data }) => received.push(JSON.parse(data));
  const whep = new WHEPClient();
  const inbound = async (kind) => [...(await pc.getStats()).values()].find((report) => report.type === 'inbound-rtp' && report.kind === kind);
  Object.assign(window, {
    received,
    view: (url) => whep.view(pc, url),
    // As RFC 9725 §4.3.3 has it: the library's own joins candidates by commas, which is no SDP when there are several.
    restart: async () => {
      const offer = await pc.createOffer({ iceRestart: true });
      await pc.setLocalDescription(offer);
      const credentials = offer.sdp.match(/^a=ice-(ufrag|pwd):.*$/gm).slice(0, 2).join('\r\n') + '\r\n';
      const headers = { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': '*' };
      const response = await fetch(whep.resourceURL, { method: 'PATCH', body: credentials, headers });
      const fragment = await response.text();
      const line = (name) => new RegExp('^a=ice-' + name + ':.*$', 'm');
      let { sdp } = pc.remoteDescription;
      for (const name of ['ufrag', 'pwd']) sdp = sdp.replaceAll(new RegExp(line(name), 'gm'), line(name).exec(fragment)[0]);
      const candidates = fragment.match(/^a=candidate:.*\r\n/gm).join('');
      sdp = sdp.replaceAll(/^a=candidate:.*\r\n/gm, '').replace(/^(m=[^]*?)(?=^m=|$(?![^]))/m, '$1' + candidates);
      await pc.setRemoteDescription({ type: 'answer', sdp });
      return [response.status, response.headers.get('etag')];
    },
    stop: () => whep.stop(),
    location_: () => whep.resourceURL.href,
    say: async (text) => {
      await opened;
      channel.send(JSON.stringify({ type: 'utterance.append', utterance: 'c', text }));
      channel.send(JSON.stringify({ type: 'utterance.end', utterance: 'c' }));
    },
    frames: async () => (await inbound('video'))?.framesDecoded ?? 0,
    video,
    energy: async () => (await inbound('audio'))?.totalAudioEnergy ?? 0,
    iceServers: () => pc.getConfiguration().iceServers,
    ufrag: () => /a=ice-ufrag:(\S+)/.exec(pc.remoteDescription.sdp)?.[1],
  });
`;

/** As `expect.poll`, on a busy machine. */
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 30_000 });
/** Energy of idle sound stays below, of spoken words above: Chromium sums squares of peaks. */
const HEARD = 0.002;

describe('a public WHEP player in Chromium', { timeout: 120_000 }, () => {
  let program: PageServer;
  let browser: TestBrowser;
  let html: HtmlServer;

  beforeAll(async () => {
    const library = await readFile(require.resolve('whip-whep/whep.js'), 'utf8');
    const page = `<!doctype html><video autoplay playsinline></video><script type="module">${library}\n${PLAYER}</script>`;
    [program, browser, html] = await Promise.all([startPageServer(), launchChromium(), serveHtml(page)]);
  });
  afterAll(async () => {
    await browser?.close();
    await program?.[Symbol.asyncDispose]();
    await html?.[Symbol.asyncDispose]();
  });

  const watch = async (server = program): Promise<TestPage & { call: <T>(code: string) => Promise<T> }> => {
    const { page, errors } = await browser.page();
    page.setDefaultTimeout(60_000);
    await page.goto(html.url);
    // Without its stack, whose addresses are no files.
    const call = <T>(code: string): Promise<T> =>
      page.evaluate<T>(code).catch((error: unknown) => Promise.reject(new Error(String(error))));
    await call(`view('${server.url}/v1/whep/alex')`);
    await page.waitForFunction('frames().then((frames) => frames > 5)');
    // The energy of sound is counted while it is played.
    await page.waitForFunction('video.currentTime > 1');
    return { page, errors, call };
  };
  const sessions = async (server = program) =>
    ((await (await fetch(`${server.url}/readyz`)).json()) as { sessions: number }).sessions;

  it('plays from another origin, and says what its data channel tells, and leaves by DELETE', async () => {
    const { page, errors, call } = await watch();
    const quiet = await call<number>('energy()');

    await call("say('Hello, it is nice to see you.')");
    await page.waitForFunction("received.some(({ type }) => type === 'utterance.finished')");

    await soon(() => call<number>('energy()')).toBeGreaterThan(quiet + HEARD);
    expect(await call('received[0]')).toMatchObject({ type: 'session.opened', avatar: 'alex' });
    expect(await call('received.at(-1)')).toMatchObject({ spokenText: 'Hello, it is nice to see you.' });
    await call('stop()');
    await soon(() => sessions()).toBe(0);
    expect(errors).toEqual([]);
  });

  it('says what a WebSocket to its URL tells', async () => {
    const { page, call } = await watch();
    const quiet = await call<number>('energy()');
    const location = await call<string>('location_()');

    const spoken = await page.evaluate(
      (url) =>
        new Promise<unknown>((resolve, reject) => {
          const socket = new WebSocket(url.replace('http', 'ws'), 'visavis.v1');
          socket.addEventListener('open', () => {
            socket.send('{"type":"utterance.append","utterance":"w","text":"Told by a socket."}');
            socket.send('{"type":"utterance.end","utterance":"w"}');
          });
          socket.addEventListener('error', () => reject(new Error('The socket failed.')));
          socket.addEventListener('message', ({ data }) => {
            const message = JSON.parse(String(data)) as { type: string; spokenText?: string };
            if (message.type === 'utterance.finished') resolve(message.spokenText);
          });
        }),
      location,
    );

    expect(spoken).toBe('Told by a socket.');
    await soon(() => call<number>('energy()')).toBeGreaterThan(quiet + HEARD);
    await call('stop()');
  });

  it('goes on over an ICE restart', async () => {
    const { page, call } = await watch();
    const before = await call<string>('ufrag()');

    expect(await call('restart()')).toEqual([200, '"2"']);
    const frames = await call<number>('frames()');
    await page.waitForFunction(`frames().then((frames) => frames > ${frames + 50})`);

    expect(await call('ufrag()')).not.toBe(before);
    await call('stop()');
  });

  it('is freed when its page is gone without a word, or when it never connects', async () => {
    const path = join(await temporaryFolder(), 'config.json');
    const limits = { mediaPathMs: 2000 };
    const webrtc = { iceServers: [{ url: 'stun:stun.example.net', username: 'someone', credential: 'secret' }] };
    await writeFile(path, JSON.stringify({ limits, webrtc }));
    await using server = await startPageServer(['--config', path]);
    const { page, call } = await watch(server);
    const iceServers = await call('iceServers()');
    const offer = await page.evaluate(async () => {
      const pc = new RTCPeerConnection();
      pc.addTransceiver('audio', { direction: 'recvonly' });
      return (await pc.createOffer()).sdp ?? '';
    });
    const headers = { 'content-type': 'application/sdp' };
    const silent = await fetch(`${server.url}/v1/whep/alex`, { method: 'POST', body: offer, headers });
    const during = await sessions(server);

    await page.context().close();

    expect([silent.status, during]).toEqual([201, 2]);
    expect(iceServers).toMatchObject([{ username: 'someone', credential: 'secret' }]);
    await soon(() => sessions(server)).toBeLessThan(2);
    // A browser that says nothing has gone when it has not consented for 30 s (RFC 7675 §5.1).
    await expect.poll(() => sessions(server), { timeout: 60_000 }).toBe(0);
  }, 150_000);
});

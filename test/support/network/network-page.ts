/** A viewer in Chromium behind a bad network, who records what it hears. */
import type { MediaChannel } from '../../../src/stream/media/media-channel.ts';
import type { TestBrowser } from '../chromium.ts';
import { withoutCandidates, type UdpRelay } from './udp-relay.ts';

/** Rate of recordings: tone words are far below its half. */
export const RECORDING_RATE_HZ = 8000;

/** Runs in the page. The sound is read as it is played, before any loudspeaker. */
export const NETWORK_PAGE = `<!doctype html><video id="video" autoplay playsinline muted></video><script>
  const pc = new RTCPeerConnection();
  pc.addTransceiver('video', { direction: 'recvonly' });
  pc.addTransceiver('audio', { direction: 'recvonly' });
  let recording = [];
  const listen = async (track) => {
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      const step = value.sampleRate / ${RECORDING_RATE_HZ};
      for (let i = 0; i < samples.length; i += step) recording.push(Math.round(samples[Math.floor(i)] * 32767));
      value.close();
    }
  };
  pc.ontrack = ({ track, streams }) => {
    document.querySelector('#video').srcObject = streams[0];
    if (track.kind === 'audio') listen(track);
  };
  window.connect = async (options) => {
    const offer = await pc.createOffer(options);
    await pc.setLocalDescription(offer);
    await pc.setRemoteDescription({ type: 'answer', sdp: await window.sendOffer(offer.sdp) });
  };
  window.record = () => { recording = []; };
  window.recorded = () => recording;
  window.stats = async () => {
    const inbound = [...(await pc.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
    return Object.fromEntries(inbound.map((report) => [report.kind, { ...report }]));
  };
</script>`;

/** Some of `inbound-rtp` (W3C webrtc-stats). */
interface Inbound {
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly framesDecoded: number;
  readonly freezeCount: number;
  readonly nackCount: number;
  readonly pliCount: number;
  readonly frameWidth: number;
  readonly concealedSamples: number;
  readonly fecPacketsReceived?: number;
  readonly estimatedPlayoutTimestamp?: number;
}

export interface NetworkViewer extends AsyncDisposable {
  /** Sends an offer, through the relay, to the session; with `iceRestart` it looks for the way anew. */
  connect(options?: { readonly iceRestart: boolean }): Promise<void>;
  /** Starts a recording, or starts it over. */
  record(): Promise<void>;
  /** What was heard since, at `RECORDING_RATE_HZ`. */
  recorded(): Promise<Float32Array>;
  stats(): Promise<Readonly<Record<'audio' | 'video', Inbound>>>;
}

/** Opens the page `url`, which serves `NETWORK_PAGE`. */
export const openNetworkViewer = async (
  browser: TestBrowser,
  url: string,
  channel: MediaChannel,
  relay: UdpRelay,
): Promise<NetworkViewer> => {
  const { page } = await browser.page();
  await page.exposeFunction('sendOffer', async (sdp: string) =>
    relay.through(await channel.offer(withoutCandidates(sdp))),
  );
  await page.goto(url);
  return {
    connect: (options) => page.evaluate(`window.connect(${JSON.stringify(options ?? {})})`),
    record: () => page.evaluate('window.record()'),
    recorded: async () =>
      Float32Array.from(await page.evaluate<readonly number[]>('window.recorded()'), (sample) => sample / 32_768),
    stats: () => page.evaluate('window.stats()'),
    [Symbol.asyncDispose]: () => page.close(),
  };
};

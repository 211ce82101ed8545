// The far end of a WebRTC session, run inside Chromium on a blank page of the server's origin. `window.viewer` is what
// bench/support/viewer.ts calls. It knows the protocol and nothing of the demo page.

const SUBPROTOCOL = 'visavis.v1';

const video = document.querySelector('video');
const peer = new RTCPeerConnection();
const waiting = new Set();
const finished = new Set();
let socket;
let stats = null;

const send = (message) => socket.send(JSON.stringify(message));

/** Resolves with the next message that fits; rejects at an error of the server's, or when the socket closes. */
const next = (fits) =>
  new Promise((resolve, reject) => {
    waiting.add({ fits, resolve, reject });
  });

const receive = (message) => {
  if (message.type === 'stats') stats = message;
  if (message.type === 'utterance.finished') finished.add(message.utterance);
  for (const entry of waiting) {
    if (message.type === 'error') entry.reject(new Error(`${message.code}: ${message.message}`));
    else if (entry.fits(message)) entry.resolve(message);
    else continue;
    waiting.delete(entry);
  }
};

const ofType = (type, utterance) =>
  next((message) => message.type === type && (utterance === undefined || message.utterance === utterance));

/** Opens a session and resolves when the first picture is on the screen. `media` adds to what is asked for. */
const open = async (seed, media = {}) => {
  socket = new WebSocket(`${location.origin.replace('http', 'ws')}/v1/session`, SUBPROTOCOL);
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('message', ({ data }) => {
    window.viewer.onMessage?.(data);
    if (typeof data === 'string') receive(JSON.parse(data));
  });
  socket.addEventListener('close', () => {
    for (const { reject } of waiting) reject(new Error('the server closed the socket'));
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('the server refused the socket')));
  });
  const opened = ofType('session.opened');
  send({ type: 'session.open', media: { transport: 'webrtc', ...media }, seed });
  await opened;

  const stream = new MediaStream();
  peer.addEventListener('track', ({ track }) => stream.addTrack(track));
  peer.addEventListener('icecandidate', ({ candidate }) =>
    send({ type: 'webrtc.candidate', candidate: candidate?.toJSON() ?? null }),
  );
  for (const kind of ['audio', 'video']) peer.addTransceiver(kind, { direction: 'recvonly' });
  video.srcObject = stream;
  const shown = new Promise((resolve) => {
    video.requestVideoFrameCallback(resolve);
  });
  const offer = await peer.createOffer();
  await peer.setLocalDescription(offer);
  const answered = ofType('webrtc.answer');
  send({ type: 'webrtc.offer', sdp: offer.sdp });
  const { sdp } = await answered;
  await peer.setRemoteDescription({ type: 'answer', sdp });
  await shown;
};

/** Sends an utterance and resolves when its first sound has left the server. */
const start = async (utterance, text) => {
  const started = ofType('utterance.started', utterance);
  send({ type: 'utterance.append', utterance, text });
  send({ type: 'utterance.end', utterance });
  await started;
};

/** Says an utterance to its end and resolves with the last `stats` that the server sent meanwhile, or null. */
const say = async (utterance, text) => {
  stats = null;
  const ended = ofType('utterance.finished', utterance);
  await Promise.all([start(utterance, text), ended]);
  return stats;
};

/** Stops an utterance in the middle. */
const interrupt = async (utterance) => {
  if (finished.has(utterance)) throw new Error(`${utterance} had come to its end before it was interrupted`);
  const ended = ofType('utterance.finished', utterance);
  send({ type: 'interrupt' });
  await ended;
};

/** What both receivers tell at one moment; counters since the connection was made. */
const sample = async () => {
  const reports = [...(await peer.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const [audio, picture] = ['audio', 'video'].map((kind) => reports.find((report) => report.kind === kind));
  return {
    atMs: picture.timestamp,
    framesDecoded: picture.framesDecoded,
    framesDropped: picture.framesDropped,
    freezes: picture.freezeCount,
    packetsLost: audio.packetsLost + picture.packetsLost,
    concealedSamples: audio.concealedSamples,
    silentConcealedSamples: audio.silentConcealedSamples,
    samplesReceived: audio.totalSamplesReceived,
    audioPlayoutMs: audio.estimatedPlayoutTimestamp ?? null,
    videoPlayoutMs: picture.estimatedPlayoutTimestamp ?? null,
    audioBuffer: { seconds: audio.jitterBufferDelay, count: audio.jitterBufferEmittedCount },
    videoBuffer: { seconds: picture.jitterBufferDelay, count: picture.jitterBufferEmittedCount },
  };
};

/** Takes samples every `everyMs` and notes every picture shown, until `stop` is called, which gives both. */
const watch = (everyMs) => {
  const samples = [];
  const shownMs = [];
  let stopped = false;
  const take = async () => samples.push(await sample());
  const note = (_nowMs, { presentationTime }) => {
    if (stopped) return;
    shownMs.push(presentationTime);
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
  const taken = [take()];
  const timer = setInterval(() => taken.push(take()), everyMs);
  window.viewer.stop = async () => {
    clearInterval(timer);
    stopped = true;
    taken.push(take());
    await Promise.all(taken);
    return { samples, shownMs };
  };
};

/** `onMessage`, where it is set, gets every message of the socket as it came. */
window.viewer = { open, start, say, interrupt, watch, onMessage: null };

/** Whether WebRTC gets through to the server: a session of its own without a picture, that says nothing. */
import type { Connection } from './connection.ts';

/** As long as a session waits for its media. */
const TIMEOUT_MS = 3500;

/** Never throws: a server that is full, or does not answer, is no way either. */
export const probeWebRtc = async (connect: () => Connection, signal: AbortSignal): Promise<boolean> => {
  const done = new AbortController();
  let connection: Connection | null = null;
  const peer = new RTCPeerConnection();
  try {
    const opened = connect();
    connection = opened;
    signal.addEventListener('abort', () => opened.close(), { signal: done.signal });
    await opened.open({ type: 'session.open', media: { transport: 'webrtc', video: false } });
    const result = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), TIMEOUT_MS);
      done.signal.addEventListener('abort', () => clearTimeout(timer));
      opened.on('closed', () => resolve(false));
      peer.addEventListener('connectionstatechange', () => {
        if (peer.connectionState === 'connected') resolve(true);
        if (peer.connectionState === 'failed') resolve(false);
      });
    });
    opened.on('message', (message) => {
      if (message.type === 'webrtc.answer') void accept(peer, message.sdp, opened);
    });
    peer.addEventListener('icecandidate', ({ candidate }) =>
      opened.send({ type: 'webrtc.candidate', candidate: candidate?.toJSON() ?? null }),
    );
    peer.addTransceiver('audio', { direction: 'recvonly' });
    await peer.setLocalDescription();
    opened.send({ type: 'webrtc.offer', sdp: peer.localDescription?.sdp ?? '' });
    return await result;
  } catch {
    return false;
  } finally {
    done.abort();
    peer.close();
    connection?.close();
  }
};

const accept = async (peer: RTCPeerConnection, sdp: string, connection: Connection): Promise<void> => {
  try {
    await peer.setRemoteDescription({ type: 'answer', sdp });
  } catch {
    // An answer that this browser does not take is no way.
    connection.close();
  }
};

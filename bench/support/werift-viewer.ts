/** A viewer without a browser, made of werift: offers to receive, and collects what comes. */
import { RTCPeerConnection, RTCRtpCodecParameters, RtcpSrPacket, useOPUS, useVP8, type RtpPacket } from 'werift';

export interface WeriftViewer extends AsyncDisposable {
  readonly pc: RTCPeerConnection;
  readonly rtp: Readonly<Record<'audio' | 'video', RtpPacket[]>>;
  readonly reports: RtcpSrPacket[];
  /** Offers (candidates included), and takes the answer that `answer` gives. */
  connect(answer: (sdp: string) => Promise<string>): Promise<string>;
}

export const createWeriftViewer = (): WeriftViewer => {
  const pc = new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ['127.0.0.1'],
    bundlePolicy: 'max-bundle',
    codecs: {
      audio: [useOPUS({ parameters: 'minptime=10;useinbandfec=1' })],
      video: [useVP8(), new RTCRtpCodecParameters({ mimeType: 'video/rtx', clockRate: 90_000 })],
    },
  });
  const rtp = { audio: new Array<RtpPacket>(), video: new Array<RtpPacket>() };
  const reports: RtcpSrPacket[] = [];
  for (const kind of ['audio', 'video'] as const) pc.addTransceiver(kind, { direction: 'recvonly' });
  pc.onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe((packet) => rtp[track.kind === 'audio' ? 'audio' : 'video'].push(packet));
  });
  return {
    pc,
    rtp,
    reports,
    async connect(answer) {
      await pc.setLocalDescription(await pc.createOffer());
      const sdp = await answer(pc.localDescription?.sdp ?? '');
      await pc.setRemoteDescription({ type: 'answer', sdp });
      for (const transport of pc.dtlsTransports) {
        transport.onRtcp.subscribe((packet) => {
          if (packet instanceof RtcpSrPacket) reports.push(packet);
        });
      }
      return sdp;
    },
    [Symbol.asyncDispose]: () => pc.close(),
  };
};

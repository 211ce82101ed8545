/**
 * SDP fragments, which carry trickled candidates and ICE restarts over HTTP: media type `application/trickle-ice-sdpfrag`
 * (RFC 8840 §9, used as in RFC 9725 §4.3).
 */
import type { RemoteCandidate } from '../media/webrtc/peer.ts';

/** A fragment: the browser's ICE credentials, and candidates with the media section that they belong to. */
export interface SdpFragment {
  readonly credentials: IceCredentials | null;
  readonly candidates: readonly RemoteCandidate[];
}

export interface IceCredentials {
  readonly ufrag: string;
  readonly pwd: string;
}

/**
 * Reads a fragment. null: it holds neither credentials nor candidates.
 * @param most - further candidates are left out
 */
export const parseFragment = (text: string, most: number): SdpFragment | null => {
  const credentials = credentialsOf(text);
  const candidates: RemoteCandidate[] = [];
  let sdpMid: string | undefined;
  let sdpMLineIndex = -1;
  for (const line of linesOf(text)) {
    if (line.startsWith('m=')) {
      sdpMLineIndex += 1;
      sdpMid = undefined;
    }
    if (line.startsWith('a=mid:')) sdpMid = line.slice('a=mid:'.length);
    if (!line.startsWith('a=candidate:') || candidates.length >= most) continue;
    const section = sdpMid === undefined ? { sdpMLineIndex: Math.max(0, sdpMLineIndex) } : { sdpMid };
    candidates.push({ candidate: line.slice('a='.length), ...section });
  }
  const isEmpty = credentials === null && candidates.length === 0 && !/^a=end-of-candidates/m.test(text);
  return isEmpty ? null : { credentials, candidates };
};

/** The ICE credentials of a description or a fragment, as its first section has them; null: none. */
export const credentialsOf = (sdp: string): IceCredentials | null => {
  const ufrag = /^a=ice-ufrag:(\S{4,256})\s*$/m.exec(sdp)?.[1];
  const pwd = /^a=ice-pwd:(\S{22,256})\s*$/m.exec(sdp)?.[1];
  return ufrag === undefined || pwd === undefined ? null : { ufrag, pwd };
};

/** An offer as it would be after an ICE restart: with these credentials, without the candidates found before. */
export const restartedOffer = (offer: string, { ufrag, pwd }: IceCredentials): string =>
  linesOf(offer)
    .filter((line) => !line.startsWith('a=candidate:') && !line.startsWith('a=end-of-candidates'))
    .map((line) => {
      if (line.startsWith('a=ice-ufrag:')) return `a=ice-ufrag:${ufrag}`;
      if (line.startsWith('a=ice-pwd:')) return `a=ice-pwd:${pwd}`;
      return line;
    })
    .join('\r\n');

/** What a restart's answer says about ICE, as the fragment that tells it (RFC 9725 §4.3.3). */
export const fragmentOf = (answer: string): string => {
  const lines = linesOf(answer);
  const media = lines.find((line) => line.startsWith('m='));
  const mid = lines.find((line) => line.startsWith('a=mid:'));
  const credentials = credentialsOf(answer);
  return [
    ...(lines.includes('a=ice-lite') ? ['a=ice-lite'] : []),
    ...(credentials === null ? [] : [`a=ice-ufrag:${credentials.ufrag}`, `a=ice-pwd:${credentials.pwd}`]),
    ...[media, mid].filter((line) => line !== undefined),
    ...new Set(lines.filter((line) => line.startsWith('a=candidate:'))),
    'a=end-of-candidates',
    '',
  ].join('\r\n');
};

const linesOf = (sdp: string): string[] => sdp.split(/\r?\n/);

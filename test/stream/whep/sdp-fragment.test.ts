import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { credentialsOf, fragmentOf, parseFragment, restartedOffer } from '../../../src/stream/whep/sdp-fragment.ts';

const PWD = 'x9cml/YzichV2+XlhiMu8gbc';
const CANDIDATE = 'candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host';
/** The example of RFC 8840 §9, shortened. */
const FRAGMENT = [
  'a=ice-ufrag:EsAw',
  `a=ice-pwd:${PWD}`,
  'm=audio 9 RTP/AVP 0',
  'a=mid:0',
  `a=${CANDIDATE}`,
  'm=video 9 RTP/AVP 0',
  `a=${CANDIDATE}`,
  'a=end-of-candidates',
  '',
].join('\r\n');

describe('an SDP fragment', () => {
  test('tells credentials, and each candidate with its section', () => {
    expect(parseFragment(FRAGMENT, 64)).toEqual({
      credentials: { ufrag: 'EsAw', pwd: PWD },
      candidates: [
        { candidate: CANDIDATE, sdpMid: '0' },
        { candidate: CANDIDATE, sdpMLineIndex: 1 },
      ],
    });
  });

  test('that only ends the candidates is one too, and what holds nothing is none', () => {
    expect(parseFragment('a=end-of-candidates\r\n', 64)).toEqual({ credentials: null, candidates: [] });
    expect(parseFragment('', 64)).toBeNull();
    expect(parseFragment('hello', 64)).toBeNull();
    expect(parseFragment('a=ice-ufrag:abcd\r\n', 64)).toBeNull();
  });

  test('of any text is read without failing, and never holds more than 64 candidates', () => {
    const line = fc.oneof(fc.constantFrom(`a=${CANDIDATE}`, 'm=', 'a=mid:', 'a=ice-pwd:'), fc.string());
    fc.assert(
      fc.property(fc.array(line, { maxLength: 200 }), (lines) => {
        expect(parseFragment(lines.join('\r\n'), 64)?.candidates.length ?? 0).toBeLessThanOrEqual(64);
      }),
    );
  });

  test('answers a restart with the credentials and each candidate once', () => {
    const section = ['a=ice-ufrag:abcd', `a=ice-pwd:${PWD}`, `a=${CANDIDATE}`];
    const answer = ['v=0', 'm=audio 9 X 1', 'a=mid:0', ...section, 'm=video 9 X 1', 'a=mid:1', ...section].join('\r\n');

    const fragment = fragmentOf(answer);

    expect(parseFragment(fragment, 64)).toEqual({
      credentials: { ufrag: 'abcd', pwd: PWD },
      candidates: [{ candidate: CANDIDATE, sdpMid: '0' }],
    });
  });
});

test('a restarted offer has the new credentials in every section and none of the old candidates', () => {
  const section = ['a=ice-ufrag:EsAw', `a=ice-pwd:${PWD}`, `a=${CANDIDATE}`, 'a=end-of-candidates', 'a=sendrecv'];
  const offer = ['v=0', 'm=audio 9 X 1', ...section, 'm=video 9 X 1', ...section].join('\r\n');
  const fresh = { ufrag: 'New1', pwd: PWD.toUpperCase() };

  const restarted = restartedOffer(offer, fresh);

  expect(credentialsOf(restarted)).toEqual(fresh);
  expect(restarted).not.toMatch(/EsAw|candidate/);
  expect(restarted.match(/New1/g)).toHaveLength(2);
  expect(restarted.match(/a=sendrecv/g)).toHaveLength(2);
});

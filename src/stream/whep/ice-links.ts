/** ICE servers as `Link` headers (RFC 9725 §4.6, RFC 8288). */

export interface IceServer {
  /** `stun:…`, `stuns:…`, `turn:…` or `turns:…`. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly credential?: string | undefined;
}

/** One header value a server. */
export const iceLinks = (servers: readonly IceServer[]): string[] =>
  servers.map(({ url, username, credential }) =>
    [
      `<${url}>`,
      'rel="ice-server"',
      ...(username === undefined ? [] : [`username=${quoted(username)}`]),
      ...(credential === undefined ? [] : [`credential=${quoted(credential)}`, 'credential-type="password"']),
    ].join('; '),
  );

/** A quoted string of RFC 9110 §5.6.4. Control characters cannot stand in a header. */
const quoted = (text: string): string =>
  `"${text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '').replaceAll(/["\\]/g, (character) => `\\${character}`)}"`;

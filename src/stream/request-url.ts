import type { IncomingMessage } from 'node:http';

/** Only path and query count. */
const BASE = 'http://localhost';

/** The URL of a request, or null when what was sent is none: a stranger may send anything. */
export const requestUrl = ({ url = '/' }: Pick<IncomingMessage, 'url'>): URL | null =>
  URL.canParse(url, BASE) ? new URL(url, BASE) : null;

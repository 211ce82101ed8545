/** How a client shows its key, where the configuration has keys (`access.keys`), as both kinds of document say it. */
const HEADER = "Also as ElevenLabs' header xi-api-key, and as Deepgram's Authorization: Token";
const QUERY = 'For browsers, whose WebSockets and pictures send no headers';

export const SECURITY_SCHEMES = {
  openApi: {
    bearer: { type: 'http', scheme: 'bearer', description: HEADER },
    query: { type: 'apiKey', in: 'query', name: 'key', description: QUERY },
  },
  asyncApi: {
    bearer: { type: 'http', scheme: 'bearer', description: HEADER },
    query: { type: 'httpApiKey', in: 'query', name: 'key', description: QUERY },
  },
} as const;

/** One of them, or none at all where the configuration has no keys. */
export const OPEN_API_SECURITY = [{}, { bearer: [] }, { query: [] }] as const;

/** A server with instant fake models, for clients of other services' protocols; it is closed after the test. */
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { systemClock } from '../../src/clock.ts';
import { type Server, startServer } from '../../src/stream/server.ts';
import { countedVoice } from './counted-voice.ts';
import { fakeMediaServer } from './fake-media.ts';
import { fakeInference, fakeVoice } from './fake-models.ts';

export interface AdapterServer {
  readonly server: Server;
  /** `http://127.0.0.1:…` */
  readonly http: string;
  /** `ws://127.0.0.1:…` */
  readonly ws: string;
  /** Windows that the voice has decoded. */
  readonly windows: () => number;
  /** Sessions that are open. */
  readonly sessions: () => Promise<number>;
}

interface Options {
  readonly clients?: Partial<Config['clients']>;
  readonly wyomingPort?: number;
  readonly limits?: Partial<Config['limits']>;
  readonly access?: Partial<Config['access']>;
  /** What one window takes, ms. @default 0 */
  readonly windowMs?: number;
}

export const startAdapterServer = async (options: Options = {}): Promise<AdapterServer> => {
  const config = loadConfig(undefined, { port: 0, voice: 'fake', avatar: 'fake' });
  const { voice, windows } = countedVoice(fakeVoice(), options.windowMs);
  const server = await startServer({
    config: {
      ...config,
      wyomingPort: options.wyomingPort,
      clients: { ...config.clients, ...options.clients },
      limits: { ...config.limits, ...options.limits },
      access: { ...config.access, ...options.access },
    },
    clock: systemClock,
    log: pino({ level: 'silent' }),
    inference: fakeInference({ voice }),
    media: fakeMediaServer(),
    pageFolders: [],
    portraitOf: () => null,
    chat: null,
  });
  onTestFinished(() => server.close());
  return {
    server,
    http: server.address,
    ws: server.address.replace('http', 'ws'),
    windows,
    sessions: async () => ((await (await fetch(`${server.address}/readyz`)).json()) as { sessions: number }).sessions,
  };
};

/** Waits until something is so. */
export const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
};

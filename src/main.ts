/** `npm start`: reads arguments and environment, puts the parts together, listens, drains on SIGTERM. */
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createOpenAiChatModel } from './chat/openai-chat-model.ts';
import { systemClock } from './clock.ts';
import { VisavisError } from './errors.ts';
import { createInference } from './models/create-inference.ts';
import { defaultVoice } from './models/default-voice.ts';
import { packageRoot } from './package-root.ts';
import { calibrate } from './stream/load/calibrate.ts';
import { faceWorkersOf } from './stream/load/cores.ts';
import { createMediaServer } from './stream/media/media-client.ts';
import { type ServerDeps, startServer } from './stream/server.ts';

const USAGE = `visavis: a talking avatar, served

  npm start -- [--port 8080] [--host 127.0.0.1] [--config FILE] [--llm URL --model NAME] [--wyoming 10200]

  --port     TCP port; 0 takes a free one (environment: PORT)
  --host     address to listen on (environment: HOST)
  --config   JSON file, described by config/schema.json
  --llm      OpenAI-compatible API of a language model that answers, such as http://127.0.0.1:11434/v1
  --model    the model's name there
  --llm-key  environment variable that holds the API key
  --wyoming  TCP port of the Wyoming protocol, for Home Assistant

  VISAVIS_KEYS in the environment holds API keys that clients have to show, with commas between them
`;

const readConfig = (): Config | null => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      config: { type: 'string' },
      llm: { type: 'string' },
      model: { type: 'string' },
      'llm-key': { type: 'string' },
      wyoming: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const port = values.port ?? process.env['PORT'];
  const host = values.host ?? process.env['HOST'];
  const chat = {
    ...(values.llm === undefined ? {} : { url: values.llm }),
    ...(values.model === undefined ? {} : { model: values.model }),
    ...(values['llm-key'] === undefined ? {} : { apiKeyVariable: values['llm-key'] }),
  };
  const keys = (process.env['VISAVIS_KEYS'] ?? '').split(',').filter((key) => key !== '');
  return loadConfig(values.config, {
    keys,
    ...(Object.keys(chat).length === 0 ? {} : { chat }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(host === undefined ? {} : { host }),
    ...(values.wyoming === undefined ? {} : { wyomingPort: Number(values.wyoming) }),
  });
};

/** The language model of the configuration. @throws {VisavisError} `bad_config` when its key is missing. */
const createChat = (chat: Config['chat']): ServerDeps['chat'] => {
  if (chat === undefined) return null;
  const { apiKeyVariable, ...options } = chat;
  const apiKey = apiKeyVariable === undefined ? null : process.env[apiKeyVariable];
  if (apiKey === undefined || apiKey === '') {
    throw new VisavisError(
      'bad_config',
      `chat: the API key was expected in the environment variable ${apiKeyVariable}`,
    );
  }
  return { model: createOpenAiChatModel({ ...options, apiKey, clock: systemClock }), options };
};

const main = async (): Promise<void> => {
  const config = readConfig();
  if (!config) {
    process.stdout.write(USAGE);
    return;
  }
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: false }));
  const chat = createChat(config.chat);
  const modelsDir = config.models ?? join(packageRoot, 'models');
  const [inference, media] = await Promise.all([
    createInference({
      modelsDir,
      voices: config.voices,
      voice: config.voice,
      avatar: config.avatar,
      pronunciations: config.pronunciations,
      ...config.inference,
      faceWorkers: faceWorkersOf(config.inference),
      onBrokenVoice: ({ name, reason }) => log.warn({ voice: name, reason: reason.message }, 'a voice is left out'),
    }),
    createMediaServer({
      hostAddresses: config.webrtc.addresses,
      portRange: config.webrtc.portRange ?? null,
      dataLimits: config.limits,
      onFault: (fault) => log.error({ fault }, 'something failed in the media thread; its sessions go on'),
    }),
  ]);
  const portraits = new Set(inference.avatars.map(({ name }) => name));
  const server = await startServer({
    config,
    clock: systemClock,
    log,
    inference,
    media,
    chat,
    pageFolders: [join(packageRoot, 'client'), join(packageRoot, 'dist', 'client')],
    portraitOf: (avatar) => (portraits.has(avatar) ? join(modelsDir, 'avatars', avatar, 'portrait.png') : null),
  });
  if (config.load.admission)
    await calibrate(inference, { avatar: config.avatar, voice: defaultVoice(inference, config) });
  process.stdout.write(`visavis is ready on ${server.address}\n`);
  if (server.wyomingAddress) log.info({ address: server.wyomingAddress }, 'Wyoming is spoken');

  let stopping: AbortController | null = null;
  const stop = async (signal: string) => {
    // A second signal does not wait for what is being said; a model that runs is waited for, ending amid it would abort.
    if (stopping !== null) {
      log.info({ signal }, 'stopping now');
      stopping.abort();
      return;
    }
    stopping = new AbortController();
    log.info({ signal }, 'stopping');
    await (signal === 'SIGTERM' ? server.drain(stopping.signal) : server.close());
    await Promise.all([media.close(), inference.close()]);
    log.info('stopped');
    process.exit(stopping.signal.aborted ? 1 : 0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop(signal).catch((error: unknown) => {
        log.error({ err: error }, 'stopping failed');
        process.exit(1);
      });
    });
  }
};

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof VisavisError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
});

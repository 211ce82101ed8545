/** A thread that runs models: calls one after another, the most urgent first, each blocking it. */
import { setPriority } from 'node:os';
import { parentPort, workerData, type TransferListItem } from 'node:worker_threads';
import { systemClock } from '../../clock.ts';
import { VisavisError, asVisavisError } from '../../errors.ts';
import { MOTION_SIZE } from '../../media.ts';
import { readThreadUse } from '../../thread-use.ts';
import { find, readCatalog, type Catalog } from '../catalog.ts';
import { FaceRenderer } from '../face-renderer.ts';
import { decodeJpeg } from '../jpeg.ts';
import { MotionPredictor } from '../motion-predictor.ts';
import { MotionReader, findReader } from '../motion-reader.ts';
import { windowsOf } from '../speech-plan.ts';
import { findVoice, loadVoice } from '../voice-catalog.ts';
import { BatchGatherer } from './batch-gatherer.ts';
import { ChunkCache } from './chunk-cache.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import type { Call, FromWorker, Operation, ReplyOf, RequestOf, Spent, ToWorker, WorkerSettings } from './protocol.ts';

/** How far a thread that yields stands back: half the processor time of another one, where both want it. */
const NICENESS = 3;

/** Remembers what was loaded; a failed load is tried again at the next call. */
const loadOnce = <T>(load: (name: string) => Promise<T>): ((name: string) => Promise<T>) => {
  const loaded = new Map<string, T>();
  return async (name) => {
    const found = loaded.get(name) ?? (await load(name));
    loaded.set(name, found);
    return found;
  };
};

type Handlers = { readonly [O in Operation]: (request: RequestOf<O>) => Promise<ReplyOf<O>> } & {
  /** A face, if it draws several frames in one run. */
  readonly batchingFace: (avatar: string) => Promise<FaceRenderer | null>;
};

type RenderCall = Extract<Call, { operation: 'render' }>;

const createHandlers = (
  catalog: Catalog,
  { modelsDir, provider, batch, pronunciations = {} }: WorkerSettings,
): Handlers => {
  const voice = loadOnce((name) => loadVoice(findVoice(catalog, name).voice, { provider }, pronunciations));
  const named = async (name: string) => {
    const found = findVoice(catalog, name);
    return { model: await voice(found.voice.manifest.name), speaker: found.speaker };
  };
  const chunks = new ChunkCache(async ({ voice: name, text, options }) => {
    const { model, speaker } = await named(name);
    return model.encode(text, options, speaker);
  });
  const motion = loadOnce((name) =>
    MotionPredictor.load(find(catalog.motions, name, 'bad_model', 'motion model'), { provider }),
  );
  const face = loadOnce((name) => {
    const avatar = find(catalog.avatars, name, 'unknown_avatar', 'avatar');
    return FaceRenderer.load(avatar, find(catalog.renderers, avatar.manifest.renderer, 'bad_model', 'renderer'), {
      provider,
    });
  });
  const reader = loadOnce(async (folder) => MotionReader.load(await findReader(folder), { provider }));

  return {
    async warmVoice({ voice: name }) {
      const { model, speaker } = await named(name);
      const options = { speed: 1, seed: 0 };
      const chunk = await model.encode('Hello, I am here.', options, speaker).catch((error: unknown) => {
        // A voice of another language has tried itself with words of its own when it was loaded.
        if (error instanceof VisavisError && error.code === 'bad_text') return null;
        throw error;
      });
      if (!chunk) return null;
      for (const [first, end] of windowsOf(chunk.frameCount, model.windowFrames)) {
        await model.decode(chunk.speech, first, end);
      }
      return null;
    },
    async warmFace({ avatar }) {
      const { manifest } = find(catalog.avatars, avatar, 'unknown_avatar', 'avatar');
      const frames = find(catalog.renderers, manifest.renderer, 'bad_model', 'renderer').manifest.renderer.motionFrames;
      const model = await face(avatar);
      const motion = new Float32Array(frames * MOTION_SIZE);
      await model.render(motion);
      // Devices choose their algorithms anew for every size.
      for (let size = 2; batch && model.batches && size <= batch.frames; size++) {
        await model.renderTogether(Array.from({ length: size }, () => motion));
      }
      return null;
    },
    async warmMotion({ motion: name }) {
      const { windowSamples, historyFrames } = find(catalog.motions, name, 'bad_model', 'motion model').manifest.motion;
      const predictor = await motion(name);
      const history = new Float32Array(historyFrames * MOTION_SIZE);
      await predictor.next(new Float32Array(windowSamples), history, new Float32Array(MOTION_SIZE));
      return null;
    },
    async warmReader() {
      const model = await reader(modelsDir);
      await model.read(new Uint8Array(3 * model.size ** 2));
      return null;
    },
    async encode(key) {
      const { model } = await named(key.voice);
      const { speech: _kept, ...told } = await chunks.get(key);
      return { ...told, hopSamples: model.hopSamples, windowFrames: model.windowFrames };
    },
    async decode({ first, end, ...key }) {
      const { model } = await named(key.voice);
      return model.decode((await chunks.get(key)).speech, first, end);
    },
    move: async ({ motion: name, pcm, history, noise }) => (await motion(name)).next(pcm, history, noise),
    render: async (request) => (await face(request.avatar)).render(request.motion),
    async batchingFace(avatar) {
      const model = await face(avatar);
      return model.batches ? model : null;
    },
    async read({ jpeg }) {
      const model = await reader(modelsDir);
      return model.read(decodeJpeg(jpeg, model.size));
    },
  };
};

const port = parentPort!;
const settings = workerData as WorkerSettings;
// Of the calling thread only, on Linux. Nobody needs a privilege to give way.
if (settings.yields) setPriority(NICENESS);
const handlers = readCatalog(settings.modelsDir, settings.voices).then((catalog) => createHandlers(catalog, settings));
// The first call reports it; until then it must not count as unhandled.
handlers.catch(() => undefined);
const waiting = new DeadlineQueue<Call>();
let busy = false;

const send = (message: FromWorker, transfer: readonly TransferListItem[] = []) => port.postMessage(message, transfer);

const fail = (id: number, cause: unknown) => {
  const { code, message } = asVisavisError(cause, 'inference_failed');
  send({ id, error: { code, message } });
};

/** Times what follows until the function that it gives is called, which shares the time among so many calls. */
const stopwatch = (): ((madeMs: number, together?: number) => Spent) => {
  const startMs = systemClock.nowMs();
  const before = readThreadUse();
  let after: ReturnType<typeof readThreadUse> | undefined;
  let endMs = 0;
  return (madeMs, together = 1) => {
    if (after === undefined) {
      after = readThreadUse();
      endMs = systemClock.nowMs();
    }
    const used = before && after;
    const runMs = (endMs - startMs) / together;
    return {
      waitedMs: Math.max(0, endMs - runMs - madeMs),
      runMs,
      cpuMs: used ? (used.cpuMs - before.cpuMs) / together : null,
      starvedMs: used ? (used.starvedMs - before.starvedMs) / together : null,
      ...(together > 1 ? { together } : {}),
    };
  };
};

const answer = async ({ id, operation, request, madeMs, dueMs, orNever }: Call): Promise<void> => {
  try {
    const handle = (await handlers)[operation] as (request: RequestOf<Operation>) => Promise<ReplyOf<Operation>>;
    const overdueMs = systemClock.nowMs() - dueMs;
    if (orNever && overdueMs > 0) return send({ id, overdueMs });
    const spent = stopwatch();
    const value = await handle(request);
    const transfer = ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer ? [value.buffer] : [];
    send({ id, value, spent: spent(madeMs) }, transfer);
  } catch (error) {
    fail(id, error);
  }
};

/** Draws frames of one face in one run; those whose time is over are not drawn. */
const answerTogether = async (face: FaceRenderer, calls: readonly RenderCall[]): Promise<void> => {
  const nowMs = systemClock.nowMs();
  const wanted = calls.filter(({ dueMs, orNever }) => !orNever || nowMs <= dueMs);
  for (const call of calls) if (!wanted.includes(call)) send({ id: call.id, overdueMs: nowMs - call.dueMs });
  if (wanted.length === 0) return;
  try {
    const spent = stopwatch();
    const frames = await face.renderTogether(wanted.map(({ request }) => request.motion));
    for (const [i, { id, madeMs }] of wanted.entries()) {
      const value = frames[i]!;
      send({ id, value, spent: spent(madeMs, wanted.length) }, [value.buffer]);
    }
  } catch (error) {
    for (const { id } of wanted) fail(id, error);
  }
};

const gatherer = (settings.batch?.frames ?? 1) > 1 ? new BatchGatherer(waiting, settings.batch!, systemClock) : null;

/** Answers a call, with others whose frames are drawn in the same run. */
const perform = async (call: Call): Promise<void> => {
  if (call.operation !== 'render' || !gatherer) return answer(call);
  const { avatar } = call.request;
  // What is wrong with the face is told by the call itself.
  const face = await handlers.then(({ batchingFace }) => batchingFace(avatar)).catch(() => null);
  if (!face) return answer(call);
  const alike = (other: Call): boolean => other.operation === 'render' && other.request.avatar === avatar;
  return answerTogether(face, (await gatherer.gather(call, alike)) as readonly RenderCall[]);
};

const drain = async (): Promise<void> => {
  if (busy) return;
  busy = true;
  for (let call = waiting.take(); call; call = waiting.take()) await perform(call);
  busy = false;
};

port.on('message', (message: ToWorker) => {
  // Messages arrive between runs, so this interrupts no native code.
  if ('exit' in message) process.exit();
  if ('cancel' in message) {
    const given = waiting.remove(message.cancel);
    if (given) fail(given.id, new Error('The call was given up before it began.'));
    return;
  }
  waiting.push(message);
  gatherer?.arrived();
  void drain();
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createRandom } from '../../src/models/random.ts';
import { EXPRESSION_NAMES } from '../../src/pipeline/motion-control.ts';
import { root } from '../support/models.ts';
import { usePageServer } from '../support/page-browser.ts';

/** In two sessions beside each other. */
const INTERRUPTIONS = 50;
const SESSIONS = 2;
const TEXT =
  'Nobody is going to wait for the end of this sentence because it goes on and on and will be stopped before it comes to an end ' +
  'as everyone who has ever talked with somebody knows that people do not wait for each other and so neither should machines.';
/** Root mean square of samples in -1…1 over 10 ms: a quiet room, and a voice. */
const SILENCE = 0.002;
const VOICE = 0.02;
/** No speaker pauses so long within a clause. */
const SILENT_BLOCKS = 80;
/** Three seconds: what a receiver held back at most on a machine with five programs a core. */
const MOST_LATE_BLOCKS = 300;
/** A start, a length and an end, each rounded. */
const ROUNDING_MS = 1.5;
/** Where the descriptor says how far the jaw is open, 0…1, and what is a mouth that rests. */
const JAW_OPEN = EXPRESSION_NAMES.indexOf('jawOpen');
const RESTING = 0.1;
/** The jaw has come to rest so many slots of 40 ms after it lost its sound. */
const CLOSING_SLOTS = 20;

/** Runs in the page: keeps what is heard, before any loudspeaker, what the server says, and how far it opens the jaw. */
const RECORDER = `
  window.heard = [];
  window.messages = [];
  window.jaw = [];
  viewer.onMessage = (data) => {
    if (typeof data === 'string') messages.push(JSON.parse(data));
    else jaw.push([new DataView(data).getUint32(8, true), new DataView(data).getFloat32(12 + 4 * ${JAW_OPEN}, true)]);
  };
  window.listen = async () => {
    const [track] = document.querySelector('video').srcObject.getAudioTracks();
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      heard.push(Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));
      value.close();
    }
  };`;

interface Word {
  readonly endMs: number;
  readonly charEnd: number;
}
type Message =
  | { readonly type: 'utterance.started'; readonly utterance: string; readonly startMs: number }
  | { readonly type: 'utterance.words'; readonly utterance: string; readonly words: readonly Word[] }
  | {
      readonly type: 'utterance.finished';
      readonly utterance: string;
      readonly spokenText: string;
      readonly durationMs: number;
    };
/** Media time of a slot in ms, and how far the jaw is open. */
type Jaw = readonly [number, number];

const real = usePageServer();

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A session that is seen and heard, and remembered. */
const openSession = async (seed: number) => {
  const { page } = await real.browser.page();
  await page.goto(`${real.program.url}/livez`);
  await page.setContent('<!doctype html><video autoplay playsinline muted></video>');
  await page.addScriptTag({ content: await readFile(join(root, 'bench/viewer.mjs'), 'utf8'), type: 'module' });
  await page.waitForFunction('window.viewer !== undefined');
  await page.evaluate(`{${RECORDER}}`);
  await page.evaluate(`viewer.open(${seed}, { motion: true })`);
  await page.evaluate('void listen()');
  return {
    start: (utterance: string) => page.evaluate(`viewer.start('${utterance}', ${JSON.stringify(TEXT)})`),
    interrupt: (utterance: string) => page.evaluate(`viewer.interrupt('${utterance}')`),
    /** Blocks of 10 ms since this was called last. */
    heard: () => page.evaluate<readonly number[]>('heard.splice(0)'),
    messages: () => page.evaluate<readonly Message[]>('messages.splice(0)'),
    jaw: () => page.evaluate<readonly Jaw[]>('jaw'),
  };
};

/** The prefix of the text whose last word had ended when the sound did, by the times that the words were told to have. */
const spokenBy = (messages: readonly Message[], untilMs: number): string => {
  const words = messages.flatMap((message) => (message.type === 'utterance.words' ? message.words : []));
  return TEXT.slice(0, Math.max(0, ...words.filter(({ endMs }) => endMs <= untilMs).map(({ charEnd }) => charEnd)));
};

/** Interrupts one utterance after another. @returns media times of the cuts, and how far the jaw was open all the time. */
const interruptAll = async (count: number, seed: number): Promise<{ cutsMs: number[]; jaw: readonly Jaw[] }> => {
  const random = createRandom(seed);
  const session = await openSession(seed);
  const cutsMs: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const utterance = `u${seed}-${i}`;
    await session.messages();
    await session.heard();
    await session.start(utterance);
    await expect.poll(async () => Math.max(0, ...(await session.heard())), { timeout: 20_000 }).toBeGreaterThan(VOICE);
    await wait(1000 * random.uniform());

    await session.interrupt(utterance);
    // What was heard until now was meant to be.
    await session.heard();
    const blocks: number[] = [];
    const silentBlocks = () => blocks.length - 1 - blocks.findLastIndex((block) => block >= SILENCE);
    await expect
      .poll(
        async () => {
          blocks.push(...(await session.heard()));
          return silentBlocks();
        },
        { timeout: 20_000, interval: 50 },
      )
      .toBeGreaterThan(SILENT_BLOCKS);

    // What was on its way when the server confirmed, and no more: the text would have gone on for ten seconds.
    expect(blocks.filter((block) => block >= SILENCE).length, utterance).toBeLessThan(MOST_LATE_BLOCKS);
    const messages = await session.messages();
    const started = messages.find((message) => message.type === 'utterance.started');
    const finished = messages.find((message) => message.type === 'utterance.finished');
    const cutMs = (started?.startMs ?? NaN) + (finished?.durationMs ?? NaN);
    expect(finished).toMatchObject({ utterance, reason: 'interrupted' });
    // Times are told in whole milliseconds: a word that ends just there may be in or out.
    const exactly = [cutMs - ROUNDING_MS, cutMs + ROUNDING_MS].map((untilMs) => spokenBy(messages, untilMs));
    expect(exactly, `cut at ${cutMs} ms`).toContain(finished?.spokenText);
    cutsMs.push(cutMs);
  }
  return { cutsMs, jaw: await session.jaw() };
};

it(`is silent after every one of ${INTERRUPTIONS} interruptions, tells exactly what was heard, and closes the mouth by moving it`, async () => {
  const all = await Promise.all(
    Array.from({ length: SESSIONS }, (_, i) => interruptAll(INTERRUPTIONS / SESSIONS, i + 1)),
  );

  for (const { cutsMs, jaw } of all) {
    const steps = jaw.slice(1).map(([atMs, open], i) => ({ atMs, step: Math.abs(open - (jaw[i]?.[1] ?? 0)) }));
    const isClosing = (atMs: number) => cutsMs.some((cutMs) => atMs >= cutMs && atMs < cutMs + 40 * CLOSING_SLOTS);
    const largest = (closing: boolean) =>
      Math.max(...steps.filter(({ atMs }) => isClosing(atMs) === closing).map(({ step }) => step));
    const openAt = cutsMs.map((cutMs) => jaw.findLast(([atMs]) => atMs < cutMs)?.[1] ?? 0);
    const restAt = cutsMs.map((cutMs) => jaw.find(([atMs]) => atMs >= cutMs + 40 * CLOSING_SLOTS)?.[1] ?? NaN);
    console.log(
      `jaw: open ${Math.max(...openAt).toFixed(2)} at most when cut, ${Math.max(...restAt).toFixed(2)} afterwards;` +
        ` largest step ${largest(false).toFixed(2)} in speech, ${largest(true).toFixed(2)} in closing`,
    );
    expect(Math.max(...openAt)).toBeGreaterThan(2 * RESTING);
    expect(restAt.every((open) => open < RESTING)).toBe(true);
    expect(largest(true)).toBeLessThanOrEqual(largest(false));
  }
}, 600_000);

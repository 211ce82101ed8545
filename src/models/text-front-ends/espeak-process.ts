/**
 * espeak-ng as a child process that lives as long as the voice: a line of text in, lines of phonemes out. It is a program of
 * its own (GPL), started when a voice needs it and it is installed; nothing of it is linked.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Clock } from '../../clock.ts';
import { VisavisError } from '../../errors.ts';

/** Sent after every text: its phonemes, learnt at the start, tell that all lines of the text have come. */
const SENTINEL = 'qxqxq';
/** espeak-ng reads lines into a buffer of 1000 bytes. */
const MAX_LINE_BYTES = 900;
/** A sentence takes about 10 ms. */
const TIMEOUT_MS = 10_000;
const MAX_ERROR_CHARACTERS = 500;

const HOW_TO_INSTALL =
  'Install it ("apt-get install espeak-ng", "dnf install espeak-ng", "brew install espeak-ng"), or choose a voice that reads letters.';

export interface EspeakOptions {
  /** A voice of espeak-ng, such as `en-us`. */
  readonly voice: string;
  readonly clock: Clock;
  /** The program. @default 'espeak-ng' */
  readonly command?: string;
}

/** Somebody who waits for the phonemes of a line. */
interface Waiting {
  readonly lines: string[];
  resolve(lines: readonly string[]): void;
  reject(error: unknown): void;
}

interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly waiting: Waiting[];
}

/** Cuts a text into lines that fit, at spaces. */
const linesOf = (text: string): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (Buffer.byteLength(longer) <= MAX_LINE_BYTES) line = longer;
    else {
      if (line !== '') lines.push(line);
      // A word longer than a line is no word: what does not fit is not spoken.
      line = Buffer.from(word)
        .subarray(0, MAX_LINE_BYTES)
        .toString('utf8')
        .replace(/\uFFFD+$/, '');
    }
  }
  return line === '' ? lines : [...lines, line];
};

/** A child process for one language. When it dies, what it was reading fails, and the next text starts it again. */
export class EspeakProcess {
  readonly #options: EspeakOptions;
  #running: Running | undefined;

  constructor(options: EspeakOptions) {
    this.#options = options;
  }

  /**
   * Phonemes of a text in IPA, words between spaces; '' for a text without any.
   * @throws {VisavisError} `bad_model` when espeak-ng is not installed or does not know the language; `inference_failed` when
   *   it ends or hangs while it reads
   */
  async phonemize(text: string): Promise<string> {
    // Control characters and brackets would be commands or cut the line.
    const clean = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}[\]()"“”«»<>{}|_]+/gu, ' ').trim();
    if (clean === '') return '';
    const found: string[] = [];
    for (const line of linesOf(clean)) found.push(...(await this.#ask(line)));
    // Words of other languages stand between flags such as "(en)"; U+200D ties two letters of one sound.
    return found
      .join(' ')
      .replaceAll(/\([^)]*\)/g, '')
      .replaceAll('\u200D', '')
      .replaceAll(/\s+/g, ' ')
      .trim();
  }

  #ask(line: string): Promise<readonly string[]> {
    const running = (this.#running ??= this.#start());
    return new Promise((resolve, reject) => {
      const { clock } = this.#options;
      const cancel = clock.at(clock.nowMs() + TIMEOUT_MS, () => running.child.kill('SIGKILL'));
      running.waiting.push({
        lines: [],
        resolve(lines) {
          cancel();
          resolve(lines);
        },
        reject(error) {
          cancel();
          reject(error);
        },
      });
      running.child.stdin.write(`${line}\n${SENTINEL}\n`);
    });
  }

  #start(): Running {
    const { voice, command = 'espeak-ng' } = this.#options;
    const child = spawn(command, ['-q', '--ipa', '-v', voice], { stdio: ['pipe', 'pipe', 'pipe'] });
    const running: Running = { child, waiting: [] };
    const { waiting } = running;
    let sentinel: string | undefined;
    let rest = '';
    let complaints = '';

    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.map((spoken) => spoken.trim())) {
        if (line === '') continue;
        if (sentinel === undefined) sentinel = line;
        else if (line !== sentinel) waiting[0]?.lines.push(line);
        else {
          const done = waiting.shift();
          done?.resolve(done.lines);
        }
      }
    });
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (chunk: string) => (complaints = (complaints + chunk).slice(0, MAX_ERROR_CHARACTERS)));
    const fail = (error: VisavisError) => {
      if (this.#running === running) this.#running = undefined;
      for (const lost of waiting.splice(0)) lost.reject(error);
    };
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT';
      fail(
        missing
          ? new VisavisError(
              'bad_model',
              `This voice reads with ${command}, which is not installed. ${HOW_TO_INSTALL}`,
              { cause },
            )
          : new VisavisError('inference_failed', `${command}: ${cause.message}`, { cause }),
      );
    });
    child.on('close', (code, signal) => {
      const unknownVoice = /voice does not exist/i.test(complaints);
      fail(
        unknownVoice
          ? new VisavisError(
              'bad_model',
              `${command} does not speak "${voice}"; "${command} --voices" lists what it speaks. Install a newer one, or correct the voice's file.`,
            )
          : new VisavisError(
              'inference_failed',
              `${command} ended while it read (${signal ?? code}). The next text starts it again. ${complaints.trim()}`.trim(),
            ),
      );
    });
    // Writing to a process that is gone is told by its end.
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${SENTINEL}\n`);
    return running;
  }

  /** Ends the process; the next text would start it again. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (!running || running.child.exitCode !== null) return;
    await new Promise<void>((resolve) => {
      running.child.once('close', () => resolve());
      running.child.stdin.end();
    });
  }
}

/**
 * Frames of Wyoming: a line of JSON, then `data_length` bytes of JSON, then `payload_length` bytes.
 *
 *   {"type": "audio-chunk", "data_length": 57, "payload_length": 2048}\n{"rate": 16000, …}<PCM>
 */
import { z } from 'zod';
import { VisavisError } from '../errors.ts';
import { readJson } from './core/read-json.ts';

const VERSION = '1.8.0';
const NEWLINE = 10;

export interface WyomingEvent {
  readonly type: string;
  readonly data: object;
  readonly payload?: Uint8Array;
}

const header = z.object({
  type: z.string(),
  data: z.record(z.string(), z.unknown()).nullish(),
  data_length: z.int().min(0).nullish(),
  payload_length: z.int().min(0).nullish(),
});

export const writeWyoming = ({ type, data, payload }: WyomingEvent): Uint8Array => {
  const text = Buffer.from(JSON.stringify(data));
  const lengths = { data_length: text.length, ...(payload ? { payload_length: payload.length } : {}) };
  const line = Buffer.from(`${JSON.stringify({ type, version: VERSION, ...lengths })}\n`);
  return Buffer.concat([line, text, payload ?? new Uint8Array(0)]);
};

/** Puts events together from bytes that come cut anywhere. */
export class WyomingReader {
  readonly #maxBytes: number;
  #bytes = Buffer.alloc(0);

  /** @param maxBytes - the longest event that is taken */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {VisavisError} `bad_message` for what is no frame, or one that is too long */
  push(bytes: Uint8Array): WyomingEvent[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const events: WyomingEvent[] = [];
    for (let event = this.#next(); event; event = this.#next()) events.push(event);
    return events;
  }

  #next(): WyomingEvent | null {
    const lineEnd = this.#bytes.indexOf(NEWLINE);
    if (lineEnd < 0) {
      this.#requireRoom(this.#bytes.length);
      return null;
    }
    const { type, data, data_length, payload_length } = readJson(header, this.#bytes.toString('utf8', 0, lineEnd));
    const dataEnd = lineEnd + 1 + (data_length ?? 0);
    const end = dataEnd + (payload_length ?? 0);
    this.#requireRoom(end);
    if (this.#bytes.length < end) return null;
    const more = data_length
      ? readJson(z.record(z.string(), z.unknown()), this.#bytes.toString('utf8', lineEnd + 1, dataEnd))
      : {};
    const payload = this.#bytes.subarray(dataEnd, end);
    this.#bytes = this.#bytes.subarray(end);
    return { type, data: { ...data, ...more }, payload };
  }

  #requireRoom(bytes: number): void {
    if (bytes <= this.#maxBytes) return;
    throw new VisavisError('bad_message', `an event may have ${this.#maxBytes} bytes, got ${bytes} or more`);
  }
}

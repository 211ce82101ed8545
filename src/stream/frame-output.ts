/** A session's media as binary frames of the WebSocket: numbers them, flags what opens and closes an utterance. */
import { MOTION_SIZE } from '../media.ts';
import type { PlacedMark } from '../pipeline/slot-composer.ts';
import { type BinaryFrame, FRAME_KIND, type FrameKind, encodeBinaryFrame } from './binary-frame.ts';
import type { MediaEvent } from './media/media-channel.ts';

/** Frames of one session. What is known of a slot before it is played is kept until then. */
export class FrameOutput {
  readonly #send: (frame: Uint8Array) => void;
  readonly #sequence: Record<FrameKind, number> = { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 };
  readonly #motions = new Map<number, Float32Array>();
  readonly #edges = new Map<number, { readonly first: boolean; readonly last: boolean }>();

  /** @param send - Takes a frame as bytes. */
  constructor(send: (frame: Uint8Array) => void) {
    this.#send = send;
  }

  /** Notes what a slot opens and closes. */
  composed(slot: number, marks: readonly PlacedMark[]): void {
    const first = marks.some(({ mark }) => mark.kind === 'start');
    const last = marks.some(({ mark }) => mark.kind === 'end');
    if (first || last) this.#edges.set(slot, { first, last });
  }

  /** Keeps a slot's descriptor, float32[59], until the slot is played. */
  moved(slot: number, descriptor: Float32Array): void {
    this.#motions.set(slot, descriptor);
  }

  /** Forgets slots that were taken back. */
  restart(fromSlot: number): void {
    for (const slot of this.#motions.keys()) if (slot >= fromSlot) this.#motions.delete(slot);
    for (const slot of this.#edges.keys()) if (slot >= fromSlot) this.#edges.delete(slot);
  }

  /** Sends the descriptor of a slot that is being played. */
  played(slot: number, mediaTimeMs: number): void {
    const descriptor = this.#motions.get(slot);
    this.#motions.delete(slot);
    if (!descriptor) return;
    const payload = new Uint8Array(MOTION_SIZE * 4);
    const view = new DataView(payload.buffer);
    for (const [i, value] of descriptor.entries()) view.setFloat32(4 * i, value, true);
    this.#frame(FRAME_KIND.motionOut, { mediaTimeMs, payload });
  }

  /** Sends a packet. Whether it was the last one of its slot's sound. */
  packet(packet: Extract<MediaEvent, { type: 'packet' }>): boolean {
    const { kind, sequence: slot, mediaTimeMs, keyFrame, opensSlot, payload } = packet;
    if (kind === 'video') {
      this.#frame(FRAME_KIND.videoOut, { mediaTimeMs, keyFrame, payload });
      return false;
    }
    const edges = this.#edges.get(slot);
    const first = edges?.first === true && opensSlot;
    const last = edges?.last === true && !opensSlot;
    this.#frame(FRAME_KIND.audioOut, { mediaTimeMs, first, last, payload });
    if (!opensSlot) this.#edges.delete(slot);
    return !opensSlot;
  }

  #frame(kind: FrameKind, frame: Omit<BinaryFrame, 'kind' | 'sequence'>): void {
    const sequence = this.#sequence[kind];
    this.#sequence[kind] = sequence + 1;
    this.#send(encodeBinaryFrame({ ...frame, kind, sequence }));
  }
}

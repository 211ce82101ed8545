/** How sound and picture come to a screen: one way of several. Times of the page are those of `performance.now()`. */

/** What the last second was like. */
export interface MediaFigures {
  readonly fps: number;
  readonly bitrateBps: number;
  /** How far the sound is ahead of the picture; negative: behind. null: not known. */
  readonly skewMs: number | null;
  /** From the arrival of sound until it is heard. */
  readonly audioDelayMs: number | null;
  /** Frames that came too late to be shown. */
  readonly framesDropped: number;
}

/** A frame that came onto the screen. */
export interface ShownFrame {
  readonly mediaMs: number;
  readonly atMs: number;
}

/** What a path tells its session. */
export interface PathListener {
  onFrame(frame: ShownFrame): void;
  /** No media comes this way. */
  onFailed(message: string): void;
}

export interface MediaPath {
  /** The media time that is heard at that moment; null before any is. */
  heardMs(atMs: number): number | null;
  /** Whether to be silent. */
  setHush(hushed: boolean): void;
  /** What was spoken has been stopped: nothing of it may be heard. */
  stopped(): void;
  /** Figures of the time since the last call; null at the first. */
  measure(): Promise<MediaFigures | null>;
  close(): void;
}

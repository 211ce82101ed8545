/** Weight of the newest time in the running mean and deviation, as in RFC 6298 §2 but quicker. */
const NEWEST = 0.2;
/** How many mean deviations above the mean are allowed for. */
const DEVIATIONS = 2;

/** How long drawing a frame takes, so that frames that cannot be ready in time are not begun. */
export class DrawingTime {
  #meanMs = 0;
  #deviationMs = 0;

  /** The usual time, in ms; 0 before the first. */
  get meanMs(): number {
    return this.#meanMs;
  }

  /** The time, in ms, within which nearly every frame is drawn; 0 before the first. */
  get expectedMs(): number {
    return this.#meanMs + DEVIATIONS * this.#deviationMs;
  }

  /** Notes that a frame took `ms`. */
  observe(ms: number): void {
    this.#deviationMs += NEWEST * (Math.abs(ms - this.#meanMs) - this.#deviationMs);
    this.#meanMs += NEWEST * (ms - this.#meanMs);
  }

  /** Notes that a frame was not begun: expectations fall, so that it is tried again. */
  relax(): void {
    this.#meanMs *= 1 - NEWEST;
    this.#deviationMs *= 1 - NEWEST;
  }
}

/** The loudspeaker: plays pieces of sound at exact times on the clock of the audio device. */

/** Rate at which all sound is played here; Opus decodes to it. */
export const OUTPUT_RATE_HZ = 48_000;
/** How long turning up and down takes: no click, and not heard as a fade. */
const FADE_S = 0.01;

export class SoundOutput {
  readonly #context = new AudioContext({ sampleRate: OUTPUT_RATE_HZ, latencyHint: 'interactive' });
  readonly #gain: GainNode;
  readonly #playing = new Set<AudioBufferSourceNode>();
  #hushed = false;
  #muted = false;
  #onClockChange: () => void = () => undefined;

  constructor() {
    this.#gain = this.#context.createGain();
    this.#gain.connect(this.#context.destination);
    this.#context.addEventListener('statechange', () => {
      this.stop();
      this.#onClockChange();
    });
  }

  /** Whether the browser lets sound be heard: it may ask for a click or key first. */
  get isRunning(): boolean {
    return this.#context.state === 'running';
  }

  /** The clock that `play` takes: the audio device's, or that of the page while there is no sound. */
  get nowMs(): number {
    return this.isRunning ? this.#context.currentTime * 1000 : performance.now();
  }

  /** What is heard at `atMs` (`performance.now()` time), on the clock of `play`. */
  heardAt(atMs: number): number {
    if (!this.isRunning) return atMs;
    const { contextTime = 0, performanceTime = 0 } = this.#context.getOutputTimestamp();
    // Zero until the device has played something.
    if (performanceTime === 0) return (this.#context.currentTime - this.#context.baseLatency) * 1000;
    return contextTime * 1000 + atMs - performanceTime;
  }

  /** Told when the clock is another one: what was timed by the old one is to be timed anew. */
  set onClockChange(listener: () => void) {
    this.#onClockChange = listener;
  }

  /** Silences what is played, whatever else is set. */
  set hushed(hushed: boolean) {
    if (hushed === this.#hushed) return;
    this.#hushed = hushed;
    this.#turn();
  }

  set muted(muted: boolean) {
    this.#muted = muted;
    this.#turn();
  }

  /** Asks the browser to let sound be heard. Call it from a click or key. */
  resume(): void {
    // Pends until there was a click; fails when it was closed meanwhile. The state tells.
    this.#context.resume().catch(() => undefined);
  }

  /** Plays samples (float32, mono) at that time; nothing while there is no sound. */
  play(samples: Float32Array<ArrayBuffer>, atMs: number): void {
    if (!this.isRunning || samples.length === 0) return;
    const buffer = this.#context.createBuffer(1, samples.length, OUTPUT_RATE_HZ);
    buffer.copyToChannel(samples, 0);
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#gain);
    source.addEventListener('ended', () => this.#playing.delete(source));
    this.#playing.add(source);
    // On whole samples, so that pieces join without interpolation.
    source.start(Math.round((atMs * OUTPUT_RATE_HZ) / 1000) / OUTPUT_RATE_HZ);
  }

  /** Nothing of what waits is heard. */
  stop(): void {
    for (const source of this.#playing) source.stop();
    this.#playing.clear();
  }

  /** Nothing will be played for a while. */
  rest(): void {
    this.#onClockChange = () => undefined;
    this.stop();
    // Fails only when the page is being left.
    this.#context.suspend().catch(() => undefined);
  }

  #turn(): void {
    const level = this.#hushed || this.#muted ? 0 : 1;
    this.#gain.gain.setTargetAtTime(level, this.#context.currentTime, FADE_S / 3);
  }
}

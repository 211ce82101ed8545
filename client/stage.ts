/** The picture: a portrait until the first frame has come, then the live video; and the switch of its sound. */

/** What the stage is made of. */
export interface StageElements {
  readonly stage: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly poster: HTMLImageElement;
  readonly glow: HTMLImageElement;
  readonly sound: HTMLButtonElement;
  readonly soundLabel: HTMLElement;
}

/** A video frame came onto the screen. */
export type FrameListener = (frame: VideoFrameCallbackMetadata) => void;

export class Stage {
  readonly #elements: StageElements;
  readonly #onFrame: FrameListener;
  /** What the person at the screen chose; a browser may still block sound until the first click. */
  #soundWanted = true;

  constructor(elements: StageElements, onFrame: FrameListener) {
    this.#elements = elements;
    this.#onFrame = onFrame;
    const { sound, video } = elements;
    sound.addEventListener('click', () => {
      this.#soundWanted = video.muted;
      this.#play();
    });
    video.addEventListener('volumechange', () => this.#showSound());
    this.#watch();
    this.#showSound();
  }

  /** Shows the still portrait of an avatar, until live frames come. */
  setPortrait(address: string, description: string): void {
    const { poster, glow } = this.#elements;
    poster.src = address;
    glow.src = address;
    poster.alt = description;
  }

  /** Plays a session's sound and picture. */
  show(media: MediaStream): void {
    this.#elements.video.srcObject = media;
    this.#play();
  }

  /** The session is gone: its last frame stays, dimmed. */
  leave(): void {
    const { stage } = this.#elements;
    if (stage.dataset['state'] === 'live') stage.dataset['state'] = 'away';
  }

  /** Lets the sound be heard, if the person has not switched it off. Call it from a click or key: browsers ask for one. */
  unmute(): void {
    if (this.#soundWanted && this.#elements.video.muted) this.#play();
  }

  /** Silences what is being played, whatever the person chose, for as long as `hushed` is set. */
  set hushed(hushed: boolean) {
    this.#elements.video.volume = hushed ? 0 : 1;
  }

  #play(): void {
    const { video } = this.#elements;
    video.muted = !this.#soundWanted;
    video.play().catch((error: unknown) => {
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
      video.muted = true;
      // Muted play is always allowed; it fails only when the stream is replaced meanwhile, which plays anew.
      video.play().catch(() => undefined);
    });
  }

  #watch(): void {
    const { video, stage } = this.#elements;
    video.requestVideoFrameCallback((_nowMs, frame) => {
      stage.dataset['state'] = 'live';
      this.#onFrame(frame);
      this.#watch();
    });
  }

  #showSound(): void {
    const { sound, soundLabel, video } = this.#elements;
    sound.toggleAttribute('data-on', !video.muted);
    sound.toggleAttribute('data-call', video.muted && this.#soundWanted);
    soundLabel.textContent = video.muted ? 'Turn sound on' : 'Turn sound off';
  }
}

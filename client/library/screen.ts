/** Where a session is seen and heard: a video element for WebRTC, a canvas for media over the WebSocket, and one switch of sound. */
import { Emitter } from './emitter.ts';
import { SoundOutput } from './sound-output.ts';

export interface ScreenEvents {
  /** A frame of the video element came onto the screen. */
  readonly videoframe: VideoFrameCallbackMetadata | null;
  /** Sound was switched, or the browser has blocked it or let it be. */
  readonly sound: Screen;
}

/** Adds its elements to `root`. It is there once, for all the sessions that come and go. */
export class Screen extends Emitter<ScreenEvents> {
  readonly video: HTMLVideoElement;
  readonly canvas: HTMLCanvasElement;
  #wanted = true;
  /** Where pictures come from now. */
  #source: 'video' | 'canvas' = 'video';
  /** Of the canvas. Kept: browsers that have let it be heard once do so again. */
  #output: SoundOutput | null = null;

  constructor(root: Node) {
    super();
    this.video = document.createElement('video');
    this.canvas = document.createElement('canvas');
    Object.assign(this.video, { autoplay: true, playsInline: true, disablePictureInPicture: true });
    this.canvas.hidden = true;
    root.appendChild(this.video);
    root.appendChild(this.canvas);
    this.video.addEventListener('volumechange', () => this.emit('sound', this));
    this.#watch();
  }

  /** Whether sound is to be heard, as far as the person is concerned. */
  get sound(): boolean {
    return this.#wanted;
  }

  set sound(on: boolean) {
    this.#wanted = on;
    this.#play();
  }

  /** Whether the browser keeps the sound from being heard until there is a click or key. */
  get isBlocked(): boolean {
    return this.#wanted && (this.#source === 'video' ? this.video.muted : !this.#output?.isRunning);
  }

  /** Lets the sound be heard if the browser has blocked it. Call it from a click or key. */
  unblock(): void {
    if (this.isBlocked) this.#play();
  }

  /** Plays a stream in the video element, which keeps sound and picture in sync. */
  showStream(stream: MediaStream): void {
    this.#source = 'video';
    this.video.srcObject = stream;
    // A canvas that was shown lies over it until its first frame.
    this.video.hidden = false;
    this.#play();
  }

  /** Shows the canvas. @returns where its sound comes out. */
  showCanvas(): SoundOutput {
    this.#source = 'canvas';
    this.#output ??= new SoundOutput();
    this.video.srcObject = null;
    this.video.hidden = true;
    this.canvas.hidden = false;
    this.#play();
    return this.#output;
  }

  /** Tells that the state of the output has changed. */
  soundChanged(): void {
    this.emit('sound', this);
  }

  #play(): void {
    if (this.#output && this.#source === 'canvas') {
      this.#output.muted = !this.#wanted;
      if (this.#wanted) this.#output.resume();
      this.emit('sound', this);
      return;
    }
    const { video } = this;
    video.muted = !this.#wanted;
    if (!video.srcObject) return;
    video.play().catch((error: unknown) => {
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
      video.muted = true;
      // Muted play is always allowed; it fails only when the stream is replaced meanwhile, which plays anew.
      video.play().catch(() => undefined);
    });
  }

  #watch(): void {
    const { video } = this;
    if (!('requestVideoFrameCallback' in video)) {
      // No times are known then, only that there is a picture.
      (video as HTMLVideoElement).addEventListener('playing', () => this.#saw(null));
      return;
    }
    video.requestVideoFrameCallback((_nowMs, frame) => {
      this.#saw(frame);
      this.#watch();
    });
  }

  #saw(frame: VideoFrameCallbackMetadata | null): void {
    if (this.#source === 'video') this.canvas.hidden = true;
    this.emit('videoframe', frame);
  }
}

/** Takes pictures of a face out of a video, as the server reads them. */

/** Good enough to read a face; some 10 kB at 256 pixels. */
const QUALITY = 0.85;

export interface CameraRun {
  readonly picturesPerSecond: number;
  /** Pixels a side that the server takes now; null: it takes none, and none is made. */
  readonly size: () => number | null;
  /** Takes a JPEG; null: it was the last. */
  readonly send: (jpeg: Uint8Array | null) => void;
  readonly signal: AbortSignal;
}

export class Camera {
  readonly #stream: MediaStream;
  readonly #track: MediaStreamTrack;

  /** @throws {TypeError} when the stream has no picture */
  constructor(stream: MediaStream) {
    const [track] = stream.getVideoTracks();
    if (!track) throw new TypeError('expected a stream with a video track, got none: ask getUserMedia for video');
    this.#stream = stream;
    this.#track = track;
  }

  /** Takes pictures until the signal aborts or the track ends. */
  async run({ picturesPerSecond, size, send, signal }: CameraRun): Promise<void> {
    const video = document.createElement('video');
    const canvas = document.createElement('canvas');
    video.muted = true;
    video.playsInline = true;
    video.srcObject = this.#stream;
    let isBusy = false;
    const take = async () => {
      const side = size();
      const square = Math.min(video.videoWidth, video.videoHeight);
      // One at a time: where pictures are made slowly, fewer are.
      if (isBusy || side === null || square === 0) return;
      isBusy = true;
      canvas.width = canvas.height = side;
      const [left, top] = [(video.videoWidth - square) / 2, (video.videoHeight - square) / 2];
      canvas.getContext('2d')?.drawImage(video, left, top, square, square, 0, 0, side, side);
      const blob = await new Promise<Blob | null>((resolve) => {
        canvas.toBlob(resolve, 'image/jpeg', QUALITY);
      });
      const jpeg = blob && new Uint8Array(await blob.arrayBuffer());
      isBusy = false;
      if (jpeg && !signal.aborted) send(jpeg);
    };
    let timer: ReturnType<typeof setInterval> | undefined;
    try {
      // A video that is let go before it plays says so; the signal has told.
      await video.play().catch(() => undefined);
      await new Promise<void>((resolve) => {
        if (signal.aborted || this.#track.readyState === 'ended') resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
        this.#track.addEventListener('ended', () => resolve(), { once: true });
        timer = setInterval(() => {
          // Whoever stops a track by hand is not told by an event.
          if (this.#track.readyState === 'ended') resolve();
          else void take();
        }, 1000 / picturesPerSecond);
      });
    } finally {
      clearInterval(timer);
      video.srcObject = null;
      send(null);
    }
  }
}

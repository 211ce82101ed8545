/** The person's own camera, whose face the avatar imitates: a switch, a mirror with an outline to bring the face into, and what went wrong. */
import type { Session } from '../library/session.ts';
import type { Texts } from './texts/en.ts';

/** What the panel is made of. */
export interface CameraElements {
  readonly panel: HTMLElement;
  readonly note: HTMLElement;
  readonly mirror: HTMLElement;
  readonly view: HTMLVideoElement;
  readonly place: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly problem: HTMLElement;
}

/** Why there is no picture, in the page's words. */
export const cameraProblem = (error: unknown, texts: Texts): string => {
  if (!(error instanceof DOMException)) return texts.cameraBroken(String(error));
  if (error.name === 'NotAllowedError') return texts.cameraRefused;
  if (error.name === 'NotFoundError' || error.name === 'OverconstrainedError') return texts.cameraMissing;
  return texts.cameraBroken(error.message || error.name);
};

export class CameraPanel {
  readonly #elements: CameraElements;
  readonly #session: Session;
  #texts: Texts;
  /** null: the camera is off. */
  #running: AbortController | null = null;
  /** Written anew when the language changes. */
  #problem: ((texts: Texts) => string) | null = null;

  constructor(elements: CameraElements, session: Session, texts: Texts) {
    this.#elements = elements;
    this.#session = session;
    this.#texts = texts;
    elements.button.addEventListener('click', () => {
      if (this.#running) this.stop();
      else void this.#start();
    });
    session.on('session.opened', () => this.#show());
    this.#show();
  }

  set texts(texts: Texts) {
    this.#texts = texts;
    this.#show();
  }

  /** Switches the camera off; the avatar goes back to its own movement. */
  stop(): void {
    this.#running?.abort();
  }

  async #start(): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    this.#problem = null;
    this.#show();
    let stream: MediaStream | null = null;
    try {
      stream = await openCamera();
      if (stream === null) this.#problem = (texts) => texts.cameraInsecure;
      else if (!running.signal.aborted) await this.#imitate(stream, running.signal);
    } catch (error) {
      if (!running.signal.aborted) this.#problem = (texts) => cameraProblem(error, texts);
    } finally {
      // The camera's light goes out with its tracks.
      for (const track of stream?.getTracks() ?? []) track.stop();
      this.#elements.view.srcObject = null;
      this.#running = null;
      this.#show();
    }
  }

  async #imitate(stream: MediaStream, signal: AbortSignal): Promise<void> {
    const { view, mirror, place } = this.#elements;
    view.srcObject = stream;
    mirror.hidden = place.hidden = false;
    // It plays when it can; imitating does not wait for it.
    view.play().catch(() => undefined);
    await this.#session.imitate(stream, { signal });
  }

  #show(): void {
    const { panel, note, mirror, place, button, problem } = this.#elements;
    const texts = this.#texts;
    const { imitation } = this.#session.opened ?? {};
    const isOn = this.#running !== null;
    panel.hidden = !imitation && !isOn;
    const names = new Intl.ListFormat(document.documentElement.lang).format(imitation?.avatars ?? []);
    note.textContent = imitation ? texts.cameraNote(names) : '';
    if (!isOn) mirror.hidden = place.hidden = true;
    button.dataset['text'] = isOn ? 'cameraStop' : 'cameraStart';
    button.textContent = isOn ? texts.cameraStop : texts.cameraStart;
    problem.hidden = this.#problem === null;
    problem.textContent = this.#problem?.(texts) ?? '';
  }
}

/** The camera on the person's side; null: the page may have none. */
const openCamera = async (): Promise<MediaStream | null> => {
  // Missing where the page did not come by https, whatever the types say.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices) return null;
  const video = { facingMode: 'user', width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25 } };
  return devices.getUserMedia({ video, audio: false });
};

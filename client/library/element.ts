/**
 * `<visavis-avatar>`: a talking person as an element. Importing this module defines it.
 *
 *   <visavis-avatar server="http://127.0.0.1:8080" avatar="alex"></visavis-avatar>
 *   document.querySelector('visavis-avatar').say('Hello!')
 *
 * Attributes: `server` (default: the page's own), `api-key`, `voice`, `avatar`, `speed`, `transport` (`auto`, `webrtc`, `websocket`),
 * `muted`.
 * It sets `state` to `waiting` (a still portrait), `live` or `away` (the connection is lost). What it is given as children lies over
 * the picture. Every event of `SessionEvents` is dispatched as a `CustomEvent` of that name; besides these `soundchange`.
 */
import { Screen } from './screen.ts';
import { Session } from './session.ts';
import type { SessionEvents, Speech, Transport } from './session-types.ts';

const STYLE = `
  :host { display: block; position: relative; overflow: hidden; aspect-ratio: 1; }
  [hidden] { display: none !important; }
  video, canvas, img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; }
  img { transition: opacity 0.4s; }
  :host([state='live']) img, img:not([src]) { opacity: 0; }
  :host([state='away']) img { filter: saturate(0.25) brightness(0.6); }
`;

/** Names of all the session's events, in one place for the compiler to check. */
const EVENTS: { readonly [Name in keyof SessionEvents]: true } = {
  'session.opened': true,
  'utterance.started': true,
  'utterance.words': true,
  'utterance.finished': true,
  'utterance.resumed': true,
  'chat.started': true,
  'chat.delta': true,
  'chat.finished': true,
  stats: true,
  error: true,
  state: true,
  transport: true,
  frame: true,
  figures: true,
  sound: true,
  picture: true,
  motion: true,
};

/** Types of the events that the element dispatches. */
export type AvatarEventMap = {
  readonly [Name in keyof SessionEvents]: CustomEvent<SessionEvents[Name]>;
} & { readonly soundchange: CustomEvent<null> };

const isTransport = (value: string | null): value is Transport => value === 'webrtc' || value === 'websocket';

export class VisavisAvatarElement extends HTMLElement {
  static readonly observedAttributes = ['voice', 'avatar', 'speed', 'muted', 'server', 'transport', 'api-key'];

  readonly #screen: Screen;
  readonly #portrait = new Image();
  #session: Session | null = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.#screen = new Screen(root);
    this.#screen.video.part.add('picture');
    this.#screen.canvas.part.add('picture');
    this.#portrait.part.add('portrait');
    this.#portrait.alt = '';
    root.append(this.#portrait, document.createElement('slot'));
    this.#screen.on('sound', () => this.#dispatch('soundchange', null));
    this.#screen.on('videoframe', () => this.#live());
  }

  /** The session, from the moment that the element is in a document; null outside one, and after `close`. */
  get session(): Session | null {
    return this.#session;
  }

  /** Whether the person wants no sound. */
  get muted(): boolean {
    return !this.#screen.sound;
  }

  set muted(muted: boolean) {
    this.#screen.sound = !muted;
  }

  /** Whether the browser keeps the sound back until there is a click or key. */
  get soundBlocked(): boolean {
    return this.#screen.isBlocked;
  }

  /** Lets sound be heard that the browser has blocked. Call it from a click or key; `say` does so too. */
  unblockSound(): void {
    this.#screen.unblock();
  }

  /** See `Session.say`. @throws {TypeError} when the element is in no document. */
  say(text: string | AsyncIterable<string>, options?: Parameters<Session['say']>[1]): Speech {
    this.unblockSound();
    return this.#present.say(text, options);
  }

  /** See `Session.interrupt`. */
  interrupt(utterance?: string): void {
    this.#session?.interrupt(utterance);
  }

  /** See `Session.imitate`. @throws {TypeError} when the element is in no document. */
  imitate(...given: Parameters<Session['imitate']>): Promise<void> {
    return this.#present.imitate(...given);
  }

  /** Opens a session with the attributes as they are; a present one is closed. Called when the element comes into a document. */
  connect(): Session {
    this.close();
    const server = this.getAttribute('server') ?? location.href;
    const [voice, avatar, speed, transport, key] = ['voice', 'avatar', 'speed', 'transport', 'api-key'].map((name) =>
      this.getAttribute(name),
    );
    const session = new Session({
      url: new URL(server, location.href),
      screen: this.#screen,
      transport: isTransport(transport ?? null) ? (transport as Transport) : 'auto',
      ...(key ? { key } : {}),
      ...(voice ? { voice } : {}),
      ...(avatar ? { avatar } : {}),
      ...(speed ? { speed: Number(speed) } : {}),
    });
    this.#session = session;
    if (this.getAttribute('state') !== 'live') this.setAttribute('state', 'waiting');
    for (const name of Object.keys(EVENTS) as (keyof SessionEvents)[]) {
      session.on(name, (event) => this.#dispatch(name, event));
    }
    session.on('frame', () => this.#live());
    session.on('session.opened', (opened) => this.#showPortrait(opened.avatar));
    let changesWay = false;
    session.on('transport', () => {
      changesWay = true;
    });
    session.on('state', ({ name }) => {
      // The last picture stays for the moment that a change of way takes.
      const isAway = name !== 'open' && !(name === 'connecting' && changesWay);
      if (isAway && this.getAttribute('state') === 'live') this.setAttribute('state', 'away');
      if (name === 'open') changesWay = false;
    });
    if (avatar) this.#showPortrait(avatar);
    return session;
  }

  /** Ends the session. */
  close(): void {
    this.#session?.close();
    this.#session = null;
  }

  /** As every element's, with the types of this one's events. */
  override addEventListener<Name extends keyof AvatarEventMap>(
    type: Name,
    listener: (event: AvatarEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener, options);
  }

  connectedCallback(): void {
    if (this.hasAttribute('muted')) this.muted = true;
    this.connect();
  }

  disconnectedCallback(): void {
    this.close();
  }

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (before === value || !this.#session) return;
    if (name === 'muted') this.muted = value !== null;
    else if (name === 'voice' && value) this.#session.setVoice(value);
    else if (name === 'avatar' && value) this.#session.setAvatar(value);
    else if (name === 'api-key' && value) this.#session.setKey(value);
    else if (name === 'speed' && value) this.#session.setSpeed(Number(value));
    else this.connect();
  }

  get #present(): Session {
    if (!this.#session)
      throw new TypeError('expected <visavis-avatar> in a document, got one outside: append it first');
    return this.#session;
  }

  #live(): void {
    if (this.#session?.state.name === 'open' && this.getAttribute('state') !== 'live')
      this.setAttribute('state', 'live');
  }

  #showPortrait(avatar: string): void {
    const server = this.getAttribute('server') ?? location.href;
    const key = this.getAttribute('api-key');
    const address = new URL(`/v1/avatars/${encodeURIComponent(avatar)}/portrait.png`, new URL(server, location.href));
    // Pictures send no headers.
    if (key) address.searchParams.set('key', key);
    if (this.#portrait.src !== address.href) this.#portrait.src = address.href;
  }

  #dispatch(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'visavis-avatar': VisavisAvatarElement;
  }
}

if (!customElements.get('visavis-avatar')) customElements.define('visavis-avatar', VisavisAvatarElement);

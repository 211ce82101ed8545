/** The demo page: joins its parts to the avatar's element, which looks after its session. */
import '../library/element.ts';
import { VisavisAvatarElement } from '../library/element.ts';
import type { SessionError } from '../library/errors.ts';
import type { Session } from '../library/session.ts';
import { CameraPanel } from './camera-panel.ts';
import { CaptionView } from './captions.ts';
import { createComposer } from './composer.ts';
import { ConversationView } from './conversation.ts';
import { explain, explainCode } from './explain.ts';
import { createFacePanel } from './face-panel.ts';
import { LANGUAGES, PageLanguage } from './language.ts';
import { createKeyForm } from './key-form.ts';
import { readList, type Listed } from './server-info.ts';
import { readKey } from './server-key.ts';
import { Stage } from './stage.ts';
import { StatsPanel } from './stats-panel.ts';
import { Talk } from './talk.ts';
import type { Texts } from './texts/en.ts';
import { forgetWish, forgetWishes, keepWish, readWishes } from './wishes.ts';

const NOTICE_MS = 8000;
/** Codes that no second attempt with the same wishes can cure. */
const UNKNOWN = new Set(['unknown_voice', 'unknown_avatar']);

const byId = <T extends HTMLElement>(id: string, type: new () => T): T => {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} "${id}".`);
  return found;
};

const avatar = byId('person', VisavisAvatarElement);
const status = byId('status', HTMLElement);
const notice = byId('notice', HTMLElement);
const captionText = byId('caption-text', HTMLElement);
const provenance = byId('provenance', HTMLElement);
const languageSelect = byId('language', HTMLSelectElement);
const voiceSelect = byId('voice', HTMLSelectElement);
const avatarSelect = byId('avatar', HTMLSelectElement);
const speedSlider = byId('speed', HTMLInputElement);
const speedValue = byId('speed-value', HTMLOutputElement);
const text = byId('text', HTMLTextAreaElement);
const transport = byId('transport', HTMLElement);
const picture = byId('picture', HTMLElement);
/** How much of the picture a busy server makes, as `stats` says it. */
const PICTURES = {
  none: 'pictureWhole',
  'fewer-frames': 'pictureFewerFrames',
  smaller: 'pictureSmaller',
  'mouth-only': 'pictureMouthOnly',
  still: 'pictureStill',
} as const;
const clear = byId('clear', HTMLButtonElement);
const textLabel = byId('text-label', HTMLElement);

const language = new PageLanguage();
const caption = new CaptionView(byId('caption', HTMLElement));
const conversation = new ConversationView(byId('conversation', HTMLElement), language.texts);
const panel = new StatsPanel(byId('stats', HTMLElement));
let voices: readonly Listed[] = [];

// Before the element opens its session, at the end of this script.
for (const [name, value] of Object.entries(readWishes())) avatar.setAttribute(name, value);
const givenKey = readKey();
if (givenKey !== null) avatar.setAttribute('api-key', givenKey);

const session: Session = avatar.connect();
const talk = new Talk(session, (sign, value) =>
  panel.add(sign === 'sound' ? 'textToSound' : 'textToFace', { atMs: performance.now(), value }),
);
const stage = new Stage(
  {
    stage: byId('stage', HTMLElement),
    avatar,
    glow: byId('glow', HTMLImageElement),
    sound: byId('sound', HTMLButtonElement),
    soundLabel: byId('sound-label', HTMLElement),
  },
  language.texts,
);

type Status = 'connecting' | 'ready' | 'thinking' | 'speaking' | 'reconnecting';
let present: Status = 'connecting';
const showStatus = (next: Status): void => {
  present = next;
  const words = language.texts[next];
  if (status.textContent !== words) status.textContent = words;
  status.dataset['state'] = next;
};

/** A notice is written anew when the language changes. */
let noticeOf: ((texts: Texts) => string) | null = null;
let noticeTimer: ReturnType<typeof setTimeout> | undefined;
const setNotice = (words: ((texts: Texts) => string) | null, forMs = Infinity): void => {
  clearTimeout(noticeTimer);
  noticeOf = words;
  notice.hidden = words === null;
  notice.textContent = words?.(language.texts) ?? null;
  if (forMs < Infinity) noticeTimer = setTimeout(() => setNotice(null), forMs);
};

/** Lets the avatar do something; sending is the gesture that lets a browser play sound. */
const speak = (act: () => void): boolean => {
  avatar.unblockSound();
  const isOpen = session.state.name === 'open';
  if (isOpen) act();
  else setNotice((texts) => texts.notConnected, NOTICE_MS);
  return isOpen;
};

/** Whether a language model answers, so that the page is a conversation. */
const converses = (): boolean => session.opened?.chat !== undefined;
const showMode = (): void => {
  const mode = converses() ? 'chat' : 'speech';
  document.body.dataset['mode'] = mode;
  textLabel.dataset['text'] = mode === 'chat' ? 'chatLabel' : 'textLabel';
  if (mode === 'chat') byId('live', HTMLInputElement).checked = false;
  language.write(document);
};

const composer = createComposer(
  {
    form: byId('composer', HTMLFormElement),
    text,
    live: byId('live', HTMLInputElement),
    stop: byId('stop', HTMLButtonElement),
    chips: byId('chips', HTMLElement),
  },
  {
    say: (words) => speak(() => (converses() ? talk.chat(words) : talk.say(words))),
    append: (words) => speak(() => talk.append(words)),
    end: () => talk.end(),
    stop: () => talk.stop(),
  },
);

createFacePanel(
  {
    gestures: byId('gestures', HTMLElement),
    sliders: byId('face-sliders', HTMLElement),
    rest: byId('face-rest', HTMLButtonElement),
  },
  (wish) => {
    if (session.state.name === 'open') session.setMotion(wish);
  },
);

const camera = new CameraPanel(
  {
    panel: byId('camera', HTMLElement),
    note: byId('camera-note', HTMLElement),
    mirror: byId('camera-mirror', HTMLElement),
    view: byId('camera-view', HTMLVideoElement),
    place: byId('camera-place', HTMLElement),
    button: byId('camera-switch', HTMLButtonElement),
    problem: byId('camera-problem', HTMLElement),
  },
  session,
  language.texts,
);

/** Once a screen refresh: which word is heard now. */
const follow = (): void => {
  requestAnimationFrame(follow);
  const shown = talk.captionAt(performance.now());
  if (shown) caption.draw(shown);
  if (session.state.name !== 'open') return;
  if (!session.busy) showStatus('ready');
  else showStatus(shown && session.textOf(shown.utterance) ? 'speaking' : 'thinking');
};

const fillSelect = (select: HTMLSelectElement, items: readonly Listed[], chosen: string): void => {
  const options = items.map(({ name, language: tag, description = '' }) => {
    const spoken = tag ? new Intl.DisplayNames(language.tag, { type: 'language', style: 'short' }).of(tag) : undefined;
    return Object.assign(new Option(spoken ? `${name} · ${spoken}` : name, name), { title: description });
  });
  select.replaceChildren(...options);
  select.value = chosen;
};

const keyForm = createKeyForm(byId('key-form', HTMLFormElement), byId('key', HTMLInputElement), (key) => {
  setNotice(null);
  avatar.setAttribute('api-key', key);
});

let avatars: readonly Listed[] = [];
/** What was chosen since the session was opened. */
const chosenSince = (attribute: string, listed: readonly Listed[]): string | undefined =>
  listed.find(({ name }) => name === avatar.getAttribute(attribute))?.name;
const showLists = (): void => {
  const { voice = voiceSelect.value, avatar: face = avatarSelect.value } = session.opened ?? {};
  fillSelect(voiceSelect, voices, chosenSince('voice', voices) ?? voice);
  fillSelect(avatarSelect, avatars, chosenSince('avatar', avatars) ?? face);
  showPlaceholder();
};
const showPlaceholder = (): void => {
  if (converses()) {
    text.placeholder = language.texts.chatPlaceholder;
    return;
  }
  const spoken = voices.find(({ name }) => name === voiceSelect.value)?.language;
  text.placeholder = language.texts.textPlaceholder(spoken ? language.nameOf(spoken) : null);
};

const showLanguage = (): void => {
  language.write(document);
  languageSelect.value = language.tag;
  stage.texts = language.texts;
  conversation.texts = language.texts;
  camera.texts = language.texts;
  showStatus(present);
  if (noticeOf) notice.textContent = noticeOf(language.texts);
  showLists();
};

/** A face brings its voice; another one can be chosen for it then. */
const useOwnVoice = (): void => {
  const own = avatars.find(({ name }) => name === avatarSelect.value)?.voice;
  if (own === undefined || !voices.some(({ name }) => name === own)) return;
  forgetWish('voice');
  voiceSelect.value = own;
  avatar.setAttribute('voice', own);
  showPlaceholder();
};

voiceSelect.addEventListener('change', () => {
  keepWish('voice', voiceSelect.value);
  avatar.setAttribute('voice', voiceSelect.value);
  showPlaceholder();
});
avatarSelect.addEventListener('change', () => {
  keepWish('avatar', avatarSelect.value);
  avatar.setAttribute('avatar', avatarSelect.value);
  stage.setPortrait(avatarSelect.value);
  useOwnVoice();
});
speedSlider.addEventListener('input', () => {
  speedValue.textContent = `${Number(speedSlider.value).toFixed(1)}×`;
});
speedSlider.addEventListener('change', () => avatar.setAttribute('speed', speedSlider.value));
languageSelect.addEventListener('change', () => {
  language.choose(languageSelect.value);
  showLanguage();
});

const readLists = async (): Promise<void> => {
  [voices, avatars] = await Promise.all([readList('voices'), readList('avatars')]);
  showLists();
};
const explainLoss = async (error: SessionError): Promise<void> => {
  const { texts } = language;
  const reason = await explain(error, texts);
  if (session.state.name === 'reconnecting') setNotice(() => texts.tryingAgain(reason));
};
session.on('session.opened', ({ ai }) => {
  provenance.hidden = !ai;
  keyForm.hide();
  setNotice(null);
  showMode();
  void readLists();
});
session.on('state', (state) => {
  if (state.name === 'connecting' || state.name === 'reconnecting') showStatus(state.name);
  if (state.name !== 'reconnecting') return;
  composer.cancel();
  if (UNKNOWN.has(state.error.code)) forgetWishes();
  if (state.error.code === 'unauthorized') {
    keyForm.show();
    setNotice((texts) => (readKey() === null ? texts.keyWanted : texts.keyWrong));
    return;
  }
  void explainLoss(state.error);
});
session.on('utterance.words', ({ utterance, words }) => {
  captionText.textContent = session.textOf(utterance).slice(words[0]?.charStart, words.at(-1)?.charEnd);
});
session.on('chat.started', ({ utterance, text: said }) => conversation.asked(utterance, said));
session.on('chat.delta', ({ utterance, text: more }) => conversation.answered(utterance, more));
session.on('chat.finished', ({ utterance, text: heard }) => conversation.finished(utterance, heard));
clear.addEventListener('click', () => {
  talk.stop();
  session.forget();
  conversation.clear();
  text.focus();
});
session.on('error', (error) => setNotice((texts) => explainCode(error, texts), NOTICE_MS));
session.on('figures', ({ fps, bitrateBps, skewMs, transport: way }) => {
  const atMs = performance.now();
  panel.add('fps', { atMs, value: fps });
  panel.add('bitrate', { atMs, value: bitrateBps / 1000 });
  if (skewMs !== null) panel.add('skew', { atMs, value: skewMs });
  transport.textContent = way === 'webrtc' ? 'WebRTC' : 'WebSocket';
  panel.draw(atMs);
});

session.on('stats', ({ degradation = 'none' }) => {
  const key = PICTURES[degradation];
  picture.dataset['text'] = key;
  picture.textContent = language.texts[key];
});

for (const [tag, { language: name }] of Object.entries(LANGUAGES)) {
  languageSelect.append(Object.assign(new Option(name, tag), { lang: tag }));
}
// The server frees the session at once instead of finding out.
addEventListener('pagehide', () => {
  camera.stop();
  avatar.close();
});
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
showLanguage();
follow();

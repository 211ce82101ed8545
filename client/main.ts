/** The demo page: joins its parts to a session, and finds a new session when one is lost. */
import { CaptionView } from './captions.ts';
import { createComposer } from './composer.ts';
import { backOffMs, patientWait } from './reconnect.ts';
import { explain, readList, type Listed } from './server-info.ts';
import { connect, SessionError, type Session } from './session.ts';
import { Stage } from './stage.ts';
import { StatsPanel } from './stats-panel.ts';
import { Talk } from './talk.ts';
import { forgetWishes, keepWish, readWishes } from './wishes.ts';

const MEASURE_EVERY_MS = 1000;
const NOTICE_MS = 8000;
/** Codes that no second attempt with the same wishes can cure. */
const UNKNOWN = new Set(['unknown_voice', 'unknown_avatar']);

const byId = <T extends HTMLElement>(id: string, type: new () => T): T => {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} "${id}".`);
  return found;
};

const status = byId('status', HTMLElement);
const notice = byId('notice', HTMLElement);
const captionText = byId('caption-text', HTMLElement);
const provenance = byId('provenance', HTMLElement);
const voiceSelect = byId('voice', HTMLSelectElement);
const avatarSelect = byId('avatar', HTMLSelectElement);
const speedSlider = byId('speed', HTMLInputElement);
const speedValue = byId('speed-value', HTMLOutputElement);
const caption = new CaptionView(byId('caption', HTMLElement));
const panel = new StatsPanel(byId('stats', HTMLElement));

let session: Session | null = null;
let talk: Talk | null = null;
let avatars: readonly Listed[] = [];

const setStatus = (state: 'connecting' | 'ready' | 'speaking' | 'lost', text: string): void => {
  if (status.textContent !== text) status.textContent = text;
  status.dataset['state'] = state;
};

let noticeTimer: ReturnType<typeof setTimeout> | undefined;
const setNotice = (text: string | null, forMs = Infinity): void => {
  clearTimeout(noticeTimer);
  notice.hidden = text === null;
  notice.textContent = text;
  if (forMs < Infinity) noticeTimer = setTimeout(() => setNotice(null), forMs);
};

const stage = new Stage(
  {
    stage: byId('stage', HTMLElement),
    video: byId('video', HTMLVideoElement),
    poster: byId('poster', HTMLImageElement),
    glow: byId('glow', HTMLImageElement),
    sound: byId('sound', HTMLButtonElement),
    soundLabel: byId('sound-label', HTMLElement),
  },
  (frame) => talk?.sawFrame(frame),
);

/** Lets the present talk do something; sending is the gesture that lets a browser play sound. */
const speak = (act: (talk: Talk) => void): boolean => {
  stage.unmute();
  if (talk) act(talk);
  else setNotice('Not connected: this text was not sent.', NOTICE_MS);
  return talk !== null;
};

const composer = createComposer(
  {
    form: byId('composer', HTMLFormElement),
    text: byId('text', HTMLTextAreaElement),
    live: byId('live', HTMLInputElement),
    stop: byId('stop', HTMLButtonElement),
    chips: byId('chips', HTMLElement),
  },
  {
    say: (text) => speak((talk) => talk.say(text)),
    append: (text) => speak((talk) => talk.append(text)),
    end: () => talk?.end(),
    stop: () => talk?.stop(),
  },
);

/** Once a screen refresh: which word is heard now. */
const follow = (): void => {
  requestAnimationFrame(follow);
  if (!talk) return;
  const nowMs = performance.now();
  stage.hushed = talk.hushedAt(nowMs);
  const shown = talk.captionAt(nowMs);
  if (shown) caption.draw(shown);
  if (!talk.busy) setStatus('ready', 'Ready');
  else setStatus('speaking', shown && talk.textOf(shown.utterance) ? 'Speaking' : 'Thinking');
};

const measure = async (): Promise<void> => {
  const atMs = performance.now();
  const figures = await talk?.measure();
  if (figures) {
    panel.add('fps', { atMs, value: figures.fps });
    panel.add('bitrate', { atMs, value: figures.bitrateBps / 1000 });
    if (figures.skewMs !== null) panel.add('skew', { atMs, value: figures.skewMs });
  }
  panel.draw(atMs);
};

const fillSelect = (select: HTMLSelectElement, items: readonly Listed[]): void => {
  const options = items.map(({ name, language, gender, description = '' }) => {
    const traits = [language, gender].filter(Boolean).join(', ');
    return Object.assign(new Option(traits ? `${name} (${traits})` : name, name), { title: description });
  });
  select.replaceChildren(...options);
};

const showPortrait = (name: string): void => {
  const avatar = avatars.find((avatar) => avatar.name === name);
  if (avatar) stage.setPortrait(`/v1/avatars/${encodeURIComponent(name)}/portrait.png`, avatar.description ?? name);
};

voiceSelect.addEventListener('change', () => {
  keepWish('voice', voiceSelect.value);
  session?.setVoice(voiceSelect.value);
});
avatarSelect.addEventListener('change', () => {
  keepWish('avatar', avatarSelect.value);
  showPortrait(avatarSelect.value);
  const size = avatars.find(({ name }) => name === avatarSelect.value)?.size;
  // A session keeps the size of its picture.
  if (size === session?.opened?.size) session?.setAvatar(avatarSelect.value);
  else session?.close();
});
speedSlider.addEventListener('input', () => {
  speedValue.textContent = `${Number(speedSlider.value).toFixed(1)}×`;
});
// A session keeps the speed that it was opened with.
speedSlider.addEventListener('change', () => session?.close());

/** Opens one session and stays with it. @returns why it ended; null when the page closed it. */
const visit = async (signal: AbortSignal): Promise<SessionError | null> => {
  const wishes = readWishes();
  const [voices, faces] = await Promise.all([readList('voices'), readList('avatars')]);
  avatars = faces;
  fillSelect(voiceSelect, voices);
  fillSelect(avatarSelect, avatars);
  showPortrait(wishes.avatar ?? avatars[0]?.name ?? '');

  const opened = await connect({ url: location.href, speed: Number(speedSlider.value), signal, ...wishes });
  voiceSelect.value = opened.opened?.voice ?? '';
  avatarSelect.value = opened.opened?.avatar ?? '';
  provenance.hidden = !opened.opened?.ai;
  showPortrait(avatarSelect.value);
  setNotice(null);

  const present = new Talk(opened, (sign, value) =>
    panel.add(sign === 'sound' ? 'textToSound' : 'textToFace', { atMs: performance.now(), value }),
  );
  [session, talk] = [opened, present];
  opened.on('media', (media) => stage.show(media));
  opened.on('utterance.words', ({ utterance, words }) => {
    captionText.textContent = present.textOf(utterance).slice(words[0]?.charStart, words.at(-1)?.charEnd);
  });
  opened.on('error', ({ code, message }) => {
    // That one follows a refused text, or a Stop that came when all was said.
    if (code !== 'unknown_utterance') setNotice(message, NOTICE_MS);
  });
  return new Promise((resolve) => {
    opened.on('closed', resolve);
  });
};

/** Visits the server again and again, more patiently after every failure. */
const run = async (signal: AbortSignal): Promise<void> => {
  for (let failures = 0; !signal.aborted; failures += 1) {
    if (failures === 0) setStatus('connecting', 'Connecting');
    const reason = await visit(signal).then(
      (reason) => {
        failures = 0;
        return reason;
      },
      (error: unknown) => error,
    );
    [session, talk] = [null, null];
    composer.cancel();
    if (signal.aborted) return;
    if (reason === null) {
      // Closed from here, to be opened anew with other wishes.
      failures = -1;
      continue;
    }
    stage.leave();
    if (reason instanceof SessionError && UNKNOWN.has(reason.code)) forgetWishes();
    setStatus('lost', 'Reconnecting');
    setNotice(`${await explain(reason)} Trying again.`);
    await patientWait(backOffMs(failures, Math.random()), signal);
  }
};

const leaving = new AbortController();
// The server frees the session at once instead of finding out.
addEventListener('pagehide', () => leaving.abort());
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
follow();
setInterval(() => void measure(), MEASURE_EVERY_MS);
void run(leaving.signal);

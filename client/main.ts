/** The demo page: joins its parts to a session, and finds a new session when one is lost. */
import { CaptionTimeline, CaptionView } from './captions.ts';
import { createComposer } from './composer.ts';
import { LatencyMeter } from './latency.ts';
import { PlayoutClock } from './playout-clock.ts';
import { compareTotals, readTotals, type ReceiverTotals } from './receiver-stats.ts';
import { backOffMs, patientWait } from './reconnect.ts';
import { connect, SessionError, type Session } from './session.ts';
import { Stage } from './stage.ts';
import { StatsPanel } from './stats-panel.ts';

const STATS_EVERY_MS = 1000;
const NOTICE_MS = 8000;
/** Codes that no second attempt with the same wishes can cure. */
const UNKNOWN = new Set(['unknown_voice', 'unknown_avatar']);
/** Codes that answer a text which will not be said. */
const REFUSALS = new Set(['bad_text', 'text_too_long', 'too_many_utterances']);

const byId = <T extends HTMLElement>(id: string, type: new () => T): T => {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} "${id}".`);
  return found;
};

const status = byId('status', HTMLElement);
const notice = byId('notice', HTMLElement);
const captionText = byId('caption-text', HTMLElement);
const voiceSelect = byId('voice', HTMLSelectElement);
const avatarSelect = byId('avatar', HTMLSelectElement);
const speedSlider = byId('speed', HTMLInputElement);
const speedValue = byId('speed-value', HTMLOutputElement);
const panel = new StatsPanel(byId('stats', HTMLElement));
const caption = new CaptionView(byId('caption', HTMLElement));

/** What belongs to one session and ends with it. */
interface Talk {
  readonly session: Session;
  readonly timeline: CaptionTimeline;
  readonly latency: LatencyMeter;
  readonly clock: PlayoutClock;
  /** Texts of the utterances that are not finished, by id. */
  readonly texts: Map<string, string>;
  /** Id of the utterance that is being typed. */
  typed: string | null;
  /** The last beginning of an utterance, until a frame has told where its media time is on the screen. */
  beginning: { readonly startMs: number; readonly arrivedAtMs: number } | null;
  totals: ReceiverTotals | null;
  skewMs: number;
}

let talk: Talk | null = null;

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

/** A frame is on the screen: sets the clock by it, and measures how long the text took. */
const onFrame = ({ rtpTimestamp, receiveTime, expectedDisplayTime: atMs }: VideoFrameCallbackMetadata): void => {
  if (!talk || rtpTimestamp === undefined) return;
  const { beginning, clock, latency, skewMs } = talk;
  if (beginning && receiveTime !== undefined) {
    // That message left with the first packet: what arrived before or after it is as much earlier or later in media time.
    clock.setBase(rtpTimestamp, beginning.startMs + receiveTime - beginning.arrivedAtMs);
    talk.beginning = null;
  }
  const mediaMs = clock.observe(rtpTimestamp, atMs);
  const found = mediaMs === null ? null : latency.shown(mediaMs, atMs, skewMs);
  if (!found) return;
  panel.add('textToSound', { atMs, value: found.soundMs });
  panel.add('textToFace', { atMs, value: found.faceMs });
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
  onFrame,
);

/** Notes a text that goes to the server: captions show it, and its latency is measured unless it has to queue. */
const note = ({ texts, latency }: Talk, utterance: string, text: string): void => {
  if (texts.size === 0) latency.sent(utterance, performance.now());
  texts.set(utterance, (texts.get(utterance) ?? '') + text);
};

const offline = (): void => setNotice('Not connected: this text was not sent.', NOTICE_MS);

const composer = createComposer(
  {
    form: byId('composer', HTMLFormElement),
    text: byId('text', HTMLTextAreaElement),
    live: byId('live', HTMLInputElement),
    stop: byId('stop', HTMLButtonElement),
    chips: byId('chips', HTMLElement),
  },
  {
    say(text) {
      stage.unmute();
      if (!talk) {
        offline();
        return false;
      }
      note(talk, talk.session.say(text), text);
      return true;
    },
    append(text) {
      stage.unmute();
      if (!talk) return offline();
      talk.typed ??= talk.session.begin();
      talk.session.append(talk.typed, text);
      note(talk, talk.typed, text);
    },
    end() {
      if (!talk?.typed) return;
      talk.session.end(talk.typed);
      talk.typed = null;
    },
    stop() {
      composer.cancel();
      if (!talk) return;
      talk.typed = null;
      talk.session.interrupt();
    },
  },
);

/** Once a screen refresh: which word is heard now. */
const follow = (): void => {
  requestAnimationFrame(follow);
  if (!talk) return;
  const { clock, timeline } = talk;
  const mediaMs = clock.mediaMsAt(performance.now());
  const shown = mediaMs === null ? null : timeline.at(mediaMs);
  if (shown) caption.draw(shown);
  if (talk.texts.size > 0) setStatus('speaking', shown && talk.texts.has(shown.utterance) ? 'Speaking' : 'Thinking');
  else setStatus('ready', 'Ready');
};

const measure = async (): Promise<void> => {
  const nowMs = performance.now();
  if (talk) {
    const totals = readTotals(await talk.session.getStats());
    const figures = talk.totals && compareTotals(talk.totals, totals);
    talk.totals = totals;
    if (figures) {
      panel.add('fps', { atMs: nowMs, value: figures.fps });
      panel.add('bitrate', { atMs: nowMs, value: figures.bitrateBps / 1000 });
      if (figures.skewMs !== null) {
        talk.skewMs = figures.skewMs;
        panel.add('skew', { atMs: nowMs, value: figures.skewMs });
      }
    }
  }
  panel.draw(nowMs);
};

/** Listens to a session until it is over. @returns why; null when the page closed it. */
const attend = (session: Session): Promise<SessionError | null> => {
  const timeline = new CaptionTimeline();
  const latency = new LatencyMeter();
  const texts = new Map<string, string>();
  const mine: Talk = {
    session,
    timeline,
    latency,
    clock: new PlayoutClock(),
    texts,
    typed: null,
    beginning: null,
    totals: null,
    skewMs: 0,
  };
  talk = mine;

  session.on('media', (media) => stage.show(media));
  session.on('utterance.started', ({ utterance, startMs }) => {
    timeline.start(utterance, startMs);
    latency.started(utterance, startMs);
    mine.beginning = { startMs, arrivedAtMs: performance.now() };
  });
  session.on('utterance.words', ({ utterance, words }) => {
    const text = texts.get(utterance) ?? '';
    timeline.add(utterance, words, text);
    captionText.textContent = text.slice(words[0]?.charStart, words.at(-1)?.charEnd);
  });
  session.on('utterance.finished', ({ utterance, reason, spokenText }) => {
    if (reason === 'interrupted') timeline.cut(utterance, spokenText.length);
    texts.delete(utterance);
    latency.finished(utterance);
  });
  session.on('error', ({ code, message }) => {
    // Follows a refusal, or a Stop that came when all was said.
    if (code === 'unknown_utterance') return;
    setNotice(message, NOTICE_MS);
    // A text that was refused is the newest.
    if (REFUSALS.has(code)) texts.delete([...texts.keys()].at(-1) ?? '');
  });
  return new Promise((resolve) => {
    session.on('closed', resolve);
  });
};

/** A voice or avatar, as the server lists it. */
interface Listed {
  readonly name: string;
  readonly description?: string;
  readonly language?: string;
  readonly gender?: string;
  readonly size?: number;
}

const fillSelect = (select: HTMLSelectElement, items: readonly Listed[]): void => {
  const options = items.map(({ name, language, gender, description = '' }) => {
    const traits = [language, gender].filter(Boolean).join(', ');
    return Object.assign(new Option(traits ? `${name} (${traits})` : name, name), { title: description });
  });
  select.replaceChildren(...options);
};

const wishes = { voice: localStorage.getItem('voice'), avatar: localStorage.getItem('avatar') };

const setWish = (name: 'voice' | 'avatar', value: string): void => {
  wishes[name] = value;
  localStorage.setItem(name, value);
};

const forgetWishes = (): void => {
  Object.assign(wishes, { voice: null, avatar: null });
  localStorage.removeItem('voice');
  localStorage.removeItem('avatar');
};

const showPortrait = (avatars: readonly Listed[], name: string): void => {
  const avatar = avatars.find((avatar) => avatar.name === name);
  stage.setPortrait(`/v1/avatars/${encodeURIComponent(name)}/portrait.png`, avatar?.description ?? name);
};

/** Reads one of the server's lists. @throws {SessionError} when it does not answer, with its reason if it gives one. */
const readList = async (path: string, name: string): Promise<readonly Listed[]> => {
  const response = await fetch(path).catch((cause: unknown) => {
    throw new SessionError('unreachable', 'The server does not answer. Is it running?', { cause });
  });
  if (!response.ok) throw new SessionError('unreachable', `The server answers ${path} with ${response.status}.`);
  return ((await response.json()) as Record<string, readonly Listed[]>)[name] ?? [];
};

interface Readiness {
  readonly status: string;
  readonly sessions: number;
  readonly maxSessions: number;
}

/** A refused WebSocket does not say why; the server's readiness does. */
const explain = async (reason: unknown): Promise<string> => {
  if (reason instanceof SessionError && reason.code !== 'unreachable') return reason.message;
  try {
    const response = await fetch('/readyz');
    const { status, sessions, maxSessions } = (await response.json()) as Readiness;
    if (status === 'draining') return 'The server is about to stop.';
    if (sessions >= maxSessions) return `All ${maxSessions} places are taken.`;
    return reason instanceof Error ? reason.message : String(reason);
  } catch {
    return 'The server does not answer. Is it running?';
  }
};

const speed = (): number => Number(speedSlider.value);
speedSlider.addEventListener('input', () => {
  speedValue.textContent = `${speed().toFixed(1)}×`;
});
// A session keeps the speed that it was opened with.
speedSlider.addEventListener('change', () => talk?.session.close());
voiceSelect.addEventListener('change', () => {
  setWish('voice', voiceSelect.value);
  talk?.session.setVoice(voiceSelect.value);
});

let avatars: readonly Listed[] = [];
avatarSelect.addEventListener('change', () => {
  setWish('avatar', avatarSelect.value);
  showPortrait(avatars, avatarSelect.value);
  const size = avatars.find(({ name }) => name === avatarSelect.value)?.size;
  // A session keeps the size of its picture.
  if (size === talk?.session.opened?.size) talk?.session.setAvatar(avatarSelect.value);
  else talk?.session.close();
});

/** Opens one session and stays with it until it is lost. */
const visit = async (signal: AbortSignal): Promise<SessionError | null> => {
  avatars = await readList('/v1/avatars', 'avatars');
  fillSelect(avatarSelect, avatars);
  fillSelect(voiceSelect, await readList('/v1/voices', 'voices'));
  showPortrait(avatars, wishes.avatar ?? avatars[0]?.name ?? '');
  const session = await connect({
    url: location.href,
    speed: speed(),
    signal,
    ...(wishes.voice === null ? {} : { voice: wishes.voice }),
    ...(wishes.avatar === null ? {} : { avatar: wishes.avatar }),
  });
  const { opened } = session;
  if (opened) {
    avatarSelect.value = opened.avatar;
    voiceSelect.value = opened.voice;
    showPortrait(avatars, opened.avatar);
    byId('provenance', HTMLElement).hidden = !opened.ai;
  }
  setNotice(null);
  return attend(session);
};

const run = async (signal: AbortSignal): Promise<void> => {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    if (attempt === 0) setStatus('connecting', 'Connecting');
    let reason: unknown;
    try {
      reason = await visit(signal);
      attempt = -1;
    } catch (error) {
      reason = error;
    }
    talk = null;
    composer.cancel();
    if (signal.aborted) return;
    // Closed from here, to be opened anew with other wishes.
    if (reason === null) continue;
    stage.leave();
    if (reason instanceof SessionError && UNKNOWN.has(reason.code)) forgetWishes();
    const waitMs = backOffMs(Math.max(0, attempt), Math.random());
    setStatus('lost', 'Reconnecting');
    setNotice(`${await explain(reason)} Trying again.`);
    await patientWait(waitMs, signal);
  }
};

const leaving = new AbortController();
// The server frees the session at once instead of finding out.
addEventListener('pagehide', () => leaving.abort());
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
follow();
setInterval(() => void measure(), STATS_EVERY_MS);
void run(leaving.signal);

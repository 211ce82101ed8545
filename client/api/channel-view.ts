/** One WebSocket: its messages, and a console to try it. */
import type { Channel, Message } from './documents.ts';
import { element, entry, field, schemaList } from './elements.ts';
import { withKey } from '../page/server-key.ts';
import { inWords, sampleOf } from './schema.ts';

/** Lines that are kept of what was said. */
const MAX_LINES = 300;

export const channelView = (channel: Channel): HTMLElement =>
  entry('WS', channel.address, channel.summary, () => [
    ...messagesView('From the client', messagesOf(channel, 'client')),
    ...messagesView('From the server', messagesOf(channel, 'server')),
    consoleView(channel),
  ]);

const messagesOf = ({ messages }: Channel, side: 'client' | 'server'): Message[] =>
  Object.entries(messages).flatMap(([key, message]) => (key.startsWith(`${side}.`) ? [message] : []));

const messagesView = (title: string, messages: readonly Message[]): Node[] => [
  element('h3', {}, title),
  ...messages.map(({ name, summary, payload }) =>
    element(
      'details',
      {},
      element('summary', {}, element('code', {}, name), ` ${summary ?? ''}`),
      payload ? schemaList(payload) : element('p', { className: 'about' }, 'binary'),
    ),
  ),
];

const consoleView = (channel: Channel): HTMLElement => {
  const names = Object.entries(channel.parameters ?? {}).map(([name, { examples }]) =>
    namedField(name, name, examples?.[0] ?? ''),
  );
  const queries = Object.entries(channel.bindings.ws.query?.properties ?? {}).map(([name, schema]) =>
    namedField(name, `${name} (optional): ${inWords(schema)}`, ''),
  );
  const sendable = messagesOf(channel, 'client').filter(({ payload }) => payload);
  const choice = element('select', {}, ...sendable.map(({ name }) => new Option(name)));
  const text = element('textarea', { spellcheck: false });
  const open = element('button', { type: 'button' }, 'Connect');
  const send = element('button', { type: 'submit', disabled: true }, 'Send');
  const log = element('ol', { className: 'log', role: 'log', hidden: true });
  let socket: WebSocket | null = null;

  const say = (line: string) => {
    log.hidden = false;
    log.append(element('li', {}, line));
    while (log.childElementCount > MAX_LINES) log.firstElementChild?.remove();
    log.scrollTop = log.scrollHeight;
  };
  const fill = () => {
    const { payload, examples } = sendable.find(({ name }) => name === choice.value) ?? {};
    text.value = payload ? JSON.stringify(examples?.[0]?.payload ?? sampleOf(payload), null, 2) : '';
  };
  const connect = () => {
    const address = new URL(location.origin.replace('http', 'ws'));
    address.pathname = names.reduce(
      (path, { name, control }) => path.replace(`{${name}}`, encodeURIComponent(control.value)),
      channel.address,
    );
    for (const { name, control } of queries) if (control.value) address.searchParams.set(name, control.value);
    const subprotocol = /subprotocol: (\S+)/.exec(channel.description ?? '')?.[1];
    const opened = new WebSocket(withKey(address.href), subprotocol === undefined ? [] : [subprotocol]);
    opened.binaryType = 'arraybuffer';
    opened.addEventListener('open', () => {
      say('connected');
      send.disabled = false;
    });
    opened.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) =>
      say(typeof data === 'string' ? `← ${data}` : `← binary, ${data.byteLength} bytes`),
    );
    opened.addEventListener('close', ({ code, reason }) => {
      say(`closed: ${code} ${reason}`);
      send.disabled = true;
      open.textContent = 'Connect';
      socket = null;
    });
    open.textContent = 'Disconnect';
    return opened;
  };
  open.addEventListener('click', () => {
    if (socket) socket.close();
    else socket = connect();
  });
  choice.addEventListener('change', fill);
  fill();
  const form = element(
    'form',
    {},
    element('h3', {}, 'Try it'),
    ...names.map(({ row }) => row),
    ...queries.map(({ row }) => row),
    open,
    field('Message', choice).row,
    text,
    send,
    log,
  );
  text.ariaLabel = 'The message as JSON';
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    socket?.send(text.value);
    say(`→ ${text.value.replaceAll(/\s+/g, ' ')}`);
  });
  return form;
};

const namedField = (name: string, label: string, value: string) => {
  const { row, control } = field(label, element('input', { value }));
  return { name, row, control };
};

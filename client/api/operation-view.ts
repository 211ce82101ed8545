/** One HTTP operation: what it takes and answers, and a form to try it. */
import type { Contents, Operation, Parameter } from './documents.ts';
import { element, entry, field, schemaList } from './elements.ts';
import { keyHeaders, withKey } from '../page/server-key.ts';
import { inWords, sampleOf } from './schema.ts';

/** Of an answer in text, so much is shown. */
const MAX_SHOWN_CHARACTERS = 20_000;

export const operationView = (method: string, path: string, operation: Operation): HTMLElement =>
  entry(method.toUpperCase(), path, operation.summary, () => [
    ...descriptionOf(operation),
    tryIt(method, path, operation),
  ]);

const descriptionOf = ({ requestBody, responses }: Operation): Node[] => {
  const nodes: Node[] = [];
  if (requestBody) nodes.push(element('h3', {}, 'Body'), contentsOf(requestBody.content));
  nodes.push(element('h3', {}, 'Answers'));
  for (const [status, { description, content }] of Object.entries(responses)) {
    nodes.push(element('p', {}, element('code', {}, status), ` ${description}`));
    if (status.startsWith('2')) nodes.push(contentsOf(content ?? {}));
  }
  return nodes;
};

const contentsOf = (contents: Contents): HTMLElement => {
  const list = element('div');
  for (const [type, { schema }] of Object.entries(contents)) {
    list.append(element('p', { className: 'about' }, type));
    if (schema) list.append(schemaList(schema));
  }
  return list;
};

const tryIt = (method: string, path: string, { parameters = [], requestBody }: Operation): HTMLElement => {
  const inputs = parameters.map(parameterField);
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const sample = content?.example ?? (content?.schema ? sampleOf(content.schema) : '');
  const body = element('textarea', {
    value: typeof sample === 'string' ? sample : JSON.stringify(sample, null, 2),
    spellcheck: false,
  });
  const send = element('button', { type: 'submit' }, 'Send');
  const answer = element('div', { ariaLive: 'polite' });
  const form = element(
    'form',
    {},
    element('h3', {}, 'Try it'),
    ...inputs.map(({ row }) => row),
    ...(type ? [field(`Body (${type})`, body).row] : []),
    send,
    answer,
  );

  const perform = async () => {
    const address = new URL(location.origin);
    const headers = new Headers({ ...keyHeaders(), ...(type ? { 'content-type': type } : {}) });
    let filled = path;
    for (const { parameter, control } of inputs) {
      if (parameter.in === 'path') filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(control.value));
      else if (control.value === '') continue;
      else if (parameter.in === 'query') address.searchParams.set(parameter.name, control.value);
      else headers.set(parameter.name, control.value);
    }
    address.pathname = filled;
    const response = await fetch(address, {
      method: method.toUpperCase(),
      headers,
      ...(type ? { body: body.value } : {}),
    });
    answer.replaceChildren(statusLine(response), ...(await bodyView(response)));
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send.disabled = true;
    answer.replaceChildren(element('p', { className: 'about' }, 'Waiting…'));
    perform()
      .catch((error: unknown) => answer.replaceChildren(element('p', { className: 'failed' }, String(error))))
      .finally(() => {
        send.disabled = false;
      });
  });
  return form;
};

const parameterField = (parameter: Parameter) => {
  const { name, required, description, schema } = parameter;
  const value = parameter.example ?? schema.default ?? '';
  const about = [`${name}${required ? '' : ' (optional)'}`, inWords(schema), description ?? ''];
  const input = element('input', {
    value: typeof value === 'string' ? value : JSON.stringify(value),
    required: required ?? false,
  });
  const { row, control } = field(about.filter((part) => part !== '').join(': '), input);
  return { parameter, row, control };
};

const statusLine = (response: Response): HTMLElement =>
  element(
    'p',
    { className: response.ok ? '' : 'failed' },
    element('code', {}, `${response.status} ${response.statusText}`),
    ` ${response.headers.get('content-type') ?? ''}`,
  );

/** What came: sound to listen to, a picture to see, text to read. */
const bodyView = async (response: Response): Promise<Node[]> => {
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('audio/')) {
    const blob = await response.blob();
    const player = element('audio', { controls: true, src: URL.createObjectURL(blob) });
    return [player, element('p', { className: 'about' }, `${blob.size} bytes`)];
  }
  if (type.startsWith('image/')) return [element('img', { src: withKey(response.url), alt: 'The answer' })];
  const text = await response.text();
  if (text === '') return [];
  const shown = type.includes('json') ? JSON.stringify(JSON.parse(text), null, 2) : text;
  return [element('pre', {}, shown.slice(0, MAX_SHOWN_CHARACTERS))];
};

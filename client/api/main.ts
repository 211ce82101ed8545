/** The page that shows the API: reads both documents, lists what they have. */
import { channelView } from './channel-view.ts';
import { type AsyncApi, type OpenApi, load } from './documents.ts';
import { keepKey, readKey } from '../page/server-key.ts';
import { element } from './elements.ts';
import { operationView } from './operation-view.ts';

const show = async (content: HTMLElement): Promise<void> => {
  const [http, sockets] = await Promise.all([load<OpenApi>('/v1/openapi.json'), load<AsyncApi>('/v1/asyncapi.json')]);
  const operations = Object.entries(http.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const shown: Node[] = [element('h2', {}, 'WebSockets'), ...Object.values(sockets.channels).map(channelView)];
  for (const { name } of http.tags) {
    shown.push(element('h2', {}, name));
    for (const { method, path, operation } of operations) {
      if (operation.tags.includes(name)) shown.push(operationView(method, path, operation));
    }
  }
  content.replaceChildren(...shown);
};

const key = document.querySelector<HTMLInputElement>('#key');
if (key) {
  key.value = readKey() ?? '';
  key.addEventListener('change', () => keepKey(key.value.trim()));
}

const content = document.querySelector<HTMLElement>('#content');
if (content) {
  show(content).catch((error: unknown) =>
    content.replaceChildren(element('p', { className: 'failed' }, String(error))),
  );
}

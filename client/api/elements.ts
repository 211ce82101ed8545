/** Small helpers to make elements. */
import { type Schema, inWords } from './schema.ts';

type Child = Node | string;

export const element = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

/** A field with its label. */
export const field = <T extends HTMLElement>(
  label: string,
  control: T,
): { readonly row: HTMLElement; readonly control: T } => ({
  row: element('label', {}, label, control),
  control,
});

/** The fields of a schema as nested lists. */
export const schemaList = (schema: Schema): HTMLElement => {
  const { properties, items, required = [] } = schema;
  if (items?.properties) return schemaList(items);
  if (!properties) return element('p', { className: 'about' }, inWords(schema));
  return element(
    'ul',
    { className: 'fields' },
    ...Object.entries(properties).map(([name, inner]) => {
      const nested = inner.properties ?? inner.items?.properties;
      const about = [inWords(inner), required.includes(name) ? '' : 'optional', inner.description ?? ''];
      return element(
        'li',
        {},
        element('code', {}, name),
        element('span', { className: 'about' }, ` ${about.filter((part) => part !== '').join('; ')}`),
        ...(nested ? [schemaList(inner)] : []),
      );
    }),
  );
};

/** One foldable entry. */
export const entry = (method: string, path: string, summary: string, build: () => Node[]): HTMLDetailsElement => {
  const body = element('div');
  const details = element(
    'details',
    { className: 'operation' },
    element(
      'summary',
      {},
      element('span', { className: 'method' }, method),
      element('span', { className: 'path' }, path),
      element('span', { className: 'about' }, summary),
    ),
    body,
  );
  // Built when it is first opened: there are many.
  details.addEventListener('toggle', () => body.append(...build()), { once: true });
  return details;
};

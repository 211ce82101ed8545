/** What this page reads of a JSON Schema: a sample that it allows, and its type in words. */

export interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
}

/** The smallest value worth starting from: what is required, with defaults and first choices. */
export const sampleOf = (schema: Schema): unknown => {
  const given = schema.examples?.[0] ?? schema.const ?? schema.default ?? schema.enum?.[0];
  if (given !== undefined) return given;
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (choice) return sampleOf(choice);
  switch (typeOf(schema)) {
    case 'object': {
      const required = schema.required ?? [];
      const fields = Object.entries(schema.properties ?? {}).filter(([name]) => required.includes(name));
      return Object.fromEntries(fields.map(([name, field]) => [name, sampleOf(field)]));
    }
    case 'array':
      return schema.items ? [sampleOf(schema.items)] : [];
    case 'integer':
    case 'number':
      return Math.max(0, schema.minimum ?? 0);
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      return 'text';
  }
};

/** Its type, choices and bounds, for people: `"wav" or "mp3"`, `number, 0.5…2`. */
export const inWords = (schema: Schema): string => {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map(inWords).join(' or ');
  if (Array.isArray(schema.type)) return schema.type.join(' or ');
  const type = typeOf(schema);
  if (type === 'array') return `list of ${schema.items ? inWords(schema.items) : 'anything'}`;
  const { minimum, maximum } = schema;
  const bounds =
    isBound(minimum) || isBound(maximum)
      ? `, ${isBound(minimum) ? minimum : ''}…${isBound(maximum) ? maximum : ''}`
      : '';
  return `${type}${bounds}`;
};

/** Bounds that only say that the number is safe are no news. */
const isBound = (bound: number | undefined): boolean =>
  bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;

const typeOf = ({ type, properties }: Schema): string =>
  (typeof type === 'string' ? type : type?.[0]) ?? (properties ? 'object' : 'anything');

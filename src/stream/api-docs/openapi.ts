/** Makes an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1) of operations. */
import { z } from 'zod';
import { type Answer, type Content, type Operation, pathNames } from '../../api-description.ts';
import { OPEN_API_SECURITY, SECURITY_SCHEMES } from './security.ts';

export type Json = { readonly [key: string]: unknown };

export interface ApiInfo {
  readonly title: string;
  readonly version: string;
  readonly description: string;
}

/** The document, as JSON. */
export const openApiDocument = (info: ApiInfo, operations: readonly Operation[]): Json => {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationObject(operation) };
  }
  const tags = [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name }));
  return {
    openapi: '3.1.1',
    info,
    servers: [{ url: '/' }],
    security: OPEN_API_SECURITY,
    tags,
    paths,
    components: { securitySchemes: SECURITY_SCHEMES.openApi },
  };
};

const operationObject = (operation: Operation): Json => {
  const { method, path, tag, summary, params = {}, query, headers, body, answers, open } = operation;
  const parameters = [
    ...pathNames(path).map((name) =>
      Object.assign({ name, in: 'path', required: true, schema: { type: 'string' } }, params[name]),
    ),
    ...parametersOf(query, 'query'),
    ...parametersOf(headers, 'header'),
  ];
  return {
    operationId: `${method}${path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
    tags: [tag],
    summary,
    ...(open ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { required: true, content: contentObject(body, 'input') } } : {}),
    responses: Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, responseObject(answer)])),
  };
};

const responseObject = ({ description, content, headers }: Answer): Json => ({
  description,
  ...(headers
    ? {
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, about]) => [name, { description: about, schema: { type: 'string' } }]),
        ),
      }
    : {}),
  ...(content ? { content: contentObject(content, 'output') } : {}),
});

const contentObject = (contents: readonly Content[], io: 'input' | 'output'): Json =>
  Object.fromEntries(
    contents.map(({ type, schema, example }) => [
      type,
      { ...(schema ? { schema: schemaObject(schema, io) } : {}), ...(example === undefined ? {} : { example }) },
    ]),
  );

/** A header or a query by its schema: one parameter a field. */
const parametersOf = (schema: z.ZodObject | undefined, where: 'query' | 'header'): Json[] => {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaObject(schema, 'input') as {
    readonly properties?: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) =>
    withoutUndefined({
      name,
      in: where,
      description,
      required: required.includes(name) || undefined,
      schema: property,
    }),
  );
};

const withoutUndefined = (object: Json): Json =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/** OpenAPI 3.1 has the schemas of JSON Schema 2020-12. */
const schemaObject = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...object } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return object;
};

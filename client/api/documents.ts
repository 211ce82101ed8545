/** The parts of the OpenAPI and AsyncAPI documents that this page shows. */
import type { Schema } from './schema.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
  readonly example?: string;
}

export type Contents = Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>;

export interface Operation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Contents };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Contents }>>;
}

export interface OpenApi {
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface Message {
  readonly name: string;
  readonly summary?: string;
  readonly payload?: Schema;
  readonly examples?: readonly { readonly payload: unknown }[];
}

export interface Channel {
  readonly address: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: Readonly<Record<string, { readonly examples?: readonly string[] }>>;
  readonly messages: Readonly<Record<string, Message>>;
  readonly bindings: { readonly ws: { readonly query?: Schema } };
}

export interface AsyncApi {
  readonly channels: Readonly<Record<string, Channel>>;
}

/** @throws {Error} when the server does not give it. */
export const load = async <T>(path: string): Promise<T> => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
};

/** How a route and a socket are described, for the documents that are made of it. Schemas are those that the routes use. */
import type { z } from 'zod';

/** A body. Without a schema it is text or bytes. */
export interface Content {
  readonly type: string;
  readonly schema?: z.ZodType;
  /** Worth sending as it is. */
  readonly example?: unknown;
}

export interface Answer {
  readonly description: string;
  readonly content?: readonly Content[];
  /** What headers say, by name. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One method of one path. */
export interface Operation {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** With its parts in braces: `/v1/whep/{avatar}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  /** Headers that change what is done. */
  readonly headers?: z.ZodObject;
  readonly body?: readonly Content[];
  readonly answers: Readonly<Record<number, Answer>>;
}

/** A WebSocket. */
export interface Channel {
  readonly name: string;
  readonly path: string;
  readonly summary: string;
  readonly subprotocol?: string;
  readonly query?: z.ZodObject;
  readonly fromClient: readonly ChannelMessage[];
  readonly fromServer: readonly ChannelMessage[];
}

/** Without a schema it is a binary frame. */
export interface ChannelMessage {
  readonly name: string;
  readonly summary?: string;
  readonly schema?: z.ZodType;
}

/** The named parts of a path. */
export const pathNames = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');

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

/** What a route does; its method and path are the route's own. */
export interface OperationAbout {
  readonly summary: string;
  /** Named parts of the path: what they are, and one to try. */
  readonly params?: Readonly<Record<string, Param>>;
  readonly query?: z.ZodObject;
  /** Headers that change what is done. */
  readonly headers?: z.ZodObject;
  readonly body?: readonly Content[];
  readonly answers: Readonly<Record<number, Answer>>;
}

export interface Param {
  readonly description: string;
  readonly example?: string;
}

/** One method of one path. */
export interface Operation extends OperationAbout {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** With its parts in braces: `/v1/whep/{avatar}`. */
  readonly path: string;
  readonly tag: string;
  /** Whether it asks for no key, even where there are some. */
  readonly open?: boolean;
}

/** What a WebSocket does; its path is the route's own. */
export interface ChannelAbout {
  readonly name: string;
  readonly summary: string;
  readonly subprotocol?: string;
  readonly params?: Readonly<Record<string, Param>>;
  readonly query?: z.ZodObject;
  readonly fromClient: readonly ChannelMessage[];
  readonly fromServer: readonly ChannelMessage[];
}

/** A WebSocket. */
export interface Channel extends ChannelAbout {
  /** With its parts in braces. */
  readonly path: string;
}

/** Without a schema it is a binary frame. */
export interface ChannelMessage {
  readonly name: string;
  readonly summary?: string;
  readonly schema?: z.ZodType;
  /** Worth sending as it is. */
  readonly example?: unknown;
}

/** `/v1/voices/:voice`, as routes have it, in braces: `/v1/voices/{voice}`. */
export const inBraces = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

/** The named parts of a path in braces. */
export const pathNames = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');

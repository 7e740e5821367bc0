// The typed client, made from the table. `fetch` is handed in, so that a client can meet a server in the same process.
import type * as z from 'zod';

import type { Contract } from './table.ts';
import type { ContractTable, Endpoint } from './endpoint.ts';
import { ApiError, readProblem } from './problem.ts';

/** The few parts of the web's fetch that the client needs; the zone compiles without DOM or Node types. */
export interface FetchReply {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

export interface FetchRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: unknown;
  readonly duplex?: 'half';
  readonly credentials?: 'same-origin';
}

export interface ClientOptions<Reply extends FetchReply = FetchReply> {
  /** `http://127.0.0.1:5000`, or empty for the same origin. */
  readonly base_url: string;
  readonly fetch: (url: string, request: FetchRequest) => Promise<Reply>;
  /** Headers of every call, e.g. `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CallOptions {
  readonly idempotency_key?: string;
  /** An AbortSignal. */
  readonly signal?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Body of an `upload` endpoint. */
  readonly content?: unknown;
}

type Part<Name extends string, Schema extends z.ZodType> =
  Record<string, never> extends z.input<Schema> ? { readonly [K in Name]?: z.input<Schema> } : { readonly [K in Name]: z.input<Schema> };

type Arguments<E extends Endpoint> = Part<'params', E['params']> & Part<'query', E['query']> & Part<'body', E['body']>;

type Method<E extends Endpoint, Reply extends FetchReply> = (
  input: Arguments<E>,
  options?: CallOptions,
) => Promise<E['transport'] extends 'json' | 'upload' ? z.output<E['reply']> : Reply>;

type Groups<Table extends ContractTable, Reply extends FetchReply> = {
  readonly [G in keyof Table]: { readonly [N in keyof Table[G]]: Method<Table[G][N], Reply> };
};

export type Client<Reply extends FetchReply = FetchReply> = Groups<Contract, Reply>;

interface AnyArguments {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/** `createClient(contract, options).jobs.get({ params: { experiment, number } })`. Throws ApiError. */
export function createClient<Reply extends FetchReply>(table: Contract, options: ClientOptions<Reply>): Client<Reply> {
  const groups: Record<string, Record<string, unknown>> = {};
  for (const [group, entries] of Object.entries(table as ContractTable)) {
    groups[group] = {};
    for (const [name, endpoint] of Object.entries(entries)) {
      groups[group][name] = (input: AnyArguments, call: CallOptions = {}) => request(endpoint, input, call, options);
    }
  }
  return groups as Client<Reply>;
}

async function request(endpoint: Endpoint, input: AnyArguments, call: CallOptions, options: ClientOptions): Promise<unknown> {
  const url = options.base_url + '/api/v1' + fillPath(endpoint.path, input.params ?? {}) + queryString(input.query ?? {});
  const reply = await options.fetch(url, fetchRequest(endpoint, input, call, options.headers)).catch(unreachable);
  if (endpoint.transport === 'download' || endpoint.transport === 'stream') {
    if (reply.status < 300) return reply;
    throw readProblem(reply.status, await reply.text(), reply.headers.get('retry-after'));
  }
  const text = await reply.text().catch(unreachable);
  if (reply.status >= 300) throw readProblem(reply.status, text, reply.headers.get('retry-after'));
  return parseReply(endpoint, reply.status, text);
}

function parseReply(endpoint: Endpoint, status: number, text: string): unknown {
  try {
    return endpoint.reply.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'not readable';
    throw new ApiError({ status, code: 'unexpected_reply', retryable: false, message: `The server's reply is not as agreed: ${reason.slice(0, 300)}` });
  }
}

function fetchRequest(endpoint: Endpoint, input: AnyArguments, call: CallOptions, common: ClientOptions['headers']): FetchRequest {
  const headers: Record<string, string> = { ...common, ...call.headers };
  if (call.idempotency_key !== undefined) headers['idempotency-key'] = call.idempotency_key;
  const hasJson = endpoint.transport !== 'upload' && endpoint.method !== 'GET' && endpoint.method !== 'DELETE';
  if (hasJson) headers['content-type'] = 'application/json';
  const body = endpoint.transport === 'upload' ? { body: call.content, duplex: 'half' as const } : hasJson ? { body: JSON.stringify(input.body ?? {}) } : {};
  return { method: endpoint.method, headers, ...body, ...(call.signal === undefined ? {} : { signal: call.signal }) };
}

function unreachable(error: unknown): never {
  if (error instanceof ApiError) throw error;
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  const reason = error instanceof Error ? `${error.message}${cause}` : String(error);
  throw new ApiError({ status: 0, code: 'unreachable', retryable: true, message: `No answer from the server (${reason}).` });
}

function fillPath(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replace(/:([a-z_]+)/g, (_, name: string) => encodeURIComponent(String(params[name])));
}

function queryString(query: Readonly<Record<string, unknown>>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (one !== undefined && one !== null) parts.push(`${name}=${encodeURIComponent(String(one as string | number | boolean))}`);
    }
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

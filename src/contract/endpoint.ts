// The shape of one entry of the contract table. Server, client, OpenAPI, docs and tests all read the same entries.
import * as z from 'zod';

import type { RefusalCode } from '../core/refusal.ts';

/**
 * Who may call. Roles rise: viewer < operator < owner < admin, judged on the experiment in the path where there is one.
 * `commands` is an operator who may also bring new command text (a key or account, not a PIN session).
 * `agent` is an agent's secret; `attempt` is the token that one running job was given; `session` is anybody logged in.
 */
export type Access = 'none' | 'session' | 'viewer' | 'operator' | 'commands' | 'owner' | 'admin' | 'agent' | 'attempt';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * How bodies travel. `json`: both ways. `upload`: the request body is a file, streamed. `download`: the reply is bytes,
 * with `Range`. `stream`: the reply is server-sent events or bytes without an end known beforehand.
 */
export type Transport = 'json' | 'upload' | 'download' | 'stream';

export interface Endpoint<
  Path extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
  Carried extends Transport = Transport,
> {
  readonly method: Method;
  /** Below `/api/v1`, with `:name` for path parts. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly transport: Carried;
  readonly params: Path;
  readonly query: Query;
  readonly body: Body;
  readonly reply: Reply;
  readonly success: 200 | 201;
  /** Refusals beyond those every endpoint may give (malformed_json, invalid_input, unauthenticated, forbidden …). */
  readonly errors: readonly RefusalCode[];
  /** Whether an `Idempotency-Key` header makes a repeated call return the first reply. */
  readonly idempotent: boolean;
  readonly example: { readonly params?: unknown; readonly query?: unknown; readonly body?: unknown; readonly reply?: unknown };
}

const NOTHING = z.object({});
type Nothing = typeof NOTHING;

interface EndpointDefinition<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType, T extends Transport> {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly transport?: T;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly reply?: R;
  readonly success?: 200 | 201;
  readonly errors?: readonly RefusalCode[];
  readonly idempotent?: boolean;
  readonly example?: Endpoint['example'];
}

export function endpoint<
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
  B extends z.ZodType = Nothing,
  R extends z.ZodType = Nothing,
  T extends Transport = 'json',
>(definition: EndpointDefinition<P, Q, B, R, T>): Endpoint<P, Q, B, R, T> {
  return {
    success: 200,
    errors: [],
    idempotent: false,
    example: {},
    ...definition,
    transport: definition.transport ?? ('json' as T),
    params: definition.params ?? (NOTHING as unknown as P),
    query: definition.query ?? (NOTHING as unknown as Q),
    body: definition.body ?? (NOTHING as unknown as B),
    reply: definition.reply ?? (NOTHING as unknown as R),
  };
}

export type EndpointGroup = Readonly<Record<string, Endpoint>>;
export type ContractTable = Readonly<Record<string, EndpointGroup>>;

/** What a handler receives: parsed path, query and body. */
export interface Input<E extends Endpoint> {
  readonly params: z.output<E['params']>;
  readonly query: z.output<E['query']>;
  readonly body: z.output<E['body']>;
}

/** What a handler returns for a `json` endpoint. */
export type Reply<E extends Endpoint> = z.input<E['reply']>;

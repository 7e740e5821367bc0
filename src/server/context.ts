// What a handler works with: the server's parts, built once, and who is asking.
import type { Contract, ContractTable, Endpoint, Input, Reply } from '../contract/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Store } from '../store/store.ts';

import type { AccessControl } from './access.ts';
import type { PinGuard } from './pin-guard.ts';
import type { EventStream } from './stream.ts';
import type { SyncDesk } from './sync-desk.ts';

export interface ServerContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly started_at: number;
  /** Largest file that may be uploaded, in bytes. */
  readonly artifact_limit_bytes: number;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
  /** Where agents call; made by createSyncDesk(store, clock, random), closed before the store. */
  readonly desk: SyncDesk;
  readonly access: AccessControl;
  readonly pins: PinGuard;
  readonly stream: EventStream;
  /** Aborted when the server ends: what hangs answers now. */
  readonly stopping: AbortSignal;
}

export type Actor =
  | {
      readonly kind: 'key' | 'pin' | 'link';
      readonly id: number;
      readonly name: string;
      readonly role: 'viewer' | 'operator' | 'owner' | 'admin';
      readonly experiments: readonly number[] | null;
    }
  | { readonly kind: 'agent'; readonly id: number; readonly name: string }
  | { readonly kind: 'attempt'; readonly job_id: number; readonly attempt: number; readonly rank: number; readonly token: string; readonly name: string }
  | { readonly kind: 'nobody'; readonly name: string };

/** An experiment that the path names, looked up and allowed before the handler runs. */
export interface NamedExperiment {
  readonly id: number;
  readonly name: string;
}

export interface Call {
  readonly context: ServerContext;
  readonly actor: Actor;
  /** Set when the path has `:experiment`. */
  readonly experiment: NamedExperiment | null;
  readonly request_id: string;
  /** The client's address, for rate limits. */
  readonly address: string;
  /** Whether the client came over TLS, to a proxy in front. */
  readonly is_tls: boolean;
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
  /** `Idempotency-Key`, for uploads, which keep it themselves. */
  readonly idempotency_key: string | null;
  /** The raw request, for `upload`, `download` and `stream`, and for cookies. */
  readonly request: Request;
  /** Headers added to the reply, e.g. Set-Cookie. */
  readonly headers: Headers;
}

/** `json` and `upload` handlers return the reply; `download` and `stream` handlers return a Response. */
export type Handler<E extends Endpoint> = (input: Input<E>, call: Call) => Promise<E['transport'] extends 'json' | 'upload' ? Reply<E> : Response>;

export type Handlers<Table extends ContractTable = Contract> = {
  readonly [G in keyof Table]: { readonly [N in keyof Table[G]]: Handler<Table[G][N]> };
};

/** `key:laptop`, `pin:digits-tune`: how an actor is named in events. */
export function actorName(actor: Actor): string {
  return actor.kind === 'nobody' ? 'nobody' : `${actor.kind}:${actor.name}`;
}

/** The experiment of a path that has one. */
export function namedExperiment(call: Call): NamedExperiment {
  if (call.experiment === null) throw new Error('this endpoint has no experiment in its path');
  return call.experiment;
}

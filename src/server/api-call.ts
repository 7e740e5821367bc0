// One call as handlers see it. Made for every request, so what few handlers ask for is made only when they do.
import type { IncomingMessage } from 'node:http';
import type { BlockList } from 'node:net';

import { Refusal } from '../core/refusal.ts';

import { clientAddress, isTrusted } from './client-address.ts';
import type { Actor, Call, NamedExperiment, ServerContext } from './context.ts';

/** What comes with a request beside the request: from the node server its two sides, from a test an address, or nothing. */
export interface Bindings {
  readonly incoming?: IncomingMessage;
  readonly address?: string;
}

export function peerAddress(bindings: Bindings | undefined): string {
  return bindings?.incoming?.socket.remoteAddress ?? bindings?.address ?? '';
}

export interface CallParts {
  readonly context: ServerContext;
  readonly actor: Actor;
  readonly request: Request;
  readonly request_id: string;
  readonly bindings: Bindings | undefined;
  readonly proxies: BlockList;
}

const IDEMPOTENCY_KEY = /^[!-~]{1,200}$/;

export class ApiCall implements Call {
  readonly #parts: CallParts;
  readonly experiment: NamedExperiment | null;
  #headers: Headers | null = null;

  constructor(parts: CallParts, experiment: NamedExperiment | null) {
    this.#parts = parts;
    this.experiment = experiment;
  }

  get context(): ServerContext {
    return this.#parts.context;
  }

  get actor(): Actor {
    return this.#parts.actor;
  }

  get request(): Request {
    return this.#parts.request;
  }

  get request_id(): string {
    return this.#parts.request_id;
  }

  get address(): string {
    return clientAddress(peerAddress(this.#parts.bindings), this.request.headers.get('x-forwarded-for'), this.#parts.proxies);
  }

  get is_tls(): boolean {
    return isTrusted(this.#parts.proxies, peerAddress(this.#parts.bindings)) && /^https\b/i.test(this.request.headers.get('x-forwarded-proto') ?? '');
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }

  get idempotency_key(): string | null {
    const key = this.request.headers.get('idempotency-key');
    if (key !== null && !IDEMPOTENCY_KEY.test(key)) {
      throw new Refusal('invalid_input', 'An Idempotency-Key has 1 to 200 printable ASCII characters without spaces.');
    }
    return key;
  }

  get headers(): Headers {
    return (this.#headers ??= new Headers());
  }

  /** Whether a handler added any. */
  get hasHeaders(): boolean {
    return this.#headers !== null;
  }
}

// A whole server in one process, without a socket: the app, a store in memory, a clock that the test moves.
import { expect } from 'vitest';

import { contract, createClient, type Client } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { silentLog, type Log } from '../runtime/log.ts';
import { createKey } from '../store/access.ts';
import { createExperiment } from '../store/experiments.ts';
import type { Role } from '../store/schema-access.ts';
import { openStore, type Store } from '../store/store.ts';
import { type ManualClock, manualClock } from '../../test/support/manual-clock.ts';

import { createApp } from './app.ts';
import type { ServerContext } from './context.ts';
import { createContext } from './create-context.ts';
import type { OpenWorkers } from './doors/jobdistributor/caller.ts';
import { allHandlers } from './handlers/index.ts';

export interface Sent {
  readonly method?: string;
  readonly key?: string | null;
  readonly cookie?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; `text` goes as it is. */
  readonly body?: unknown;
  readonly text?: string;
  /** The peer's address. */
  readonly from?: string;
}

export interface TestApp {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly context: ServerContext;
  readonly app: ReturnType<typeof createApp>;
  readonly stop: AbortController;
  /** An admin's. */
  readonly key: string;
  send(path: string, sent?: Sent): Promise<Response>;
  client(key?: string): Client<Response>;
  newKey(role: Role, experiments?: readonly number[] | null): Promise<string>;
  newExperiment(name: string, pin?: string): Promise<number>;
  close(): Promise<void>;
}

export interface TestAppOptions {
  readonly static_dir?: string;
  readonly data_dir?: string;
  readonly trusted_proxies?: readonly string[];
  readonly log?: Log;
  /** Another one than a new one in memory. Whoever opened it closes it. */
  readonly store?: { readonly store: Store; readonly clock: ManualClock };
  readonly open_workers?: OpenWorkers;
  readonly artifact_limit_bytes?: number;
}

export async function openTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const clock = options.store?.clock ?? manualClock();
  const store =
    options.store?.store ?? (await openStore({ engine: { kind: 'sqlite', directory: ':memory:', clock, read_threads: 0 }, directory: null, clock }));
  const stop = new AbortController();
  const context = createContext({
    store,
    clock,
    log: options.log ?? silentLog,
    version: '0.4.2',
    random: () => 0.5,
    artifact_limit_bytes: options.artifact_limit_bytes ?? LIMITS.artifact_bytes.value,
    stopping: stop.signal,
  });
  const app = createApp(context, allHandlers(), {
    static_dir: options.static_dir ?? '/nowhere',
    data_dir: options.data_dir ?? '/nowhere',
    trusted_proxies: options.trusted_proxies ?? [],
    open_workers: options.open_workers,
  });
  const newKey = async (role: Role, experiments: readonly number[] | null = null): Promise<string> =>
    (await store.write((tx) => createKey(tx, { name: `a ${role}`, role, experiments, expires_at: null, actor: 'test' }))).key;
  const key = await newKey('admin');
  const send = async (path: string, sent: Sent = {}): Promise<Response> => app.request(path, toInit(sent, key), peer(sent.from ?? '192.0.2.1'));
  return {
    store,
    clock,
    context,
    app,
    stop,
    key,
    send,
    client: (own = key) =>
      createClient(contract, {
        base_url: '',
        headers: { authorization: `Bearer ${own}` },
        fetch: async (url, request) => app.request(url, request as RequestInit, peer('192.0.2.1')),
      }),
    newKey,
    newExperiment: (name, pin = '402913') =>
      store.write((tx) => createExperiment(tx, { name, description: '', settings: {}, pin_cipher: store.key.encrypt(pin) }, 'test')),
    async close() {
      stop.abort();
      if (options.store === undefined) await store.close();
    },
  };
}

/** What the app reads of the node server's side; the body comes from the request itself. */
function peer(address: string): { readonly address: string } {
  return { address };
}

function toInit(sent: Sent, key: string): RequestInit {
  const headers: Record<string, string> = { ...sent.headers };
  if (sent.key !== null && sent.cookie === undefined) headers['authorization'] = `Bearer ${sent.key ?? key}`;
  if (sent.cookie !== undefined) headers['cookie'] = sent.cookie;
  const body = sent.text ?? (sent.body === undefined ? undefined : JSON.stringify(sent.body));
  if (body !== undefined) headers['content-type'] ??= 'application/json';
  return { method: sent.method ?? (body === undefined ? 'GET' : 'POST'), headers, ...(body === undefined ? {} : { body }) };
}

export interface ProblemBody {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly request_id: string;
  readonly details?: { readonly fields?: { readonly path: string; readonly message: string }[]; readonly retry_after_seconds?: number };
}

/** Checks that a reply is this refusal, as problem JSON, and returns it. */
export async function expectProblem(response: Response, status: number, code: string): Promise<ProblemBody> {
  const text = await response.text();
  expect({ status: response.status, type: response.headers.get('content-type'), text }).toMatchObject({ status, type: 'application/problem+json' });
  const problem = JSON.parse(text) as ProblemBody;
  expect(problem).toMatchObject({ code, status });
  expect(response.headers.get('x-request-id')).toBe(problem.request_id);
  return problem;
}

/** The session cookie that a reply sets, as a browser sends it back. */
export function cookieOf(response: Response): string {
  return (response.headers.get('set-cookie') ?? '').split(';')[0]!;
}

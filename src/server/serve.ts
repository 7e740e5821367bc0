// Opens the store, starts everything that lives as long as the server, and listens.
import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

import { createAdaptorServer } from '@hono/node-server';

import { LIMITS } from '../core/limits.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { createKey, createLoginLink, findPin } from '../store/access.ts';
import { openStore, type Store } from '../store/store.ts';

import { createApp } from './app.ts';
import { createContext } from './create-context.ts';
import type { OpenWorkers } from './doors/jobdistributor/caller.ts';
import { allHandlers } from './handlers/index.ts';
import { loginPath } from './handlers/access.ts';
import { startSweeper } from './sweeper.ts';

export interface ServeOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly data_dir: string;
  /** `postgres://…`, or null for the SQLite file in `data_dir`. */
  readonly database: string | null;
  readonly log: Log;
  readonly clock: Clock;
  readonly version: string;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
  readonly artifact_limit_bytes?: number;
  /** Address ranges of proxies whose X-Forwarded headers count. */
  readonly trusted_proxies?: readonly string[];
  /** Clients of JobDistributor that need no token; left out: none. */
  readonly open_workers?: OpenWorkers | null;
  /** Where `dashboard/` and `agent.mjs` were built; default: beside the built server. */
  readonly static_dir?: string;
  /** Threads that read from SQLite; 0 reads in this one. */
  readonly read_threads?: number;
  /** How long a client may leave a reply unread; default: as the limits say. */
  readonly unread_ms?: number;
  /** Take a data directory that lies on a network file system: only one machine may use it. */
  readonly allow_network_file_system?: boolean;
}

export interface RunningServer {
  /** Where this machine reaches it. */
  readonly url: string;
  readonly store_id: string;
  readonly database: 'sqlite' | 'postgres';
  /** An admin key made in the store directly, for the user who started the server. */
  createLocalKey(name?: string): Promise<{ readonly key: string }>;
  /** A full URL that opens the dashboard once. */
  loginLink(): Promise<string>;
  /** Null when there is no such experiment. */
  pin(experiment: string): Promise<string | null>;
  stop(): Promise<void>;
  /** Resolves when it has stopped. */
  readonly closed: Promise<void>;
}

const READ_THREADS = 2;
/** Longer than proxies keep theirs, so that a proxy never sends into a connection that we just closed. */
const KEEP_ALIVE_MS = 65_000;
const HEADERS_MS = 20_000;
/** Of the ten seconds that a stop may take; the rest is for the store. */
const FINISH_MS = 8_000;
const IDLE_CHECK_MS = 50;

export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { clock, log, version, random } = options;
  const store = await openStoreOf(options);
  const stopping = new AbortController();
  // Every hanging reply may listen.
  setMaxListeners(0, stopping.signal);
  try {
    const context = createContext({
      store,
      clock,
      log,
      version,
      random,
      artifact_limit_bytes: options.artifact_limit_bytes ?? LIMITS.artifact_bytes.value,
      stopping: stopping.signal,
    });
    const app = createApp(context, allHandlers(), {
      static_dir: options.static_dir ?? fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, ''),
      data_dir: options.data_dir,
      trusted_proxies: options.trusted_proxies ?? [],
      open_workers: options.open_workers ?? undefined,
    });
    const server = createAdaptorServer({
      fetch: app.fetch,
      // A limit on the whole request would cut long uploads; bodies have their own limits, on their rate.
      serverOptions: { requestTimeout: 0, headersTimeout: HEADERS_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    }) as Server;
    // What is silent because there is nothing to say is left alone.
    server.setTimeout(options.unread_ms ?? LIMITS.unread_reply_seconds.value * 1000, (socket) => {
      if (socket.writableLength > 0) socket.destroy();
    });
    leaveNeedlessBodies(server);
    const closeUnused = trackUnused(server);
    await listen(server, options);
    const sweeper = startSweeper(context);
    return running({ options, store, server, closeUnused, end: () => stopping.abort(), stopSweeper: () => sweeper.stop() });
  } catch (error) {
    stopping.abort();
    await store.close();
    throw error;
  }
}

function openStoreOf({ database, data_dir, clock, read_threads, allow_network_file_system = false }: ServeOptions): Promise<Store> {
  if (database !== null) return openStore({ engine: { kind: 'postgres', url: database, schema: null, clock }, directory: data_dir, clock });
  return openStore({
    engine: { kind: 'sqlite', directory: data_dir, clock, read_threads: read_threads ?? READ_THREADS, allow_network_file_system },
    directory: data_dir,
    clock,
  });
}

/** Rejects with the system's error, e.g. of code EADDRINUSE. */
function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A read has no body here. Who sends one all the same, perhaps a byte now and then, is answered and then left. */
function leaveNeedlessBodies(server: Server): void {
  server.prependListener('request', ({ method, headers }, reply) => {
    const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
    if (hasBody && (method === 'GET' || method === 'HEAD')) reply.shouldKeepAlive = false;
  });
}

/** Connections that have sent no request yet, as browsers open them in advance: for Node they are not idle, and a stop would wait for them. */
function trackUnused(server: Server): () => void {
  const unused = new Set<Socket>();
  server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }) => unused.delete(socket));
  return () => {
    for (const socket of unused) socket.destroy();
  };
}

interface Parts {
  readonly options: ServeOptions;
  readonly store: Store;
  readonly server: Server;
  readonly closeUnused: () => void;
  /** Answers what hangs and refuses what comes. */
  readonly end: () => void;
  readonly stopSweeper: () => Promise<void>;
}

function running(parts: Parts): RunningServer {
  const { store, server, options } = parts;
  const url = localUrl(options.host, (server.address() as AddressInfo).port);
  let stopped: Promise<void> | null = null;
  let resolveClosed: () => void;
  const closed = new Promise<void>((resolve) => (resolveClosed = resolve));
  return {
    url,
    store_id: store.id,
    database: store.dialect,
    createLocalKey: (name = 'local') =>
      store.write(async (tx) => ({ key: (await createKey(tx, { name, role: 'admin', experiments: null, expires_at: null, actor: 'server' })).key })),
    async loginLink() {
      const link = await store.write((tx) => createLoginLink(tx, { name: 'one-time link', role: 'admin', api_key_id: null }));
      return url + loginPath(link.secret);
    },
    async pin(experiment) {
      const stored = await findPin(store, experiment);
      return stored === null ? null : store.key.decrypt(stored.pin_cipher);
    },
    stop() {
      stopped ??= stop(parts).finally(() => resolveClosed());
      return stopped;
    },
    closed,
  };
}

async function stop({ options, store, server, closeUnused, end, stopSweeper }: Parts): Promise<void> {
  const { clock } = options;
  const isClosed = new Promise<void>((resolve) => server.close(() => resolve()));
  end();
  const sweeping = stopSweeper();
  const over = new AbortController();
  void isClosed.then(() => over.abort());
  const deadline = clock.monotonic() + FINISH_MS;
  // Replies under way are finished; connections that wait for a next request are not waited for.
  while (!over.signal.aborted && clock.monotonic() < deadline) {
    server.closeIdleConnections();
    closeUnused();
    await clock.sleep(IDLE_CHECK_MS, over.signal);
  }
  server.closeAllConnections();
  await isClosed;
  await sweeping;
  await store.close();
}

function localUrl(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

// Reads of a SQLite file, spread over a few threads.
import { Worker } from 'node:worker_threads';

import type { ReadReply, ReadRequest } from './read-worker.ts';
import type { SqlValue } from './sql.ts';

interface Waiting {
  readonly resolve: (rows: unknown[]) => void;
  readonly reject: (error: Error) => void;
}

export interface ReadPool {
  all(text: string, values: readonly SqlValue[]): Promise<unknown[]>;
  close(): Promise<void>;
}

export function openReadPool(path: string, size: number): ReadPool {
  const threads = Array.from({ length: size }, () => startThread(path));
  return {
    all(text, values) {
      const thread = threads.reduce((least, one) => (one.waiting.size < least.waiting.size ? one : least));
      return thread.all(text, values);
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.worker.terminate()));
    },
  };
}

function startThread(path: string) {
  const worker = new Worker(new URL('./read-worker.js', import.meta.url), { workerData: { path } });
  const waiting = new Map<number, Waiting>();
  let next = 0;
  worker.unref();
  worker.on('message', (reply: ReadReply) => {
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('rows' in reply) one?.resolve(reply.rows);
    else one?.reject(new Error(reply.error));
    if (waiting.size === 0) worker.unref();
  });
  worker.on('error', (error: unknown) => {
    for (const one of waiting.values()) one.reject(error instanceof Error ? error : new Error(String(error)));
    waiting.clear();
  });
  return {
    worker,
    waiting,
    all: (text: string, values: readonly SqlValue[]) =>
      new Promise<unknown[]>((resolve, reject) => {
        next += 1;
        waiting.set(next, { resolve, reject });
        worker.ref();
        worker.postMessage({ id: next, text, values } satisfies ReadRequest);
      }),
  };
}

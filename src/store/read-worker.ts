// A thread with its own read-only connection: a scan here never makes a claim wait.
import { parentPort, workerData } from 'node:worker_threads';

import { openSqlite } from './sqlite.ts';
import type { SqlValue } from './sql.ts';

export interface ReadRequest {
  readonly id: number;
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export type ReadReply = { readonly id: number; readonly rows: unknown[] } | { readonly id: number; readonly error: string };

const connection = openSqlite((workerData as { path: string }).path, { readonly: true });

parentPort!.on('message', (request: ReadRequest) => {
  connection.all(request.text, request.values).then(
    (rows) => parentPort!.postMessage({ id: request.id, rows } satisfies ReadReply),
    (error: unknown) => parentPort!.postMessage({ id: request.id, error: error instanceof Error ? error.message : String(error) } satisfies ReadReply),
  );
});

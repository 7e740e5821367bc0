// A server with its door, on any engine, and clients of JobDistributor that come to it.
import { type ManualClock } from '../../../../test/support/manual-clock.ts';
import type { WorkerShape } from '../../../contract/index.ts';
import { OldClient, type OldJob, type OldReply, type OldRequest } from '../../../../test/support/old-client.ts';
import { readyDelayed, sweepLiveness } from '../../../store/sweep.ts';
import { type Store, writeSetting } from '../../../store/store.ts';
import { openTestApp, type TestApp } from '../../test-app.suite.ts';

import type { OpenWorkers } from './caller.ts';

export const EXPERIMENT = 'digits-tune';

export interface DoorScene {
  readonly server: TestApp;
  readonly experiment: number;
  token(key?: string, experiment?: string): Promise<string>;
  /** `token` null: none. */
  client(worker_id: string, token: string | null, from?: string): OldClient;
  /** An idle heartbeat, and what it brought. */
  given(client: OldClient): Promise<{ readonly worker: OldClient; readonly reply: OldReply; readonly job: OldJob | null }>;
  /** As the API shows it. */
  worker(id: string): Promise<WorkerShape>;
  addJobs(count: number, more?: Record<string, unknown>): Promise<void>;
  job(number: number): Promise<Awaited<ReturnType<ReturnType<TestApp['client']>['jobs']['get']>>>;
  /** Lets time pass, of clocks that cannot be moved by moving what is on record. */
  pass(ms: number): Promise<void>;
  sweep(): Promise<void>;
  counts(): Promise<Record<string, number>>;
}

export async function openDoorScene(opened: { store: Store; clock: ManualClock }, open_workers?: OpenWorkers): Promise<DoorScene> {
  const { store, clock } = opened;
  // PostgreSQL tells its own time.
  if (store.dialect === 'postgres') clock.jump((await store.write(async (tx) => tx.now)) - clock.now());
  const server = await openTestApp({ store: opened, artifact_limit_bytes: 64 * 1024, ...(open_workers === undefined ? {} : { open_workers }) });
  const experiment = await server.newExperiment(EXPERIMENT);
  const params = { experiment: EXPERIMENT };
  const api = server.client();
  return {
    server,
    experiment,
    async token(key = server.key, name = EXPERIMENT) {
      const reply = await server.send('/api/worker/token', { key, body: { experiment_name: name } });
      if (reply.status !== 200) throw new Error(`token: ${reply.status} ${await reply.text()}`);
      return ((await reply.json()) as { worker_token: string }).worker_token;
    },
    client: (worker_id, token, from = '192.0.2.7') => new OldClient((request) => send(server, request, from), worker_id, token),
    async given(client) {
      const reply = await client.heartbeat();
      return { worker: client, reply, job: reply.body['job'] as OldJob | null };
    },
    worker: async (id) => (await api.workers.list({ params, query: { state: 'all' } })).workers.find((one) => one.worker_id === id)!,
    async addJobs(count, more = {}) {
      await api.jobs.create({ params, body: { jobs: Array.from({ length: count }, (_, index) => ({ params: { index } })), ...more } });
    },
    job: (number) => api.jobs.get({ params: { ...params, number } }),
    async pass(ms) {
      clock.advance(ms);
      if (store.dialect === 'postgres') await moveRecord(store, ms);
    },
    sweep: () =>
      store.write(async (tx) => {
        // As if the sweeper had been there all the time.
        await writeSetting(tx, 'swept_at', String(tx.now));
        await sweepLiveness(tx, { swept_at: tx.now, monotonic_elapsed: 0, idle: 0 });
        await readyDelayed(tx);
      }),
    async counts() {
      const { counts } = await api.experiments.get({ params });
      return { pending: counts.pending, running: counts.running, done: counts.done, aborted: counts.aborted };
    },
  };
}

async function send(server: TestApp, { method, path, headers, body }: OldRequest, from: string): Promise<OldReply> {
  const response = await server.app.request(path, { method, headers, ...(body === undefined ? {} : { body }) }, { address: from });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isJson = response.headers.get('content-type') === 'application/json';
  return { status: response.status, bytes, body: isJson ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>) : {} };
}

async function moveRecord(store: Store, ms: number): Promise<void> {
  const moments = {
    agent: ['heard_at', 'term_started_at', 'left_at'],
    lease: ['granted_at'],
    door_worker: ['idle_since'],
    door_assignment: ['heard_at', 'quit_at'],
    attempt: ['claimed_at', 'recorded_at'],
    job: ['not_before'],
  };
  await store.write(async (tx) => {
    for (const [table, columns] of Object.entries(moments)) {
      await tx.sql.run(`update ${table} set ${columns.map((column) => `${column} = ${column} - ${ms}`).join(', ')}`);
    }
  });
}

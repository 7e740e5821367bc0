// Where tests of logs, metrics and files begin: a server in one process with one job that runs, its token, and an agent's key.
import { insertAttempt, type InsertedExperiment, insertExperiment, insertJob } from '../../../test/support/rows.ts';
import type { AttemptReference } from '../../store/attempt-proof.ts';
import { openTestApp, type TestApp } from '../test-app.suite.ts';

export const EXPERIMENT = 'digits-tune';
/** Job 42 of it. */
export const JOB = `/api/v1/experiments/${EXPERIMENT}/jobs/42`;
/** When the clock of the test begins. */
export const NOW = '2026-01-01T00:00:00.000Z';

export interface RunningJob {
  readonly server: TestApp;
  readonly experiment: InsertedExperiment;
  readonly job: number;
  readonly attempt: AttemptReference;
  readonly agent_key: string;
}

export async function openRunningJob(): Promise<RunningJob> {
  const server = await openTestApp();
  const experiment = await insertExperiment(server.store, EXPERIMENT);
  const job = await insertJob(server.store, experiment, 42);
  const attempt = await insertAttempt(server.store, job);
  const total = { cpus: 1, memory_bytes: 1, gpus: 0 };
  const body = { host: 'gpunode', instance: 'egg', experiments: [EXPERIMENT], workers: 1, total, version: '0.4.2' };
  const agent_key = (await server.client().agents.register({ body })).secret;
  return { server, experiment, job, attempt, agent_key };
}

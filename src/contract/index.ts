// The contract: every endpoint of Drover's HTTP API, in one table.
import { access } from './endpoints/access.ts';
import { agents } from './endpoints/agents.ts';
import { experiments } from './endpoints/experiments.ts';
import { jobs } from './endpoints/jobs.ts';
import { results } from './endpoints/results.ts';
import { server } from './endpoints/server.ts';
import { workers } from './endpoints/workers.ts';

export const API_ROOT = '/api/v1';

export const contract = { experiments, jobs, results, workers, agents, access, server } as const;

export type Contract = typeof contract;

export * from './endpoint.ts';
export * from './schemas.ts';
export * from './problem.ts';
export { createClient, type Client, type ClientOptions } from './client.ts';
export { BULK_ACTIONS, SORTS } from './endpoints/jobs.ts';
export { ROLES, type ActorShape, type ApiKeyShape } from './endpoints/access.ts';
export type {
  FinishedAttemptShape,
  LeaseReferenceShape,
  LeaseShape,
  LogChunkShape,
  MetricBatchShape,
  RunningAttemptShape,
  SyncReplyShape,
  SyncRequestShape,
} from './endpoints/agents.ts';

// The contract: every endpoint of Drover's HTTP API, in one table, and what reads it.
export { API_ROOT, contract, type Contract } from './table.ts';
export * from './endpoint.ts';
export * from './schemas.ts';
export * from './problem.ts';
export { openApiDocument, type OpenApiOperation } from './openapi.ts';
export { createClient, type Client } from './client.ts';
export { EXPORT_FORMATS } from './endpoints/export.ts';
export { Sort, type JobSort } from './job-filter.ts';
export type { VariableShape } from './endpoints/variables.ts';
export type { JobView, SavedViewShape } from './endpoints/views.ts';
export type { ActorShape, ApiKeyShape } from './endpoints/access.ts';
export type { MachineShape } from './endpoints/machines.ts';
export type {
  FinishedAttemptShape,
  LeaseReferenceShape,
  LeaseShape,
  LogChunkShape,
  MetricBatchShape,
  RunningAttemptShape,
  SyncReplyShape,
  SyncRequestShape,
  ToldExecutionsShape,
} from './endpoints/agents.ts';

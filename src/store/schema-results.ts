// Rows of what jobs leave behind: files, logs, metrics. What is said at the top of schema.ts holds here too.
import type { Generated } from 'kysely';

type Flag = 0 | 1;

export interface ArtifactTable {
  id: Generated<number>;
  job_id: number;
  attempt: number;
  rank: number;
  kind: 'artifact' | 'checkpoint';
  name: string;
  version: number;
  size_bytes: number;
  sha256: string;
  blob_key: string;
  upload_key: string;
  superseded: Flag;
  created_at: number;
}

export interface LogChunkTable {
  job_id: number;
  attempt: number;
  rank: number;
  /** 1 stdout, 2 stderr. */
  stream: number;
  first_offset: number;
  length: number;
  at: number;
  data: Uint8Array | null;
  blob_key: string | null;
  dropped: Flag;
}

export interface MetricChunkTable {
  id: Generated<number>;
  job_id: number;
  attempt: number;
  rank: number;
  name: string;
  count: number;
  first_step: number | null;
  last_step: number | null;
  first_at: number;
  last_at: number;
  least: number | null;
  greatest: number | null;
  last: number | null;
  /** `[step,value,at],[step,value,at]…`, without the outer brackets, so that points are appended as text. */
  points: string;
}

/** Samples of one agent's machine in one stretch of time, all with the same names. */
export interface MachineSampleTable {
  agent_id: number;
  span: 'raw' | 'mean';
  /** Of the stretch. */
  starts_at: number;
  names_json: string;
  /** `[milliseconds since starts_at,value,value,…],[…]…`, values in the order of the names, without the outer brackets. */
  points: string;
}

/** What is the same for many executions; few rows, each stored once. */
export interface ExecutionPlaceTable {
  id: Generated<number>;
  hash: string;
  place_json: string;
}

/** As what an attempt was run. */
export interface ExecutionTable {
  job_id: number;
  attempt: number;
  rank: number;
  place_id: number;
  /** What belongs to this attempt alone. */
  own_json: string;
}

// The environment of a job: what the worker was launched with, less our secrets, plus what the script library reads.
import { delimiter } from 'node:path';

import type { LeaseShape } from '../contract/index.ts';
import { SETTINGS, type Environment } from '../runtime/config.ts';

export interface JobPlaces {
  readonly server: string;
  /** `jd_data`. */
  readonly data: string;
  readonly job_directory: string;
  readonly attempt_directory: string;
  readonly worker_id: string;
  /** Directory that holds the `jd` package. */
  readonly python_library: string;
}

/** Variables that hold secrets of ours: a job never gets them. */
const SECRET_VARIABLES: ReadonlySet<string> = new Set(Object.values(SETTINGS).flatMap((setting) => ('secret' in setting ? [...setting.env] : [])));

export function withoutSecrets(env: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !SECRET_VARIABLES.has(name)) kept[name] = value;
  }
  return kept;
}

/** What a job finds beside `inherited`, which is already without secrets. */
export function jobVariables(inherited: Readonly<Record<string, string>>, lease: LeaseShape, places: JobPlaces): Record<string, string> {
  const pythonPath = inherited['PYTHONPATH'];
  return {
    JD_JOB_ID: String(lease.number),
    JD_EXP_ID: lease.experiment,
    JD_SERVER: places.server,
    JD_WORKER_WORKSPACE_ROOT: places.data,
    JD_WORKER_JOB_DIR: places.job_directory,
    JD_WORKER_ID: places.worker_id,
    JD_WORKER_TOKEN: jobToken(lease),
    JD_ATTEMPT: String(lease.attempt),
    JD_ATTEMPT_DIR: places.attempt_directory,
    PYTHONUNBUFFERED: '1',
    PYTHONPATH: pythonPath === undefined || pythonPath === '' ? places.python_library : `${places.python_library}${delimiter}${pythonPath}`,
  };
}

/** Opens this attempt only, and only while it lasts. */
export function jobToken(lease: Pick<LeaseShape, 'job_id' | 'attempt' | 'rank' | 'token'>): string {
  return `jdt_${lease.job_id}.${lease.attempt}.${lease.rank}.${lease.token}`;
}

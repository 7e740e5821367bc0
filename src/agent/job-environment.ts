// The environment of a job: what the worker was launched with, less our secrets, plus what the script library reads.
import { delimiter } from 'node:path';

import type { LeaseShape } from '../contract/index.ts';
import { isSecretVariable, secretVariable } from '../core/variables.ts';
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

/**
 * For the process of an agent and not for its jobs. Left alone, glibc learns from the first large buffers to keep many megabytes of what was
 * freed: an agent that has shipped logs stays at 78 to 82 MB instead of 75 to 77.
 */
const MALLOC_VARIABLES = { MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_MMAP_THRESHOLD_: '131072' };
/** Names those that were set here, so that a job keeps what its user chose. */
const SET_HERE = 'DROVER_AGENT_VARIABLES';

/** Of a background agent. */
export function agentEnvironment(env: Environment): Record<string, string> {
  const inherited = withoutSecrets(env);
  const added = Object.entries(MALLOC_VARIABLES).filter(([name]) => inherited[name] === undefined);
  return { ...inherited, ...Object.fromEntries(added), [SET_HERE]: added.map(([name]) => name).join(' ') };
}

/** Variables that hold secrets of ours: a job never gets them. */
const SECRET_VARIABLES: ReadonlySet<string> = new Set(Object.values(SETTINGS).flatMap((setting) => ('secret' in setting ? [...setting.env] : [])));

/** What jobs inherit. An agent that was itself started by a job has the secrets of that one. */
export function withoutSecrets(env: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  const ours = new Set([SET_HERE, ...(env[SET_HERE] ?? '').split(' ')]);
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !SECRET_VARIABLES.has(name) && !isSecretVariable(name) && !ours.has(name)) kept[name] = value;
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
    ...(lease.machine === null ? {} : { JD_MACHINE: lease.machine }),
    JD_WORKER_TOKEN: jobToken(lease),
    JD_ATTEMPT: String(lease.attempt),
    JD_ATTEMPT_DIR: places.attempt_directory,
    PYTHONUNBUFFERED: '1',
    PYTHONPATH: pythonPath === undefined || pythonPath === '' ? places.python_library : `${places.python_library}${delimiter}${pythonPath}`,
    ...Object.fromEntries(Object.entries(lease.secrets ?? {}).map(([name, value]) => [secretVariable(name), value])),
  };
}

/** Opens this attempt only, and only while it lasts. */
export function jobToken(lease: Pick<LeaseShape, 'job_id' | 'attempt' | 'rank' | 'token'>): string {
  return `jdt_${lease.job_id}.${lease.attempt}.${lease.rank}.${lease.token}`;
}

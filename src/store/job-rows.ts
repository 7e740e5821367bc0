// Jobs as they are shown: one row joined with what it names.
import type { JobStatus } from '../core/job.ts';
import type { Params } from '../core/params.ts';

import type { JobTable } from './schema.ts';
import type { Reader } from './store.ts';

export interface JobRecord extends Omit<JobTable, 'params_json' | 'tags_json' | 'command_id' | 'demand_id'> {
  readonly experiment: string;
  readonly params: Params;
  readonly tags: readonly string[];
  readonly command: string | null;
  readonly machine_class: string | null;
  readonly cpus: number;
  readonly memory_bytes: number;
  readonly gpus: number;
}

type JoinedRow = JobTable & { experiment: string; command: string | null; machine_class: string | null; cpus: number; memory_bytes: number; gpus: number };

export const JOB_COLUMNS = `job.*, experiment.name as experiment, command.template as command, demand.machine_class, demand.cpus, demand.memory_bytes, demand.gpus`;
export const JOB_JOINS = `join experiment on experiment.id = job.experiment_id join demand on demand.id = job.demand_id left join command on command.id = job.command_id`;

export function toJobRecord(row: JoinedRow): JobRecord {
  const { params_json, tags_json, command_id: _command, demand_id: _demand, ...rest } = row;
  return { ...rest, params: JSON.parse(params_json) as Params, tags: tags_json === null ? [] : (JSON.parse(tags_json) as string[]) };
}

type SqlReader = Pick<Reader, 'sql'>;

export async function findJob(reader: SqlReader, experimentId: number, number: number): Promise<JobRecord | null> {
  const [row] = await reader.sql.all<JoinedRow>(`select ${JOB_COLUMNS} from job ${JOB_JOINS} where job.experiment_id = ? and job.number = ?`, [
    experimentId,
    number,
  ]);
  return row === undefined ? null : toJobRecord(row);
}

/**
 * That a job of this status has a beginning, in the words of the index `job_started`. Running jobs are not in it, because they would enter and leave
 * it with each cycle; they are as few as there are workers, so they are sorted when they are asked for.
 */
export function hasStarted(status: JobStatus, table = ''): string {
  return `${table}started_at is not null${status === 'running' ? '' : ` and ${table}status <> 'running'`}`;
}

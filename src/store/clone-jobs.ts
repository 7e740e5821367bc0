// Copies of jobs at the end of the queue: what the job asks for and what it runs, never what became of it.
import { formatRanges, toRanges } from '../core/identifiers.ts';
import type { Params } from '../core/params.ts';

import { takeNumbers } from './create-jobs.ts';
import { indexParams, indexTags } from './search-index.ts';
import { lockOf, rowSet, valueSet } from './sql.ts';
import type { Transaction } from './writer.ts';

export interface CloneRequest {
  readonly experiment_id: number;
  readonly numbers: readonly number[];
  /** Copies of each; those of one job follow one another. */
  readonly times: number;
  readonly actor: string;
}

export interface Cloned {
  readonly created: number;
  readonly from: number | null;
  readonly to: number | null;
  /** Those of the named jobs that there are. */
  readonly cloned: readonly number[];
}

interface Original {
  readonly id: number;
  readonly number: number;
  readonly params_json: string;
  readonly tags_json: string | null;
}

export async function cloneInto(tx: Transaction, { experiment_id, numbers, times, actor }: CloneRequest): Promise<Cloned> {
  const originals = await tx.sql.all<Original>(
    `select id, number, params_json, tags_json from job where experiment_id = ? and number in ${valueSet(tx.sql.dialect, 'int')} order by number${lockOf(tx.sql)}`,
    [experiment_id, JSON.stringify(numbers)],
  );
  if (originals.length === 0) return { created: 0, from: null, to: null, cloned: [] };
  const copies = originals.flatMap((original) => Array.from({ length: times }, () => original));
  const { first_number, first_job_id } = await takeNumbers(tx, experiment_id, copies.length);
  await tx.sql.run(
    `insert into job (id, experiment_id, number, status, params_json, command_id, demand_id, matrix_id, kind, priority, revision,
        attempts, failures, losses, max_attempts, timeout_seconds, grace_seconds, tags_json, created_at, results_dir)
      select v.id, j.experiment_id, v.number, 'pending', j.params_json, j.command_id, j.demand_id, j.matrix_id, j.kind, j.priority, 1,
        0, 0, 0, j.max_attempts, j.timeout_seconds, j.grace_seconds, j.tags_json, ?, j.results_dir
      from ${rowSet(tx.sql.dialect, { id: 'int', number: 'int', original: 'int' })} as v cross join job j where j.id = v.original`,
    [tx.now, JSON.stringify(copies.map((original, index) => [first_job_id + index, first_number + index, Number(original.id)]))],
  );
  await index(tx, experiment_id, first_number, copies);
  tx.count(experiment_id, 'pending', copies.length);
  tx.count(experiment_id, 'created', copies.length);
  const cloned = originals.map(({ number }) => Number(number));
  tx.event({
    ...{ kind: 'jobs_created', experiment_id, actor },
    numbers: { from: first_number, to: first_number + copies.length - 1 },
    ...(copies.length === 1 ? { job_id: first_job_id } : {}),
    data: { cloned_from: formatRanges(toRanges(cloned)) },
  });
  tx.wake('all');
  return { created: copies.length, from: first_number, to: first_number + copies.length - 1, cloned };
}

/** Copies are found by their params and tags like any other job. */
async function index(tx: Transaction, experimentId: number, firstNumber: number, copies: readonly Original[]): Promise<void> {
  await indexParams(
    tx.sql,
    experimentId,
    firstNumber,
    copies.map(({ params_json }) => JSON.parse(params_json) as Params),
  );
  const tagged = copies.flatMap(({ tags_json }, offset) =>
    tags_json === null ? [] : [{ number: firstNumber + offset, tags: JSON.parse(tags_json) as string[] }],
  );
  if (tagged.length > 0) await indexTags(tx.sql, experimentId, tagged);
}

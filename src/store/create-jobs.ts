// Making jobs, thousands at a time: numbers are taken in one piece, rows and their searchable params go in as sets.
import { createHash } from 'node:crypto';

import type { Params } from '../core/params.ts';
import type { FrozenVariables } from '../core/variables.ts';

import { indexParams, indexTags } from './search-index.ts';
import { rowSet, type Sql } from './sql.ts';
import type { Transaction } from './writer.ts';

/** What a set of new jobs shares. */
export interface JobTemplate {
  readonly command: string | null;
  /** Those that the command uses, as they are now. */
  readonly variables: FrozenVariables;
  readonly machine_class: string | null;
  readonly cpus: number;
  readonly memory_bytes: number;
  readonly gpus: number;
  readonly priority: number;
  readonly max_attempts: number | null;
  readonly timeout_seconds: number | null;
  readonly grace_seconds: number | null;
  readonly tags: readonly string[];
  readonly held: boolean;
  readonly results_dir: string | null;
}

export interface NumberBlock {
  readonly first_number: number;
  readonly first_job_id: number;
}

/** Takes `count` consecutive numbers of the experiment and as many ids of the server. */
export async function takeNumbers(tx: Transaction, experimentId: number, count: number): Promise<NumberBlock> {
  const [experiment] = await tx.sql.all<{ next_number: number }>(
    'update experiment set next_number = next_number + ?, last_activity_at = ? where id = ? returning next_number',
    [count, tx.now, experimentId],
  );
  const [ids] = await tx.sql.all<{ value: number }>(
    `insert into counter (experiment_id, name, value) values (0, 'job_id', ?)
     on conflict (experiment_id, name) do update set value = counter.value + excluded.value returning value`,
    [count],
  );
  return { first_number: Number(experiment!.next_number) - count, first_job_id: Number(ids!.value) - count + 1 };
}

export interface JobSet {
  readonly experiment_id: number;
  readonly template: JobTemplate;
  readonly matrix_id: number | null;
  readonly block: NumberBlock;
  /** Params of the jobs, in the order of their numbers. */
  readonly params: readonly Params[];
  readonly actor: string;
}

const ROWS_PER_STATEMENT = 5_000;
const CHARACTERS_PER_STATEMENT = 8_000_000;

/** Rows of one statement are limited by number and by size. */
function statementEnd(texts: readonly string[], from: number): number {
  let characters = 0;
  let to = from;
  while (to < texts.length && to - from < ROWS_PER_STATEMENT && (to === from || characters + texts[to]!.length <= CHARACTERS_PER_STATEMENT)) {
    characters += texts[to]!.length;
    to += 1;
  }
  return to;
}

/** Inserts the jobs, moves the counters and tells the event. */
export async function insertJobs(tx: Transaction, set: JobSet): Promise<void> {
  const command_id = set.template.command === null ? null : await commandId(tx.sql, set.template.command, set.template.variables);
  const demand_id = await demandId(tx.sql, set.experiment_id, set.template);
  const texts = set.params.map((one) => JSON.stringify(one));
  for (let from = 0, to = 0; from < texts.length; from = to) {
    to = statementEnd(texts, from);
    const params = set.params.slice(from, to);
    const first = from;
    const rows = texts.slice(from, to).map((text, index) => [set.block.first_job_id + first + index, set.block.first_number + first + index, text]);
    await insertRows(tx, set, { command_id, demand_id }, rows);
    await indexParams(tx.sql, set.experiment_id, set.block.first_number + from, params);
    const { tags } = set.template;
    if (tags.length > 0) {
      await indexTags(
        tx.sql,
        set.experiment_id,
        rows.map((row) => ({ number: row[1] as number, tags })),
      );
    }
  }
  tx.count(set.experiment_id, 'pending', set.params.length);
  tx.count(set.experiment_id, 'created', set.params.length);
  tellCreated(tx, set);
  if (!set.template.held) tx.wake('all');
}

function tellCreated(tx: Transaction, { experiment_id, template, matrix_id, block, params: { length }, actor }: JobSet): void {
  tx.event({
    ...{ kind: 'jobs_created', experiment_id, actor },
    numbers: { from: block.first_number, to: block.first_number + length - 1 },
    ...(length === 1 ? { job_id: block.first_job_id } : {}),
    data: { ...(matrix_id === null ? {} : { matrix_id }), ...(template.held ? { held: true } : {}) },
  });
}

async function insertRows(
  tx: Transaction,
  { experiment_id, template, matrix_id }: JobSet,
  ids: { command_id: number | null; demand_id: number },
  rows: (string | number)[][],
): Promise<void> {
  await tx.sql.run(
    `insert into job (id, experiment_id, number, status, params_json, command_id, demand_id, matrix_id, kind, priority, revision, held_at,
        attempts, failures, losses, max_attempts, timeout_seconds, grace_seconds, tags_json, created_at, results_dir)
      select id, ?, number, 'pending', params, ?, ?, ?, 'job', ?, 1, ?, 0, 0, 0, ?, ?, ?, ?, ?, ?
      from ${rowSet(tx.sql.dialect, { id: 'int', number: 'int', params: 'text' })} as v where true`,
    [
      experiment_id,
      ids.command_id,
      ids.demand_id,
      matrix_id,
      template.priority,
      template.held ? tx.now : null,
      template.max_attempts,
      template.timeout_seconds,
      template.grace_seconds,
      template.tags.length === 0 ? null : JSON.stringify(template.tags),
      tx.now,
      template.results_dir,
      JSON.stringify(rows),
    ],
  );
}

/** Each command text is stored once with the same variables. */
export async function commandId(sql: Sql, template: string, variables: FrozenVariables): Promise<number> {
  const variables_json = Object.keys(variables).length === 0 ? null : JSON.stringify(variables);
  // No template holds a NUL.
  const text = variables_json === null ? template : `${template}\0${variables_json}`;
  const hash = createHash('sha256').update(text).digest('base64url');
  const [row] = await sql.all<{ id: number }>(
    'insert into command (hash, template, variables_json) values (?, ?, ?) on conflict (hash) do update set template = excluded.template returning id',
    [hash, template, variables_json],
  );
  return Number(row!.id);
}

type Asking = Pick<JobTemplate, 'command' | 'machine_class' | 'cpus' | 'memory_bytes' | 'gpus'>;

/** Jobs that ask for the same things share a demand: the unit in which the queue is read. */
export async function demandId(sql: Sql, experimentId: number, template: Asking): Promise<number> {
  const fields = [experimentId, template.machine_class, template.cpus, template.memory_bytes, template.gpus, 1, template.command === null ? 1 : 0];
  const [row] = await sql.all<{ id: number }>(
    `insert into demand (key, experiment_id, machine_class, cpus, memory_bytes, gpus, gang_size, needs_script) values (?, ?, ?, ?, ?, ?, ?, ?)
      on conflict (key) do update set key = excluded.key returning id`,
    [JSON.stringify(fields), ...fields],
  );
  return Number(row!.id);
}

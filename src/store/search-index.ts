// What jobs are found by, kept beside them: each distinct param value and each tag once, and which jobs have it.
import { plainText, type Params } from '../core/params.ts';

import { rowSet, type Sql } from './sql.ts';

/** Tags stand among the values of params, under a name that no param can have. */
export const TAG_NAME = '#tag';

/** Longest param text that is searchable; longer ones are found by their beginning. */
const INDEXED_CHARACTERS = 500;

export function indexedText(value: Params[string]): string {
  return plainText(value).slice(0, INDEXED_CHARACTERS);
}

interface IndexedValue {
  readonly name: string;
  readonly value: string;
  readonly number: number | null;
  readonly jobs: number[];
}

export interface NumberedParams {
  readonly number: number;
  readonly params: Params;
}

function valuesOf(jobs: Iterable<NumberedParams>): IndexedValue[] {
  const values = new Map<string, IndexedValue>();
  for (const { number, params } of jobs) {
    for (const [name, value] of Object.entries(params)) {
      const text = indexedText(value);
      const key = keyOf({ name, value: text });
      const known = values.get(key);
      if (known === undefined) values.set(key, { name, value: text, number: typeof value === 'number' ? value : null, jobs: [number] });
      else known.jobs.push(number);
    }
  }
  return [...values.values()];
}

function keyOf({ name, value }: { readonly name: string; readonly value: string }): string {
  return `${name}\u0000${value}`;
}

/** Makes the params of consecutive jobs searchable. */
export async function indexParams(sql: Sql, experimentId: number, firstNumber: number, params: readonly Params[]): Promise<void> {
  await addValues(sql, experimentId, valuesOf(params.map((one, index) => ({ number: firstNumber + index, params: one }))));
}

/** Takes the params of jobs out of the search. */
export async function unindexJobs(sql: Sql, experimentId: number, jobs: readonly NumberedParams[]): Promise<void> {
  await removeValues(sql, experimentId, valuesOf(jobs));
}

export interface TaggedJob {
  readonly number: number;
  readonly tags: readonly string[];
}

/** Makes jobs be found by these tags. */
export async function indexTags(sql: Sql, experimentId: number, jobs: readonly TaggedJob[]): Promise<void> {
  await addValues(sql, experimentId, tagged(jobs));
}

/** Jobs are no longer found by these tags. */
export async function unindexTags(sql: Sql, experimentId: number, jobs: readonly TaggedJob[]): Promise<void> {
  await removeValues(sql, experimentId, tagged(jobs));
}

function tagged(jobs: readonly TaggedJob[]): IndexedValue[] {
  const values = new Map<string, IndexedValue>();
  for (const { number, tags } of jobs) {
    for (const value of tags) {
      const known = values.get(value);
      if (known === undefined) values.set(value, { name: TAG_NAME, value, number: null, jobs: [number] });
      else known.jobs.push(number);
    }
  }
  return [...values.values()];
}

async function addValues(sql: Sql, experimentId: number, values: readonly IndexedValue[]): Promise<void> {
  if (values.length === 0) return;
  const rows = await sql.all<{ id: number; name: string; value: string }>(
    `insert into param_value (experiment_id, name, value, number) select ?, name, value, number
      from ${rowSet(sql.dialect, { name: 'text', value: 'text', number: 'real' })} as v where true
      on conflict (experiment_id, name, value) do update set number = coalesce(excluded.number, param_value.number) returning id, name, value`,
    [experimentId, JSON.stringify(values.map((one) => [one.name, one.value, one.number]))],
  );
  await sql.run(
    `insert into job_param (value_id, number) select value_id, number from ${rowSet(sql.dialect, { value_id: 'int', number: 'int' })} as v where true on conflict do nothing`,
    [JSON.stringify(pairs(rows, values))],
  );
}

async function removeValues(sql: Sql, experimentId: number, values: readonly IndexedValue[]): Promise<void> {
  if (values.length === 0) return;
  // The set comes first, so that each of its rows is looked up in the index.
  const rows = await sql.all<{ id: number; name: string; value: string }>(
    `select param_value.id, param_value.name, param_value.value from ${rowSet(sql.dialect, { name: 'text', value: 'text' })} as v
      cross join param_value where param_value.experiment_id = ? and param_value.name = v.name and param_value.value = v.value`,
    [JSON.stringify(values.map((one) => [one.name, one.value])), experimentId],
  );
  await sql.run(
    `delete from job_param where (value_id, number) in (select value_id, number from ${rowSet(sql.dialect, { value_id: 'int', number: 'int' })} as v)`,
    [JSON.stringify(pairs(rows, values))],
  );
}

function pairs(rows: readonly { id: number; name: string; value: string }[], values: readonly IndexedValue[]): [number, number][] {
  const jobs = new Map(values.map((one) => [keyOf(one), one.jobs]));
  return rows.flatMap((row) => jobs.get(keyOf(row))!.map((number): [number, number] => [Number(row.id), number]));
}

/** In the order of their texts; those that no job has any more are left out. */
export async function readTags(sql: Sql, experimentId: number, limit: number): Promise<string[]> {
  const rows = await sql.all<{ value: string }>(
    `select value from param_value where experiment_id = ? and name = ? and exists (select 1 from job_param where value_id = param_value.id)
      order by value limit ?`,
    [experimentId, TAG_NAME, limit],
  );
  return rows.map((row) => row.value);
}

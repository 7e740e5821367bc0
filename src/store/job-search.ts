// Which jobs a filter names. Params are found through their own index; the cost is bounded by what is looked at, never by the
// number of jobs in the experiment.
import type { NumberRange } from '../core/identifiers.ts';
import { JOB_STATUSES, type JobStatus } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';
import { isNumber, type SearchTerm } from '../core/search.ts';

import { hasStarted } from './job-rows.ts';
import { TAG_NAME } from './search-index.ts';
import { type DialectName, type Sql, type SqlValue, valueSet } from './sql.ts';
import type { Reader } from './store.ts';

export interface JobFilter {
  readonly statuses?: readonly JobStatus[];
  readonly terms?: readonly SearchTerm[];
  readonly ranges?: readonly NumberRange[];
  readonly matrix_id?: number;
  readonly held?: boolean;
  /** Only those that were forgotten, or only the others. */
  readonly forgotten?: boolean;
  /** Found before: only these. */
  readonly numbers?: readonly number[];
}

/** A condition on `job` with its values. */
export interface Where {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** Values that a term may match and still be looked up one by one. */
export const MATCHED_VALUES = 2_000;
/** Most recently started jobs of each status whose worker and message are searched for a text. */
const SEARCHED_JOBS = 2_500;

/** The conditions of a filter, without the order and the page; `among`: to be joined with a set of numbers, by which the jobs are found. */
export async function filterWhere(reader: Pick<Reader, 'sql'>, experimentId: number, filter: JobFilter, among = filter.numbers !== undefined): Promise<Where> {
  const parts: Where[] = [{ text: 'job.experiment_id = ?', values: [experimentId] }];
  if (filter.statuses !== undefined) {
    // Among known numbers the index of statuses is the wrong way: an expression keeps the planner off it.
    const column = among ? "(job.status || '')" : 'job.status';
    parts.push({ text: `${column} in (${filter.statuses.map(() => '?').join(', ')})`, values: filter.statuses });
  }
  if (filter.matrix_id !== undefined) parts.push({ text: `job.matrix_id${among ? ' + 0' : ''} = ?`, values: [filter.matrix_id] });
  if (filter.held !== undefined) parts.push({ text: `job.held_at is ${filter.held ? 'not null' : 'null'}`, values: [] });
  if (filter.forgotten !== undefined) parts.push({ text: `job.forgotten_at is ${filter.forgotten ? 'not null' : 'null'}`, values: [] });
  if (filter.ranges !== undefined) parts.push(rangesWhere(filter.ranges));
  if (filter.numbers !== undefined) parts.push({ text: `job.number in ${valueSet(reader.sql.dialect, 'int')}`, values: [JSON.stringify(filter.numbers)] });
  for (const term of filter.terms ?? []) parts.push(await termWhere(reader, experimentId, term));
  return { text: parts.map((part) => part.text).join(' and '), values: parts.flatMap((part) => part.values) };
}

function rangesWhere(ranges: readonly NumberRange[]): Where {
  if (ranges.length > 1_000) throw new Refusal('too_many', 'Name at most 1,000 ranges of job numbers at once.');
  const text = ranges.map((range) => (range.from === range.to ? 'job.number = ?' : 'job.number between ? and ?')).join(' or ');
  return { text: `(${text})`, values: ranges.flatMap((range) => (range.from === range.to ? [range.from] : [range.from, range.to])) };
}

async function termWhere(reader: Pick<Reader, 'sql'>, experimentId: number, term: SearchTerm): Promise<Where> {
  const { sql } = reader;
  if (term.kind === 'param' && term.comparison !== '=' && term.comparison !== '!=') return numberWhere(sql.dialect, term);
  const values = await matchingValues(sql, experimentId, term);
  if (term.kind !== 'text') return { text: `${hasValue(sql.dialect)} = ${excludes(term) ? 0 : 1}`, values: [JSON.stringify(values)] };
  if (values.length > MATCHED_VALUES) {
    throw new Refusal(
      'too_many',
      `More than ${MATCHED_VALUES.toLocaleString('en-US')} different values hold ${JSON.stringify(term.text)}. Search for something more particular.`,
    );
  }
  const others = await textNumbers(sql, experimentId, term.text);
  // Found once for all jobs, instead of asking each job: a text may stand in many values.
  const having = `job.number in (select number from job_param where value_id in ${valueSet(sql.dialect, 'int')})`;
  return { text: `(${having} or job.number in ${valueSet(sql.dialect, 'int')})`, values: [JSON.stringify(values), JSON.stringify(others)] };
}

/** 1 if a job has one of some values (`?`), else 0. Asked job by job: as a join, PostgreSQL would read all jobs that have them. */
function hasValue(dialect: DialectName): string {
  const set = dialect === 'postgres' ? `= any (array${valueSet(dialect, 'int')})` : `in ${valueSet(dialect, 'int')}`;
  return `coalesce((select 1 from job_param where job_param.number = job.number and job_param.value_id ${set} limit 1), 0)`;
}

/** Compares the number that a job has for a param; jobs that have none, or a text, do not match. */
function numberWhere(dialect: DialectName, term: SearchTerm & { kind: 'param' }): Where {
  const { name, comparison, value } = term;
  if (dialect === 'sqlite') {
    const path = `$."${name}"`;
    return {
      text: `(json_type(job.params_json, ?) in ('integer', 'real') and json_extract(job.params_json, ?) ${comparison} ?)`,
      values: [path, path, Number(value)],
    };
  }
  return {
    text: `(case when jsonb_typeof(job.params_json::jsonb -> ?) = 'number' then (job.params_json::jsonb ->> ?)::double precision ${comparison} ? else false end)`,
    values: [name, name, Number(value)],
  };
}

/** Whether a term means the jobs that do not have its values: these are not found by them. */
export function excludes(term: SearchTerm): boolean {
  return term.kind === 'param' ? term.comparison === '!=' : term.kind === 'tag' && !term.has;
}

/** Ids of the param values that a term means, for `!=` those that it excludes; at most one more than MATCHED_VALUES. */
export async function matchingValues(sql: Sql, experimentId: number, term: SearchTerm): Promise<number[]> {
  const where = term.kind === 'text' ? textValueWhere(sql.dialect, term.text) : term.kind === 'tag' ? tagWhere(term.tag) : comparisonWhere(term);
  const rows = await sql.all<{ id: number }>(`select id from param_value where experiment_id = ? and ${where.text} limit ${MATCHED_VALUES + 1}`, [
    experimentId,
    ...where.values,
  ]);
  return rows.map((row) => Number(row.id));
}

function comparisonWhere(term: SearchTerm & { kind: 'param' }): Where {
  if (term.comparison === '=' || term.comparison === '!=') {
    if (isNumber(term.value)) return { text: 'name = ? and (value = ? or number = ?)', values: [term.name, term.value, Number(term.value)] };
    return { text: 'name = ? and value = ?', values: [term.name, term.value] };
  }
  return { text: `name = ? and number ${term.comparison} ?`, values: [term.name, Number(term.value)] };
}

function tagWhere(tag: string): Where {
  return { text: 'name = ? and value = ?', values: [TAG_NAME, tag] };
}

function textValueWhere(dialect: DialectName, text: string): Where {
  const like = dialect === 'sqlite' ? 'like' : 'ilike';
  const pattern = `%${escapeLike(text)}%`;
  return { text: `((name ${like} ? escape '~' and name <> ?) or value ${like} ? escape '~')`, values: [pattern, TAG_NAME, pattern] };
}

/** Jobs that a text finds by their number, their worker, or their message. */
export async function textNumbers(sql: Sql, experimentId: number, text: string): Promise<number[]> {
  const like = sql.dialect === 'sqlite' ? 'like' : 'ilike';
  const recent = JOB_STATUSES.map(
    (status) => `select * from (select number, worker_id, message from job where experiment_id = ? and status = '${status}' and ${hasStarted(status)}
        order by started_at desc limit ${SEARCHED_JOBS}) as ${status}_jobs`,
  );
  const rows = await sql.all<{ number: number }>(
    `select number from (${recent.join(' union all ')}) as recent
      where worker_id ${like} ? escape '~' or message ${like} ? escape '~' limit ${LIMITS.sorted_rows.value}`,
    [...recent.map(() => experimentId), `${escapeLike(text)}%`, `%${escapeLike(text)}%`],
  );
  const numbers = rows.map((row) => Number(row.number));
  if (/^\d{1,15}$/.test(text)) numbers.push(Number(text));
  return numbers;
}

function escapeLike(text: string): string {
  return text.replace(/[%_~]/g, '~$&');
}

// Reading the record of events: what is new after a cursor, and pages of history.
import { type EventKind, TRANSIENT_EVENTS } from '../core/event.ts';
import { parseRanges } from '../core/identifiers.ts';
import { LIMITS } from '../core/limits.ts';

import { type Reader, readSetting, writeSetting } from './store.ts';
import type { Transaction } from './writer.ts';

type Source = Pick<Reader, 'sql'>;

export interface StoredEvent {
  readonly id: number;
  readonly at: number;
  readonly kind: EventKind;
  readonly experiment_id: number | null;
  /** Its name; null when the event is about none, or about one that was deleted. */
  readonly experiment: string | null;
  readonly actor: string | null;
  readonly jobs: string | null;
  readonly data_json: string;
}

const COLUMNS = 'v.id, v.at, v.kind, v.experiment_id, e.name as experiment, v.actor, v.jobs, v.data_json';
// Rows of deleted experiments are kept for a while, under a name that begins with #.
const TABLES = `event v left join experiment e on e.id = v.experiment_id and e.name not like '#%'`;

// Two selects, because one with both would read the whole index.
const BOUNDS = `select (select min(id) from event) as oldest, (select max(id) from event) as newest`;

/** The id of the newest event; 0 when there is none. */
export async function newestEvent(source: Source): Promise<number> {
  const [row] = await source.sql.all<{ id: number | null }>(`select max(id) as id from event`);
  return Number(row?.id ?? 0);
}

export interface EventsAfter {
  readonly events: readonly StoredEvent[];
  /** The reader must load anew: it is too far behind, or its cursor is not of this record. `events` is empty then. */
  readonly reset: boolean;
  /** Where to read on. */
  readonly cursor: number;
}

/** Events after `cursor`, oldest first, at most `stream_events`. */
export async function readEventsAfter(source: Source, cursor: number): Promise<EventsAfter> {
  const most = LIMITS.stream_events.value;
  const [bounds] = await source.sql.all<{ oldest: number | null; newest: number | null }>(BOUNDS);
  const newest = Number(bounds?.newest ?? 0);
  const isKnown = cursor <= newest && newest - cursor <= most && (cursor === newest || cursor >= Number(bounds?.oldest ?? 1) - 1);
  if (!isKnown) return { events: [], reset: true, cursor: newest };
  const events = await nextEvents(source, cursor);
  return { events, reset: false, cursor: events.at(-1)?.id ?? cursor };
}

/** The next events after `cursor`, without asking whether it is known: for the one reader that follows the end. */
export function nextEvents(source: Source, cursor: number): Promise<StoredEvent[]> {
  return source.sql.all<StoredEvent>(`select ${COLUMNS} from ${TABLES} where v.id > ? order by v.id limit ?`, [cursor, LIMITS.stream_events.value]);
}

const TRANSIENT_LIST = TRANSIENT_EVENTS.map((kind) => `'${kind}'`).join(', ');
const LASTING = `v.kind not in (${TRANSIENT_LIST})`;

export interface HistoryPage {
  readonly experiment_id: number;
  /** Only older events than this id. */
  readonly before: number;
  readonly limit: number;
}

/** Events of an experiment, newest first. */
export function experimentHistory(source: Source, page: HistoryPage): Promise<StoredEvent[]> {
  return source.sql.all<StoredEvent>(`select ${COLUMNS} from ${TABLES} where v.experiment_id = ? and v.id < ? and ${LASTING} order by v.id desc limit ?`, [
    page.experiment_id,
    page.before,
    page.limit,
  ]);
}

/**
 * Events of one job, newest first: its own, sets that its number is in, the claims and ends that its attempts name by their moment, and holds
 * of the queue that it waited in. */
export async function jobHistory(source: Source, page: HistoryPage, number: number): Promise<StoredEvent[]> {
  const [job] = await source.sql.all<KnownJob>(`select id, created_at, finished_at from job where experiment_id = ? and number = ?`, [
    page.experiment_id,
    number,
  ]);
  const own = job === undefined ? [] : await ownEvents(source, page, job.id);
  const holds = job === undefined ? [] : await queueHolds(source, page, job);
  const sets = await includingSets(source, { page, number, from: SETS, values: [page.experiment_id, number, number] });
  const ends =
    job === undefined ? [] : await includingSets(source, { page, number, from: CLAIMS_AND_ENDS, values: [page.experiment_id, number, number, job.id, job.id] });
  const byId = new Map([...own, ...holds, ...sets, ...ends].map((event) => [event.id, event]));
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, page.limit);
}

function ownEvents(source: Source, page: HistoryPage, jobId: number): Promise<StoredEvent[]> {
  return source.sql.all<StoredEvent>(`select ${COLUMNS} from ${TABLES} where v.job_id = ? and v.id < ? and ${LASTING} order by v.id desc limit ?`, [
    jobId,
    page.before,
    page.limit,
  ]);
}

interface KnownJob {
  readonly id: number;
  readonly created_at: number;
  readonly finished_at: number | null;
}

/** Those that came while the job was neither running nor ended. Holds of a queue are few, and in the index `event_queue`, whose words these are. */
function queueHolds(source: Source, page: HistoryPage, { id, created_at, finished_at }: KnownJob): Promise<StoredEvent[]> {
  return source.sql.all<StoredEvent>(
    `select ${COLUMNS} from ${TABLES} where v.experiment_id = ? and v.kind in ('queue_held', 'queue_unheld') and v.id < ?
       and v.at >= ? and v.at <= ?
       and not exists (select 1 from attempt where attempt.job_id = ? and attempt.claimed_at <= v.at and (attempt.recorded_at is null or attempt.recorded_at > v.at))
     order by v.id desc limit ?`,
    [page.experiment_id, page.before, created_at, finished_at ?? Number.MAX_SAFE_INTEGER, id, page.limit],
  );
}

// The same words as in the index `event_set`, so that it is used.
const SETS = `v.experiment_id = ? and v.job_to >= ? and v.job_from <= ?
  and v.job_id is null and v.job_to is not null and v.kind not in ('jobs_claimed', 'jobs_finished')`;

const CLAIMS_AND_ENDS = `v.experiment_id = ? and v.job_to >= ? and v.job_from <= ? and v.kind in ('jobs_claimed', 'jobs_finished')
  and v.at in (select claimed_at from attempt where job_id = ? union select recorded_at from attempt where job_id = ? and recorded_at is not null)`;

interface SetSearch {
  readonly page: HistoryPage;
  readonly number: number;
  readonly from: string;
  readonly values: readonly number[];
}

const SET_BATCH = 500;

/** First to last number of a set is in the row; whether a number between them is in it, only its ranges tell. */
async function includingSets(source: Source, search: SetSearch): Promise<StoredEvent[]> {
  const { page, number, from, values } = search;
  const found: StoredEvent[] = [];
  for (let before = page.before; found.length < page.limit;) {
    const rows = await source.sql.all<StoredEvent>(`select ${COLUMNS} from ${TABLES} where ${from} and v.id < ? and ${LASTING} order by v.id desc limit ?`, [
      ...values,
      before,
      SET_BATCH,
    ]);
    found.push(...rows.filter((row) => includes(row.jobs, number)));
    if (rows.length < SET_BATCH) break;
    before = rows.at(-1)!.id;
  }
  return found.slice(0, page.limit);
}

function includes(ranges: string | null, number: number): boolean {
  return (parseRanges(ranges ?? '') ?? []).some((range) => range.from <= number && number <= range.to);
}

/** Removes events that only woke live pages, once they are old: looks at so many events, and says whether there may be more. */
export async function pruneTransientEvents(tx: Transaction, rows: number): Promise<boolean> {
  const before = tx.now - LIMITS.transient_event_seconds.value * 1000;
  const cursor = Number((await readSetting(tx, TRANSIENT_CURSOR)) ?? 0);
  const [edge] = await tx.sql.all<{ id: number | null; seen: number }>(
    `select max(id) as id, count(*) as seen from (select id, at from event where id > ? order by id limit ?) as next where at < ?`,
    [cursor, rows, before],
  );
  if (edge === undefined || edge.id === null) return false;
  await tx.sql.run(`delete from event where id > ? and id <= ? and kind in (${TRANSIENT_LIST})`, [cursor, edge.id]);
  await writeSetting(tx, TRANSIENT_CURSOR, String(edge.id));
  return Number(edge.seen) === rows;
}

/** Where pruneTransientEvents stopped, so that it never looks at what stays again. */
const TRANSIENT_CURSOR = 'transient_events_pruned';

/** Removes events older than a moment, at most `limit` at once, and never those that a stream's reader may still catch up with. */
export async function pruneEvents(tx: Transaction, olderThan: number, limit: number): Promise<number> {
  const [bounds] = await tx.sql.all<{ oldest: number | null; newest: number | null }>(BOUNDS);
  if (bounds === undefined || bounds.oldest === null) return 0;
  const keptFrom = Number(bounds.newest) - LIMITS.stream_events.value + 1;
  const [edge] = await tx.sql.all<{ id: number | null }>(
    `select max(id) as id from (select id, at from event where id < ? order by id limit ?) as oldest where at < ?`,
    [keptFrom, limit, olderThan],
  );
  if (edge === undefined || edge.id === null) return 0;
  await tx.sql.run('delete from event_worker where event_id in (select id from event where id <= ? and at < ?)', [edge.id, olderThan]);
  return tx.sql.run('delete from event where id <= ? and at < ?', [edge.id, olderThan]);
}

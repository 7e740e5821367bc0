// Moves logs from many small rows into blobs. Which jobs to look at is learnt from the events since the last time, so the cost
// follows what happened, not what is stored. A blob is whole before a row names it; rows go in the transaction that adds the blob's.
import type { EventKind } from '../core/event.ts';
import { mergeRanges, type NumberRange, parseRanges } from '../core/identifiers.ts';

import { type ChunkRow, type LogStream, OF_STREAM, streamKey, streamValues, toBytes } from './log-chunks.ts';
import { encodeTrailer } from './log-index.ts';
import { rowSet } from './sql.ts';
import { readSetting, type Reader, type Store, writeSetting } from './store.ts';

const MIB = 1024 * 1024;
/** A stream that still grows is compacted when so much of it stands in rows. */
const LIVE_BYTES = MIB;
/** An ended one when it has so many rows or bytes: a small log is cheapest in a few rows. */
const ENDED_ROWS = 32;
const ENDED_BYTES = MIB / 8;
const BLOB_BYTES = 4 * MIB;
const EVENTS_AT_ONCE = 2_000;
const JOBS_AT_ONCE = 10_000;
const CURSOR = 'log_compaction_event';

/** After these there may be something to compact. */
const KINDS: readonly EventKind[] = ['logs_appended', 'jobs_finished', 'jobs_lost', 'jobs_released', 'jobs_cancelled'];

export interface Compaction {
  readonly blobs: number;
  readonly rows: number;
  /** Whether there are more events to look at: call again. */
  readonly more: boolean;
}

/** Looks at the jobs of the newest events. For the sweeper. */
export async function compactLogs(store: Store): Promise<Compaction> {
  const cursor = Number((await readSetting(store, CURSOR)) ?? 0);
  const { changed, last, more } = await changedSince(store, cursor);
  let blobs = 0;
  let rows = 0;
  for (const jobs of inLots(changed)) {
    for (const stream of await findStreams(store, jobs)) {
      for (const run of await findRuns(store, stream)) {
        const compacted = await compactRun(store, stream, run);
        blobs += compacted > 0 ? 1 : 0;
        rows += compacted;
      }
    }
  }
  if (last > cursor) await store.write((tx) => writeSetting(tx, CURSOR, String(last)));
  return { blobs, rows, more };
}

/** Numbers of jobs by experiment. */
type Changed = ReadonlyMap<number, readonly NumberRange[]>;

async function changedSince(reader: Reader, cursor: number): Promise<{ changed: Changed; last: number; more: boolean }> {
  const events = await reader.query
    .selectFrom('event')
    .select(['id', 'experiment_id', 'jobs'])
    .where('id', '>', cursor)
    .where('kind', 'in', KINDS)
    .orderBy('id')
    .limit(EVENTS_AT_ONCE)
    .execute();
  const found = new Map<number, NumberRange[]>();
  for (const { experiment_id, jobs } of events) {
    if (experiment_id === null || jobs === null) continue;
    const ranges = found.get(experiment_id) ?? [];
    ranges.push(...(parseRanges(jobs) ?? []));
    found.set(experiment_id, ranges);
  }
  const changed = new Map([...found].map(([experiment_id, ranges]) => [experiment_id, mergeRanges(ranges)]));
  return { changed, last: events.at(-1)?.id ?? cursor, more: events.length === EVENTS_AT_ONCE };
}

type JobName = readonly [experiment_id: number, number: number];

/** Each job by its own number, because PostgreSQL finds no good plan for a join over ranges. */
function* inLots(changed: Changed): Generator<JobName[]> {
  let lot: JobName[] = [];
  for (const [experiment_id, ranges] of changed) {
    for (const { from, to } of ranges) {
      for (let number = from; number <= to; number += 1) {
        lot.push([experiment_id, number]);
        if (lot.length === JOBS_AT_ONCE) {
          yield lot;
          lot = [];
        }
      }
    }
  }
  if (lot.length > 0) yield lot;
}

interface DueStream extends LogStream {
  readonly ended: boolean;
}

async function findStreams(reader: Reader, jobs: readonly JobName[]): Promise<DueStream[]> {
  const rows = await reader.sql.all<LogStream & { count: number; bytes: number; outcome: string | null }>(
    `select c.job_id, c.attempt, c.rank, c.stream, count(*) as count, cast(sum(c.length) as bigint) as bytes,
       (select a.outcome from attempt a where a.job_id = c.job_id and a.attempt = c.attempt and a.rank = c.rank) as outcome
     from ${rowSet(reader.sql.dialect, { experiment_id: 'int', number: 'int' })} as v cross join job j cross join log_chunk c
     where j.experiment_id = v.experiment_id and j.number = v.number and c.job_id = j.id and c.blob_key is null and c.dropped = 0
     group by c.job_id, c.attempt, c.rank, c.stream`,
    [JSON.stringify(jobs)],
  );
  return rows
    .filter((row) => row.bytes >= LIVE_BYTES || (row.outcome !== null && (row.count > ENDED_ROWS || (row.count > 1 && row.bytes >= ENDED_BYTES))))
    .map(({ job_id, attempt, rank, stream, outcome }) => ({ job_id, attempt, rank, stream, ended: outcome !== null }));
}

interface Run {
  readonly from: number;
  readonly to: number;
  readonly rows: readonly ChunkRow[];
}

/** Neighbouring rows that fit into one blob. */
async function findRuns(reader: Reader, stream: DueStream): Promise<Run[]> {
  const rows = await reader.sql.all<ChunkRow>(
    `select first_offset, length, at, blob_key, dropped from log_chunk where ${OF_STREAM} and blob_key is null and dropped = 0 order by first_offset`,
    streamValues(stream),
  );
  const runs: { from: number; to: number; rows: ChunkRow[] }[] = [];
  for (const row of rows) {
    const last = runs.at(-1);
    const end = row.first_offset + row.length;
    if (last !== undefined && last.to === row.first_offset && end - last.from <= BLOB_BYTES) {
      last.to = end;
      last.rows.push(row);
    } else runs.push({ from: row.first_offset, to: end, rows: [row] });
  }
  return runs.filter((run) => run.to - run.from >= LIVE_BYTES || (stream.ended && run.rows.length > 1));
}

/** Returns how many rows it replaced; 0 when they changed meanwhile. */
async function compactRun(store: Store, stream: LogStream, run: Run): Promise<number> {
  const trailer = encodeTrailer(run.rows.map((row) => ({ offset: row.first_offset, length: row.length, at: row.at, dropped: false })));
  const blob = await store.blobs.put(runBytes(store, stream, run, trailer));
  const replaced =
    blob.size_bytes === run.to - run.from + trailer.byteLength &&
    (await store
      .write(async (tx) => {
        const removed = await tx.sql.all<{ length: number }>(
          `delete from log_chunk where ${OF_STREAM} and first_offset >= ? and first_offset < ? and data is not null returning length`,
          [...streamValues(stream), run.from, run.to],
        );
        if (removed.reduce((sum, row) => sum + row.length, 0) !== run.to - run.from) throw new RunChanged(streamKey(stream));
        await tx.sql.run(
          `insert into log_chunk (job_id, attempt, rank, stream, first_offset, length, at, data, blob_key, dropped) values (?, ?, ?, ?, ?, ?, ?, null, ?, 0)`,
          [...streamValues(stream), run.from, run.to - run.from, run.rows[0]!.at, blob.key],
        );
        return true;
      })
      .catch((error: unknown) => {
        if (error instanceof RunChanged) return false;
        throw error;
      }));
  if (!replaced) await store.blobs.remove(blob.key);
  return replaced ? run.rows.length : 0;
}

/** Undoes the transaction: the rows were trimmed, deleted or compacted by another server. */
class RunChanged extends Error {}

async function* runBytes(reader: Reader, stream: LogStream, run: Run, trailer: Uint8Array): AsyncGenerator<Uint8Array> {
  const found = await reader.sql.all<{ data: Uint8Array | ArrayBuffer }>(
    `select data from log_chunk where ${OF_STREAM} and data is not null and first_offset >= ? and first_offset < ? order by first_offset`,
    [...streamValues(stream), run.from, run.to],
  );
  for (const row of found) yield toBytes(row.data);
  yield trailer;
}

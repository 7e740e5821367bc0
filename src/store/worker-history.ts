// What happened to one worker, newest first: events that name it or all of its agent, and the jobs that it took. Two records that are read side by
// side, each by an index from where the page before ended.
import type { Outcome } from '../core/attempt.ts';

import type { StoredEvent } from './events.ts';
import type { Reader } from './store.ts';
import { ALL_SLOTS } from './writer.ts';

/** Where a page ended in both records. */
export interface HistoryPlace {
  readonly event_id: number;
  readonly claimed_at: number;
  readonly job_id: number;
}

export const NEWEST: HistoryPlace = { event_id: Number.MAX_SAFE_INTEGER, claimed_at: Number.MAX_SAFE_INTEGER, job_id: Number.MAX_SAFE_INTEGER };

export interface TakenJob {
  readonly job_id: number;
  readonly experiment_id: number;
  readonly experiment: string;
  readonly number: number;
  readonly attempt: number;
  readonly claimed_at: number;
  readonly finished_at: number | null;
  readonly duration_ms: number | null;
  readonly outcome: Outcome | null;
}

export type HistoryEntry = { readonly what: 'event'; readonly event: StoredEvent } | { readonly what: 'job'; readonly job: TakenJob };

export interface WorkerHistory {
  readonly entries: readonly HistoryEntry[];
  /** Null when there is nothing older. */
  readonly next: HistoryPlace | null;
}

interface Question {
  readonly agent_id: number;
  readonly slot: number;
  readonly after: HistoryPlace;
  readonly limit: number;
}

export async function readWorkerHistory(reader: Pick<Reader, 'sql'>, question: Question): Promise<WorkerHistory> {
  const [events, jobs] = await Promise.all([eventsOf(reader, question), jobsOf(reader, question)]);
  const entries = merged(events, jobs).slice(0, question.limit);
  return { entries, next: events.length + jobs.length > entries.length ? placeAfter(entries, question.after) : null };
}

/** Each in its own order, whatever the clocks did. */
function merged(events: readonly StoredEvent[], jobs: readonly TakenJob[]): HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  let next = 0;
  for (const job of jobs) {
    // A worker is told what to do before it takes a job in the same moment.
    for (let event = events[next]; event !== undefined && Number(event.at) > Number(job.claimed_at); event = events[next]) {
      entries.push({ what: 'event', event });
      next += 1;
    }
    entries.push({ what: 'job', job });
  }
  return [...entries, ...events.slice(next).map((event) => ({ what: 'event' as const, event }))];
}

function placeAfter(entries: readonly HistoryEntry[], before: HistoryPlace): HistoryPlace {
  let place = before;
  for (const entry of entries) {
    if (entry.what === 'event') place = { ...place, event_id: Math.min(place.event_id, Number(entry.event.id)) };
    else place = { ...place, claimed_at: Number(entry.job.claimed_at), job_id: Number(entry.job.job_id) };
  }
  return place;
}

/** The newest of its own and the newest of its agent: each from its end of the index. */
function eventsOf({ sql }: Pick<Reader, 'sql'>, { agent_id, slot, after, limit }: Question): Promise<StoredEvent[]> {
  const newest = `select event_id from (select event_id from event_worker where agent_id = ? and slot = ? and event_id < ? order by event_id desc limit ?) as newest`;
  return sql.all<StoredEvent>(
    `select v.id, v.at, v.kind, v.experiment_id, e.name as experiment, v.actor, v.jobs, v.data_json
      from event v left join experiment e on e.id = v.experiment_id and e.name not like '#%'
      where v.id in (${newest} union all ${newest}) order by v.id desc limit ?`,
    [agent_id, slot, after.event_id, limit + 1, agent_id, ALL_SLOTS, after.event_id, limit + 1, limit + 1],
  );
}

function jobsOf({ sql }: Pick<Reader, 'sql'>, { agent_id, slot, after, limit }: Question): Promise<TakenJob[]> {
  return sql.all<TakenJob>(
    `select attempt.job_id, job.experiment_id, experiment.name as experiment, job.number, attempt.attempt, attempt.claimed_at, attempt.finished_at,
        attempt.duration_ms, attempt.outcome
      from (select * from attempt where agent_id = ? and slot = ? and (claimed_at, job_id) < (?, ?) order by claimed_at desc, job_id desc limit ?) as attempt
      join job on job.id = attempt.job_id join experiment on experiment.id = job.experiment_id
      order by attempt.claimed_at desc, attempt.job_id desc`,
    [agent_id, slot, after.claimed_at, after.job_id, limit + 1],
  );
}

// The history of a worker as a caller may see it: a worker may serve experiments that the caller must not learn of.
import type { z } from 'zod';

import type { contract } from '../contract/index.ts';
import { toIso } from '../runtime/clock.ts';
import { TOMBSTONE } from '../store/experiments.ts';
import type { HistoryEntry, HistoryPlace } from '../store/worker-history.ts';

import { maySee } from './access.ts';
import type { Actor } from './context.ts';
import { invalid } from './new-jobs.ts';

type EntryShape = z.output<typeof contract.workers.history.reply>['entries'][number];

export function entryShape(entry: HistoryEntry, actor: Actor): EntryShape {
  if (entry.what === 'event') {
    const { at, kind, experiment_id, data_json } = entry.event;
    const data = JSON.parse(data_json) as Record<string, never>;
    const isForeign = experiment_id !== null && !maySee(actor, experiment_id);
    return { what: 'event', at: toIso(Number(at)), kind, actor: isForeign ? null : entry.event.actor, data: isForeign ? { action: data['action']! } : data };
  }
  const { experiment_id, experiment, number, attempt, claimed_at, finished_at, outcome, duration_ms } = entry.job;
  const isShown = maySee(actor, Number(experiment_id)) && !experiment.startsWith(TOMBSTONE);
  return {
    what: 'job',
    at: toIso(Number(claimed_at)),
    job: isShown ? { experiment, number, attempt } : null,
    outcome,
    finished_at: finished_at === null ? null : toIso(Number(finished_at)),
    duration_ms,
  };
}

export function parsePlace(cursor: string): HistoryPlace {
  const [event_id, claimed_at, job_id] = /^\d{1,16}\.\d{1,16}\.\d{1,16}$/.test(cursor) ? cursor.split('.').map(Number) : [];
  if (event_id === undefined || claimed_at === undefined || job_id === undefined)
    throw invalid('The cursor is not one that this server gave. Begin again without one.', 'cursor');
  return { event_id, claimed_at, job_id };
}

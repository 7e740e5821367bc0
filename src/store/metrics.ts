// Appends metric points. A delivery is addressed by its offsets in the agent's spool, so what arrives twice changes nothing.
// Points are packed: the newest row of a series stays small, so that a point rewrites little, and is folded into the one before it.
import { speaksFor } from '../core/evidence.ts';
import { LIMITS } from '../core/limits.ts';

import {
  attemptKey,
  type AttemptName,
  type AttemptReference,
  lockDeliveries,
  numbersByExperiment,
  type Proof,
  proveAttempts,
  type ProvenAttempt,
} from './attempt-proof.ts';
import { readNewest, type SeriesPoints, writeChunks } from './metric-chunks.ts';
import { limitNames } from './metric-names.ts';
import { rowSet } from './sql.ts';
import type { Store } from './store.ts';
import type { Transaction } from './writer.ts';

export interface MetricPoint {
  /** Of its line in the spool. */
  readonly offset: number;
  readonly name: string;
  readonly value: number | 'NaN' | 'Infinity' | '-Infinity';
  readonly step: number | null;
  readonly at: number;
}

export interface MetricBatch extends AttemptReference {
  readonly from: number;
  readonly to: number;
  readonly points: readonly MetricPoint[];
  readonly progress: { readonly done: number; readonly total: number } | null;
}

export interface MetricDelivery {
  readonly agent_id: number;
  readonly sent_at: number;
  readonly batches: readonly MetricBatch[];
}

export interface MetricEnd extends AttemptName {
  readonly end: number;
}

/** Attempts that nobody proved a right to are not in the reply: their agent keeps what it has. */
export async function appendMetrics(tx: Transaction, store: Pick<Store, 'key'>, delivery: MetricDelivery): Promise<MetricEnd[]> {
  await lockDeliveries(tx, delivery.agent_id);
  const proof = await proveAttempts(tx, store.key, delivery.batches);
  const owners = new Map<string, ProvenAttempt>();
  for (const batch of delivery.batches) {
    const owner = proof(batch);
    if (owner !== null) owners.set(attemptKey(owner), owner);
  }
  const ends = await readMetricEnds(tx, [...owners.values()]);
  const { series, progress } = takeNew(delivery, { proof, ends, shift: tx.now - delivery.sent_at });
  const { kept, full } = await limitNames(tx, await readNewest(tx, [...series.values()]));
  await writeChunks(tx, kept);
  const progressed = await setProgress(tx, progress);
  recordEvents(tx, { kept, full, progressed });
  return [...owners.values()].map((owner) => ({ job_id: owner.job_id, attempt: owner.attempt, rank: owner.rank, end: ends.get(attemptKey(owner)) ?? 0 }));
}

/** Up to which spool offset the points of each attempt are stored, by attemptKey. */
async function readMetricEnds(tx: Transaction, attempts: readonly AttemptName[]): Promise<Map<string, number>> {
  const rows = await tx.sql.all<AttemptName & { end_offset: number | null }>(
    `select v.job_id, v.attempt, v.rank,
       (select max(c.end_offset) from metric_chunk c where c.job_id = v.job_id and c.attempt = v.attempt and c.rank = v.rank) as end_offset
     from ${rowSet(tx.sql.dialect, { job_id: 'int', attempt: 'int', rank: 'int' })} as v`,
    [JSON.stringify(attempts.map(({ job_id, attempt, rank }) => [job_id, attempt, rank]))],
  );
  return new Map(rows.map((row) => [attemptKey(row), row.end_offset ?? 0]));
}

interface Taken {
  readonly series: Map<string, SeriesPoints>;
  readonly progress: Map<string, { readonly owner: ProvenAttempt; readonly done: number; readonly total: number }>;
}

/** Groups the points beyond the known ends by series, and moves the ends forward. */
function takeNew(delivery: MetricDelivery, facts: { readonly proof: Proof; readonly ends: Map<string, number>; readonly shift: number }): Taken {
  const taken: Taken = { series: new Map(), progress: new Map() };
  for (const batch of [...delivery.batches].sort((a, b) => a.from - b.from)) {
    const owner = facts.proof(batch);
    if (owner === null) continue;
    const key = attemptKey(owner);
    const end = facts.ends.get(key) ?? 0;
    if (batch.to <= end) continue;
    for (const point of batch.points) {
      if (point.offset < end) continue;
      const name = storableName(point.name);
      const id = `${key} ${name}`;
      const one = taken.series.get(id) ?? { owner, name, points: [], end_offset: 0 };
      one.points.push({ ...point, at: Math.round(point.at + facts.shift) });
      one.end_offset = batch.to;
      taken.series.set(id, one);
    }
    if (batch.progress !== null) taken.progress.set(key, { owner, ...batch.progress });
    facts.ends.set(key, batch.to);
  }
  return taken;
}

/** PostgreSQL has no text with a zero character or half a surrogate pair; one odd name must not stop the others. */
function storableName(name: string): string {
  return name.replace(/[\p{Cc}\p{Cs}]/gu, '\uFFFD').slice(0, LIMITS.name_characters.value);
}

async function setProgress(tx: Transaction, progress: Taken['progress']): Promise<ProvenAttempt[]> {
  const counting = [...progress.values()].filter(({ owner }) => speaksFor(owner.job, owner));
  if (counting.length === 0) return [];
  await tx.sql.run(
    `update job set progress_done = v.done, progress_total = v.total
     from ${rowSet(tx.sql.dialect, { job_id: 'int', done: 'real', total: 'real' })} as v where job.id = v.job_id`,
    [JSON.stringify([...new Map(counting.map(({ owner, done, total }) => [owner.job_id, [owner.job_id, done, total]])).values()])],
  );
  return counting.map(({ owner }) => owner);
}

interface Written {
  readonly kept: readonly SeriesPoints[];
  /** Jobs that reached the limit of names with this delivery. */
  readonly full: ReadonlySet<number>;
  readonly progressed: readonly ProvenAttempt[];
}

function recordEvents(tx: Transaction, { kept, full, progressed }: Written): void {
  for (const [experiment_id, jobs] of numbersByExperiment(kept.map((series) => series.owner))) {
    const [jobId] = jobs.values();
    const fullNumbers = [...jobs].filter(([, id]) => full.has(id)).map(([number]) => number);
    tx.event({
      kind: 'metrics_appended',
      experiment_id,
      actor: null,
      numbers: [...jobs.keys()],
      ...(jobs.size === 1 ? { job_id: jobId! } : {}),
      ...(fullNumbers.length === 0 ? {} : { data: { metric_names_full: fullNumbers } }),
    });
  }
  for (const [experiment_id, jobs] of numbersByExperiment(progressed)) {
    const [jobId] = jobs.values();
    tx.event({ kind: 'jobs_progressed', experiment_id, actor: null, numbers: [...jobs.keys()], ...(jobs.size === 1 ? { job_id: jobId! } : {}) });
  }
}

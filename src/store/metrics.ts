// Appends metric points. A delivery is addressed by its offsets in the agent's spool, so what arrives twice changes nothing and what
// arrives too early is not taken: the reply says up to where the spool is stored, and the agent goes on from there.
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
  const ends = new Map([...owners].map(([key, owner]) => [key, owner.metrics_end]));
  const { series, progress } = takeNew(delivery, { proof, ends, shift: tx.now - delivery.sent_at });
  const { kept, full } = await limitNames(tx, await readNewest(tx, [...series.values()]));
  await writeChunks(tx, kept);
  await writeEnds(
    tx,
    [...owners].filter(([key, owner]) => ends.get(key) !== owner.metrics_end).map(([key, owner]) => ({ owner, end: ends.get(key)! })),
  );
  const progressed = await setProgress(tx, progress);
  recordEvents(tx, { kept, full, progressed });
  return [...owners.values()].map((owner) => ({ job_id: owner.job_id, attempt: owner.attempt, rank: owner.rank, end: ends.get(attemptKey(owner))! }));
}

/** Kept on the attempt and not with the points: a part of the spool may hold none that are stored. */
async function writeEnds(tx: Transaction, moved: readonly { readonly owner: AttemptName; readonly end: number }[]): Promise<void> {
  if (moved.length === 0) return;
  await tx.sql.run(
    `update attempt set metrics_end = v.metrics_end from ${rowSet(tx.sql.dialect, { job_id: 'int', attempt: 'int', rank: 'int', metrics_end: 'int' })} as v
      where attempt.job_id = v.job_id and attempt.attempt = v.attempt and attempt.rank = v.rank`,
    [JSON.stringify(moved.map(({ owner, end }) => [owner.job_id, owner.attempt, owner.rank, end]))],
  );
}

interface Taken {
  readonly series: Map<string, SeriesPoints>;
  readonly progress: Map<string, { readonly owner: ProvenAttempt; readonly done: number; readonly total: number }>;
}

/** Groups the points beyond the known ends by series, leaves out what would leave a gap, and moves the ends forward. */
function takeNew(delivery: MetricDelivery, facts: { readonly proof: Proof; readonly ends: Map<string, number>; readonly shift: number }): Taken {
  const taken: Taken = { series: new Map(), progress: new Map() };
  for (const batch of [...delivery.batches].sort((a, b) => a.from - b.from)) {
    const owner = facts.proof(batch);
    if (owner === null) continue;
    const key = attemptKey(owner);
    const end = facts.ends.get(key)!;
    if (batch.from > end || batch.to <= end) continue;
    for (const point of batch.points) {
      if (point.offset < end) continue;
      const name = storableName(point.name);
      const id = `${key} ${name}`;
      const one = taken.series.get(id) ?? { owner, name, points: [] };
      one.points.push({ ...point, at: Math.round(point.at + facts.shift) });
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

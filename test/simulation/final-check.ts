// At the end, when all is calm and done: the record must match what the jobs themselves know.
import { createHash } from 'node:crypto';

import { isEnded } from '../../src/core/job.ts';

import type { Disk } from './disk.ts';
import type { Execution, Ledger } from './ledger.ts';
import type { Node } from './node.ts';
import type { OldLedger } from './old-ledger.ts';
import type { AttemptRow, JobRow } from './record.ts';
import type { Watcher } from './watcher.ts';
import { Violation } from './world.ts';

export interface Ending {
  readonly ledger: Ledger;
  readonly old: OldLedger;
  readonly watcher: Watcher;
  readonly nodes: readonly Node[];
  readonly serverDisk: Disk;
  readonly blobs: string;
}

/** What keeps the simulation from ending; null when everything is over. */
export function unfinished({ watcher, nodes }: Ending): string | null {
  const { jobs, leases } = watcher.snapshot;
  for (const job of jobs.values()) if (!isEnded(job.status)) return `${watcher.nameOf(job)} is ${job.status}${job.held_at === null ? '' : ', held'}`;
  if (leases.length > 0) return `${leases.length} leases are left`;
  for (const node of nodes) {
    const left = node.retired ? null : node.unfinished();
    if (left !== null) return left;
  }
  return null;
}

export function finalCheck(ending: Ending): Violation | null {
  const { ledger, watcher } = ending;
  const byName = new Map([...watcher.snapshot.jobs.values()].map((job) => [watcher.nameOf(job), job]));
  for (const [name, { asked, told }] of ledger.created) {
    if (!byName.has(name) && !ledger.isUnwanted(name) && !ledger.forgotten(asked, told)) return new Violation(`${name} was accepted and is lost`, name);
  }
  if (ledger.restores.length === 0) {
    for (const name of byName.keys())
      if (!ledger.created.has(name as `${string}/${number}`)) return new Violation(`${name} is there, and nobody was told of it`, name);
  }
  for (const job of byName.values()) {
    const problem = checkJob(job, watcher.nameOf(job), ending);
    if (problem !== null) return new Violation(`${watcher.nameOf(job)} ${problem}`, watcher.nameOf(job));
  }
  return null;
}

function checkJob(job: JobRow, name: string, ending: Ending): string | null {
  const { ledger, watcher } = ending;
  const attempts = watcher.reader.attempts(job.id);
  const executions = new Map<number, Execution[]>();
  for (const execution of ledger.executionsOf(name as `${string}/${number}`)) {
    if (execution.job_id === job.id) executions.set(execution.attempt, [...(executions.get(execution.attempt) ?? []), execution]);
  }
  if (attempts.length !== job.attempts && ledger.restores.length === 0) return `has ${job.attempts} attempts and ${attempts.length} rows of them`;
  for (const attempt of attempts) {
    if (ending.old.isOf(attempt.worker_id)) {
      const problem = ending.old.check(attempt, name, ending);
      if (problem !== null) return problem;
      continue;
    }
    const ran = executions.get(attempt.attempt) ?? [];
    if (ran.length > 1 && ledger.restores.length === 0) return `ran attempt ${attempt.attempt} ${ran.length} times`;
    // After a restore the same number may have been given out again: the record speaks of the lease that has its nonce.
    const own = ran.filter((execution) => execution.token.split('.')[3]!.startsWith(attempt.nonce));
    executions.set(
      attempt.attempt,
      ran.filter((execution) => !own.includes(execution)),
    );
    if (own.length > 1) return `ran attempt ${attempt.attempt} ${own.length} times with the same token`;
    const problem = checkAttempt(attempt, own[0] ?? null, ending);
    if (problem !== null) return problem;
  }
  const unrecorded = [...executions.values()].flat().filter(({ token }) => !ledger.forgotten(ledger.grantedAt(token)));
  if (unrecorded.length > 0) return `ran attempt ${unrecorded[0]!.attempt} on ${unrecorded[0]!.machine}, which is not on record`;
  if (job.status !== 'done') return null;
  const success = attempts.find((attempt) => attempt.attempt === job.attempts && attempt.outcome === 'succeeded');
  if (success === undefined) return 'is done, but its newest attempt did not succeed';
  return success.revision === job.revision ? null : `is done by attempt ${success.attempt}, which had other params`;
}

function checkAttempt(attempt: AttemptRow, ran: Execution | null, ending: Ending): string | null {
  const { ledger } = ending;
  const name = `attempt ${attempt.attempt}`;
  if (attempt.outcome === null) return `${name} has no outcome`;
  const told = attempt.outcome === 'lost' && attempt.late_outcome !== null ? attempt.late_outcome : attempt.outcome;
  if (ran === null)
    return ['succeeded', 'failed', 'timed_out'].includes(told) && !(told === 'failed' && attempt.message?.includes('could not be started') === true)
      ? `${name} is ${told}, but never ran`
      : null;
  if (told === 'succeeded' && ran.status !== 0) return `${name} is recorded as succeeded, but ended with ${ran.status}`;
  if (told === 'failed' && ran.status === 0) return `${name} is recorded as failed, but ended with 0`;
  const settled = ledger.settled.get(ran.token);
  if (settled?.result === 'recorded' && !ledger.forgotten(settled.at) && settled.outcome !== attempt.outcome)
    return `${name} was settled as ${settled.outcome} and is ${attempt.outcome}`;
  return checkOutput(attempt, ran, ending);
}

/** Whether something of an attempt may be missing: its machine went away with it, or the server was put back to before. */
function mayMiss(ran: Execution, { ledger, nodes }: Ending): boolean {
  const isGone = nodes.some((node) => node.retired && node.name === ran.machine);
  return ran.powerless || isGone || ledger.restoredSince(ran.started);
}

function checkOutput(attempt: AttemptRow, ran: Execution, ending: Ending): string | null {
  const { watcher } = ending;
  const prefixes = mayMiss(ran, ending);
  for (const stream of ['stdout', 'stderr'] as const) {
    const stored = storedLog(attempt, stream === 'stdout' ? 1 : 2, ending);
    if (typeof stored === 'string') return `${stream} of attempt ${attempt.attempt} ${stored}`;
    const truth = ran[stream];
    const isPrefix = truth.subarray(0, stored.length).equals(stored);
    if (!isPrefix || (!prefixes && stored.length !== truth.length))
      return `${stream} of attempt ${attempt.attempt} has ${stored.length} of ${truth.length} bytes${isPrefix ? '' : ', and other ones'}`;
  }
  for (const name of new Set(ran.metrics.map((point) => point.name))) {
    const stored = watcher.reader
      .metrics(attempt.job_id, attempt.attempt)
      .filter((row) => row.name === name)
      .map((row) => row.points);
    const points = JSON.parse(`[${stored.join(',')}]`) as [number, number, number][];
    const truth = ran.metrics.filter((point) => point.name === name);
    const areOwn = inOrder(points, truth);
    if (!areOwn || (!prefixes && points.length !== truth.length))
      return `metric ${name} of attempt ${attempt.attempt} has ${points.length} of ${truth.length} points${areOwn ? '' : ', and other ones'}`;
  }
  return checkUploads(attempt, ran, { ending, prefixes });
}

/** Whether all are among the true ones, each once and in their order. A loss of power cuts a line in two, and those behind it may come by a late copy. */
function inOrder(points: readonly (readonly [number, number, number])[], truth: readonly { readonly step: number; readonly value: number }[]): boolean {
  let at = 0;
  return points.every(([step, value]) => {
    while (at < truth.length && (truth[at]!.step !== step || truth[at]!.value !== value)) at += 1;
    at += 1;
    return at <= truth.length;
  });
}

function storedLog(attempt: AttemptRow, stream: number, { watcher, serverDisk, blobs }: Ending): Buffer | string {
  const pieces: Buffer[] = [];
  let end = 0;
  for (const row of watcher.reader.log(attempt.job_id, attempt.attempt, stream)) {
    if (row.first_offset !== end) return `has a gap at ${end}`;
    if (row.dropped === 1) return `has a hole at ${end}`;
    const bytes = row.blob_key === null ? Buffer.from(row.data as ArrayBuffer) : serverDisk.file(`${blobs}/${row.blob_key}`).bytes.subarray(0, row.length);
    if (bytes.length !== row.length) return `has ${bytes.length} of ${row.length} bytes at ${end}`;
    pieces.push(bytes);
    end += row.length;
  }
  return Buffer.concat(pieces);
}

function checkUploads(attempt: AttemptRow, ran: Execution, { ending, prefixes }: { ending: Ending; prefixes: boolean }): string | null {
  const { watcher, serverDisk, blobs } = ending;
  const stored = watcher.reader.artifacts(attempt.job_id).filter((row) => row.attempt === attempt.attempt);
  for (const upload of ran.uploads) {
    const found = stored.filter((row) => row.upload_key.endsWith(upload.key));
    if (found.length === 0 && prefixes) continue;
    if (found.length !== 1) return `${upload.name} of attempt ${attempt.attempt} is there ${found.length} times`;
    const [row] = found;
    if (row!.sha256 !== upload.sha256) return `${upload.name} of attempt ${attempt.attempt} is not what was uploaded`;
    const blob = serverDisk.find(`${blobs}/${row!.blob_key}`);
    const hash = blob?.kind === 'file' ? createHash('sha256').update(blob.bytes).digest('hex') : null;
    if (hash !== upload.sha256) return `${upload.name} of attempt ${attempt.attempt} has lost its bytes`;
  }
  return stored.length > ran.uploads.length ? `attempt ${attempt.attempt} has files that nobody uploaded` : null;
}

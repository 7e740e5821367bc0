// Files and checkpoints of jobs. The bytes are a blob already; here they get a name and a version. What an attempt delivers that no
// longer speaks for its job is kept, but never becomes the latest.
import { artifactNameProblem } from '../core/artifact-name.ts';
import { speaksFor } from '../core/evidence.ts';
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';
import { randomId } from '../runtime/ids.ts';

import { type AttemptReference, proveAttempts, type ProvenAttempt } from './attempt-proof.ts';
import type { StoredBlob } from './blobs.ts';
import type { Reader, Store } from './store.ts';
import type { Transaction } from './writer.ts';

export type ArtifactKind = 'artifact' | 'checkpoint';

/** A checkpoint has no name of its own. */
export const CHECKPOINT_NAME = 'checkpoint';

export interface ArtifactRecord {
  readonly id: number;
  readonly kind: ArtifactKind;
  readonly name: string;
  readonly version: number;
  readonly attempt: number;
  readonly rank: number;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly blob_key: string;
  readonly superseded: 0 | 1;
  readonly created_at: number;
}

export interface NewArtifact {
  readonly owner: AttemptReference;
  readonly kind: ArtifactKind;
  readonly name: string;
  readonly blob: StoredBlob;
  /** The same key again is the same upload. Null, of clients that send none: the bytes of the newest version again are the same upload. */
  readonly upload_key: string | null;
  readonly actor: string;
}

const COLUMNS = ['id', 'kind', 'name', 'version', 'attempt', 'rank', 'size_bytes', 'sha256', 'blob_key', 'superseded', 'created_at'] as const;

/** Refuses a name that is none. Asked before a body is read. */
export function checkArtifactName(name: string): void {
  const problem = artifactNameProblem(name);
  if (problem !== null) throw new Refusal('invalid_input', problem, { name });
}

/** The attempt that this token proves. Asked before a body is read; an ended attempt may still deliver. */
export async function proveAttempt(reader: Reader, key: Store['key'], reference: AttemptReference): Promise<ProvenAttempt> {
  const proof = await proveAttempts(reader, key, [reference]);
  const owner = proof(reference);
  if (owner === null) throw new Refusal('unauthenticated', 'The token belongs to no attempt of a job on this server.');
  return owner;
}

export interface StoredArtifact {
  readonly artifact: ArtifactRecord;
  /** The upload was stored before, and the blob that came with it is not needed. */
  readonly repeated: boolean;
  /** Blobs that no row names any more: to be removed after the commit. */
  readonly removed: readonly string[];
}

export async function storeArtifact(tx: Transaction, key: Store['key'], upload: NewArtifact): Promise<StoredArtifact> {
  const { kind, name, blob } = upload;
  checkArtifactName(name);
  await lockJob(tx, upload.owner.job_id);
  const owner = await proveAttempt(tx, key, upload.owner);
  const counts = speaksFor(owner.job, owner);
  const known = upload.upload_key === null ? await sameAsNewest(tx, upload, counts) : await findUpload(tx, owner.job_id, upload.upload_key);
  if (known !== undefined) return { artifact: sameUpload(known, upload), repeated: true, removed: [] };
  const version = await nextVersion(tx, owner.job_id, { kind, name });
  const artifact = await tx.query
    .insertInto('artifact')
    .values({
      job_id: owner.job_id,
      attempt: owner.attempt,
      rank: owner.rank,
      kind,
      name,
      version,
      size_bytes: blob.size_bytes,
      sha256: blob.sha256,
      blob_key: blob.key,
      upload_key: upload.upload_key ?? randomId(),
      superseded: counts ? 0 : 1,
      created_at: tx.now,
    })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
  // What was reached is safe, so losses are counted from here.
  if (kind === 'checkpoint' && counts) await tx.query.updateTable('job').set({ losses: 0 }).where('id', '=', owner.job_id).execute();
  const data = { name, kind, version, size_bytes: blob.size_bytes, attempt: owner.attempt, superseded: !counts };
  tx.event({ kind: 'artifact_stored', experiment_id: owner.experiment_id, actor: upload.actor, numbers: [owner.number], job_id: owner.job_id, data });
  return { artifact, repeated: false, removed: kind === 'checkpoint' ? await dropOldCheckpoints(tx, owner.job_id, artifact) : [] };
}

function findUpload(tx: Transaction, jobId: number, key: string): Promise<ArtifactRecord | undefined> {
  return tx.query.selectFrom('artifact').select(COLUMNS).where('job_id', '=', jobId).where('upload_key', '=', key).executeTakeFirst();
}

async function sameAsNewest(tx: Transaction, { owner, kind, name, blob }: NewArtifact, counts: boolean): Promise<ArtifactRecord | undefined> {
  const newest = await tx.query
    .selectFrom('artifact')
    .select(COLUMNS)
    .where('job_id', '=', owner.job_id)
    .where('kind', '=', kind)
    .where('name', '=', name)
    .where('superseded', '=', counts ? 0 : 1)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newest?.sha256 === blob.sha256 ? newest : undefined;
}

/** Keeps the newest checkpoints; those of superseded attempts are counted by themselves, so that they never push out a good one. */
async function dropOldCheckpoints(tx: Transaction, jobId: number, newest: ArtifactRecord): Promise<string[]> {
  const old = await tx.query
    .selectFrom('artifact')
    .select(['id', 'blob_key'])
    .where('job_id', '=', jobId)
    .where('kind', '=', 'checkpoint')
    .where('superseded', '=', newest.superseded)
    .orderBy('version', 'desc')
    .limit(LIMITS.artifacts_per_job.value)
    .offset(LIMITS.checkpoints_kept.value)
    .execute();
  if (old.length === 0) return [];
  await tx.query
    .deleteFrom('artifact')
    .where(
      'id',
      'in',
      old.map((one) => Number(one.id)),
    )
    .execute();
  return old.map((one) => one.blob_key);
}

/** Versions and `superseded` are decided from the job, so nobody may claim or end it meanwhile. SQLite has one writer anyway. */
async function lockJob(tx: Transaction, jobId: number): Promise<void> {
  if (tx.sql.dialect === 'postgres') await tx.sql.all('select id from job where id = ? for update', [jobId]);
}

function sameUpload(known: ArtifactRecord, upload: NewArtifact): ArtifactRecord {
  if (known.kind === upload.kind && known.name === upload.name && known.sha256 === upload.blob.sha256) return known;
  throw new Refusal('idempotency_mismatch', `The upload key was used for version ${known.version} of ${known.name}, which is another file; choose a new key.`);
}

async function nextVersion(tx: Transaction, jobId: number, file: { kind: ArtifactKind; name: string }): Promise<number> {
  const [row] = await tx.sql.all<{ count: number; version: number }>(
    `select (select count(*) from artifact where job_id = ?) as count,
       coalesce((select max(version) from artifact where job_id = ? and kind = ? and name = ?), -1) as version`,
    [jobId, jobId, file.kind, file.name],
  );
  if (row!.count >= LIMITS.artifacts_per_job.value) {
    throw new Refusal('too_many', `A job keeps at most ${LIMITS.artifacts_per_job.value} files and versions.`);
  }
  return row!.version + 1;
}

/** Newest first. */
export async function listArtifacts(reader: Reader, jobId: number, kind: ArtifactKind | null): Promise<ArtifactRecord[]> {
  const all = reader.query.selectFrom('artifact').select(COLUMNS).where('job_id', '=', jobId).orderBy('id', 'desc').limit(LIMITS.artifacts_per_job.value);
  return (kind === null ? all : all.where('kind', '=', kind)).execute();
}

export interface ArtifactQuestion {
  readonly job_id: number;
  readonly kind: ArtifactKind;
  readonly name: string;
  /** Left out: the latest that spoke for the job. */
  readonly version?: number | undefined;
  /** The latest below this version. */
  readonly before?: number | undefined;
}

export async function findArtifact(reader: Reader, question: ArtifactQuestion): Promise<ArtifactRecord | null> {
  const named = reader.query
    .selectFrom('artifact')
    .select(COLUMNS)
    .where('job_id', '=', question.job_id)
    .where('kind', '=', question.kind)
    .where('name', '=', question.name);
  const { version, before } = question;
  const latest = named.where('superseded', '=', 0).orderBy('version', 'desc').limit(1);
  const one = version !== undefined ? named.where('version', '=', version) : before !== undefined ? latest.where('version', '<', before) : latest;
  return (await one.executeTakeFirst()) ?? null;
}

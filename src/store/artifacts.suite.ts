// What must hold of files and checkpoints on every engine.
import { beforeEach, expect, it } from 'vitest';

import { endAttempt, insertAttempt, type InsertedExperiment, insertExperiment, insertJob } from '../../test/support/rows.ts';
import { LIMITS } from '../core/limits.ts';

import { type ArtifactKind, CHECKPOINT_NAME, findArtifact, listArtifacts, type NewArtifact, storeArtifact } from './artifacts.ts';
import type { AttemptReference } from './attempt-proof.ts';
import type { Store } from './store.ts';

export function artifactsSuite(opened: () => Store): void {
  let store: Store;
  let experiment: InsertedExperiment;
  let job: number;
  let attempt: AttemptReference;
  let uploads = 0;

  beforeEach(async () => {
    store = opened();
    experiment = await insertExperiment(store);
    job = await insertJob(store, experiment, 42);
    attempt = await insertAttempt(store, job);
  });

  const upload = (name: string, changes: Partial<NewArtifact> = {}): NewArtifact => {
    uploads += 1;
    const blob = { key: `ab/${String(uploads).padStart(30, '0')}`, size_bytes: 5, sha256: `hash ${name}` };
    return { owner: attempt, kind: 'artifact', name, blob, upload_key: `upload ${uploads}`, actor: 'attempt:test', ...changes };
  };
  const put = (name: string, changes: Partial<NewArtifact> = {}) => store.write((tx) => storeArtifact(tx, store.key, upload(name, changes)));
  const version = async (name: string, changes: Partial<NewArtifact> = {}): Promise<number> => (await put(name, changes)).artifact.version;
  const latest = async (name: string, kind: ArtifactKind = 'artifact') => findArtifact(store, { job_id: job, kind, name });
  const losses = async () => (await store.query.selectFrom('job').select('losses').where('id', '=', job).executeTakeFirstOrThrow()).losses;
  const lose = async () => {
    await endAttempt(store, attempt, { outcome: 'lost', status: 'pending' });
    await store.write((tx) => tx.query.updateTable('job').set({ losses: 2 }).where('id', '=', job).execute());
  };

  it('gives each name its own versions, from 0', async () => {
    expect(await version('result.json')).toBe(0);
    expect(await version('result.json')).toBe(1);
    expect(await version('other.json')).toBe(0);
    expect(await version(CHECKPOINT_NAME, { kind: 'checkpoint' })).toBe(0);
    expect(await version(CHECKPOINT_NAME)).toBe(0);
    expect(await latest('result.json')).toMatchObject({ version: 1, superseded: 0, attempt: 1 });
    expect(await findArtifact(store, { job_id: job, kind: 'artifact', name: 'result.json', version: 0 })).toMatchObject({ version: 0 });
    expect(await findArtifact(store, { job_id: job, kind: 'artifact', name: 'result.json', version: 2 })).toBeNull();
    expect((await listArtifacts(store, job, null)).map((one) => one.name)).toEqual([
      CHECKPOINT_NAME,
      CHECKPOINT_NAME,
      'other.json',
      'result.json',
      'result.json',
    ]);
    expect(await listArtifacts(store, job, 'checkpoint')).toHaveLength(1);
  });

  it('takes the same upload once', async () => {
    const first = await put('result.json', { upload_key: 'k' });
    const again = await put('result.json', { upload_key: 'k' });
    expect(again).toEqual({ artifact: first.artifact, repeated: true, removed: [] });
    expect(await version('result.json')).toBe(1);
    await expect(put('other.json', { upload_key: 'k' })).rejects.toMatchObject({ code: 'idempotency_mismatch' });
    const other = await insertAttempt(store, await insertJob(store, experiment, 43));
    expect(await put('result.json', { upload_key: 'k', owner: other })).toMatchObject({ repeated: false });
  });

  it('keeps the newest checkpoints, and a superseded one never pushes out a good one', async () => {
    const kept = LIMITS.checkpoints_kept.value;
    for (let count = 0; count < kept; count += 1) await put(CHECKPOINT_NAME, { kind: 'checkpoint' });
    const { removed } = await put(CHECKPOINT_NAME, { kind: 'checkpoint' });
    expect(removed).toHaveLength(1);
    expect((await listArtifacts(store, job, 'checkpoint')).map((one) => one.version).at(-1)).toBe(1);
    await endAttempt(store, attempt, { outcome: 'lost', status: 'pending' });
    const old = attempt;
    attempt = await insertAttempt(store, job);
    expect(await put(CHECKPOINT_NAME, { kind: 'checkpoint', owner: old })).toMatchObject({ removed: [], artifact: { superseded: 1 } });
    expect(await latest(CHECKPOINT_NAME, 'checkpoint')).toMatchObject({ version: kept });
  });

  it('gives uploads that arrive together different versions', async () => {
    const versions = await Promise.all(Array.from({ length: 20 }, () => version('result.json')));
    expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('refuses who cannot prove the attempt', async () => {
    const other = await insertAttempt(store, await insertJob(store, experiment, 43));
    await expect(put('x', { owner: { ...attempt, token: other.token } })).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(put('x', { owner: { ...attempt, attempt: 2 } })).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await listArtifacts(store, job, null)).toEqual([]);
  });

  it.each(['', '.', '..', 'a/b', '..\\..\\x', 'line\nbreak', 'zero\u0000', 'x'.repeat(201), 'half\ud800'])('refuses the name %j', async (name) => {
    await expect(put(name)).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it.each(['…', 'résumé 損失.json', '-rf', 'a"b\'c;.txt', ' ', 'CON', '%2e%2e%2f'])('takes the name %j', async (name) => {
    expect(await version(name)).toBe(0);
    expect(await latest(name)).toMatchObject({ name });
  });

  it('keeps what a superseded attempt delivers, but never as the latest', async () => {
    await put('model.bin');
    await lose();
    const second = await insertAttempt(store, job);
    expect((await put('model.bin')).artifact).toMatchObject({ version: 1, attempt: 1, superseded: 1 });
    expect(await latest('model.bin')).toMatchObject({ version: 0 });
    expect((await put('model.bin', { owner: second })).artifact).toMatchObject({ version: 2, attempt: 2, superseded: 0 });
    expect(await latest('model.bin')).toMatchObject({ version: 2 });
    expect(await findArtifact(store, { job_id: job, kind: 'artifact', name: 'model.bin', version: 1 })).toMatchObject({ superseded: 1 });
  });

  it('takes what the attempt that ended the job delivers afterwards', async () => {
    await endAttempt(store, attempt, { outcome: 'succeeded', status: 'done' });
    expect((await put('late.json')).artifact).toMatchObject({ superseded: 0 });
  });

  it('counts losses anew from a checkpoint, not from a superseded one', async () => {
    await lose();
    expect((await put(CHECKPOINT_NAME, { kind: 'checkpoint' })).artifact).toMatchObject({ superseded: 0 });
    expect(await losses()).toBe(0);
    await lose();
    await put('file.txt');
    expect(await losses()).toBe(2);
    await insertAttempt(store, job);
    await put(CHECKPOINT_NAME, { kind: 'checkpoint' });
    expect(await losses()).toBe(2);
    expect(await latest(CHECKPOINT_NAME, 'checkpoint')).toMatchObject({ version: 0 });
  });

  it('tells it with an event', async () => {
    await put('result.json');
    const [event] = await store.query.selectFrom('event').selectAll().where('kind', '=', 'artifact_stored').where('job_id', '=', job).execute();
    expect(event).toMatchObject({ experiment_id: experiment.id, jobs: '42', actor: 'attempt:test' });
    expect(JSON.parse(event!.data_json)).toEqual({ name: 'result.json', kind: 'artifact', version: 0, size_bytes: 5, attempt: 1, superseded: false });
  });

  it('limits the files of a job', async () => {
    const { id: _id, ...row } = (await put('first')).artifact;
    const rows = Array.from({ length: LIMITS.artifacts_per_job.value - 2 }, (_, index) => ({
      ...row,
      job_id: job,
      upload_key: `bulk ${index}`,
      version: index + 1,
    }));
    await store.write(async (tx) => {
      for (let start = 0; start < rows.length; start += 500) {
        await tx.query
          .insertInto('artifact')
          .values(rows.slice(start, start + 500))
          .execute();
      }
    });
    expect(await version('first')).toBe(rows.length + 1);
    await expect(put('first')).rejects.toMatchObject({ code: 'too_many' });
  });
}

// Result files and checkpoints of such clients: forms in, bytes out. They are the same files that our own library writes and reads, so a job may go on from
// its checkpoint on either kind of worker.
import { LIMITS } from '../../../core/limits.ts';
import { Refusal } from '../../../core/refusal.ts';
import { type ArtifactKind, type ArtifactRecord, CHECKPOINT_NAME, checkArtifactName, findArtifact, storeArtifact } from '../../../store/artifacts.ts';
import { hearOwner } from '../../../store/door-files.ts';
import { attachment, fileResponse } from '../../downloads.ts';
import { tooLarge, uploadBody } from '../../upload-body.ts';

import { type DoorCaller, workerCaller } from './caller.ts';
import { type DoorCall, ownCall, readQuery } from './door-call.ts';
import { type Form, FORM_BYTES, readForm } from './multipart.ts';
import { JobNumber } from './heartbeat.ts';

import * as z from 'zod';

export async function handleUpload(call: DoorCall): Promise<object> {
  const { artifact } = await receive(call, 'artifact', 'file');
  const { name, version, size_bytes } = artifact;
  return { success: true, filename: versionedName(name, version), version, size_bytes };
}

export async function handleCheckpoint(call: DoorCall): Promise<object> {
  const { artifact } = await receive(call, 'checkpoint', 'checkpoint');
  const filename = checkpointFile(artifact);
  return { success: true, filename, version: checkpointNumber(artifact), size_bytes: artifact.size_bytes };
}

/** The first keeps its name, as such a server names them; others are numbered. */
export function versionedName(name: string, version: number): string {
  const dot = name.lastIndexOf('.');
  const stem = dot <= 0 ? name : name.slice(0, dot);
  return version === 0 ? name : `${stem}_v${version}${name.slice(stem.length)}`;
}

function checkpointNumber({ version }: ArtifactRecord): number {
  return version + 1;
}

function checkpointFile(artifact: ArtifactRecord): string {
  return `checkpoint_v${checkpointNumber(artifact)}_${Math.floor(artifact.created_at / 1000)}.pt`;
}

async function receive(call: DoorCall, kind: ArtifactKind, field: string): Promise<{ artifact: ArtifactRecord }> {
  const { context } = call.api;
  const caller = await workerCaller(call.api, call.c, call.gate);
  const body = uploadBody({ request: call.c.req.raw, context }, FORM_BYTES);
  const form = await readForm(call.c.req.header('content-type') ?? null, body, field);
  try {
    return await storeFile(call, caller, { form, kind });
  } finally {
    form.close();
  }
}

async function storeFile(call: DoorCall, caller: DoorCaller, { form, kind }: { form: Form; kind: ArtifactKind }): Promise<{ artifact: ArtifactRecord }> {
  const { store, artifact_limit_bytes } = call.api.context;
  const number = Number(/^\d{1,15}$/.exec(form.fields.get('job_id') ?? '')?.[0] ?? Number.NaN);
  if (Number.isNaN(number)) throw new Refusal('invalid_input', '"job_id" is missing, or no number, or stands behind the file.');
  const name = kind === 'checkpoint' ? CHECKPOINT_NAME : plainName(form.filename);
  checkArtifactName(name);
  const owner = await store.write((tx) => hearOwner(tx, caller.sender, { key: store.key, number }));
  const blob = await store.blobs.put(withinLimit(form.file, artifact_limit_bytes));
  try {
    const upload = { owner: owner.reference, kind, name, blob, upload_key: null, actor: `worker:${owner.worker_id}` };
    const { artifact, repeated, removed } = await store.write((tx) => storeArtifact(tx, store.key, upload));
    for (const key of repeated ? [blob.key] : removed) await store.blobs.remove(key);
    return { artifact };
  } catch (error) {
    // After another fault nobody knows whether the row was committed; what is left over is found as an orphan.
    if (error instanceof Refusal) await store.blobs.remove(blob.key);
    throw error;
  }
}

async function* withinLimit(file: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const piece of file) {
    size += piece.byteLength;
    if (size > limit) throw tooLarge(limit);
    yield piece;
  }
}

/** Without directories, of bounded length, with an ending in small letters. */
function plainName(told: string): string {
  const base = told.slice(Math.max(told.lastIndexOf('/'), told.lastIndexOf('\\')) + 1).replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, '_');
  const dot = base.lastIndexOf('.');
  const ending = dot <= 0 ? '.bin' : base.slice(dot).toLowerCase().slice(0, MOST_ENDING);
  const stem = dot <= 0 ? base : base.slice(0, dot);
  // Room for the number of a version.
  return stem.slice(0, LIMITS.name_characters.value - MOST_ENDING) + ending;
}

const MOST_ENDING = 20;

const LatestQuery = z.object({
  job_id: z
    .string()
    .regex(/^\d{1,15}$/, 'it must be the number of a job')
    .transform(Number)
    .pipe(JobNumber),
});

export async function handleLatestCheckpoint(call: DoorCall): Promise<Response> {
  const { store } = call.api.context;
  const caller: DoorCaller = await workerCaller(call.api, call.c, call.gate);
  const { job_id } = readQuery(call, LatestQuery);
  const { reference } = await store.write((tx) => hearOwner(tx, caller.sender, { key: store.key, number: job_id }));
  const checkpoint = await findArtifact(store, { job_id: reference.job_id, kind: 'checkpoint', name: CHECKPOINT_NAME });
  if (checkpoint === null) throw new Refusal('artifact_not_found', `Job ${job_id} has no checkpoint yet.`);
  const response = fileResponse(ownCall(call, caller.actor, caller.experiment), store.blobs, checkpoint);
  response.headers.set('content-type', 'application/octet-stream');
  response.headers.set('content-disposition', attachment(checkpointFile(checkpoint)));
  return response;
}

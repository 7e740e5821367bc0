// Delivers the files that a script could not upload itself: in the order in which they were written, with the job's own token.
import * as z from 'zod';

import { ApiError, type Client } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import type { Log } from '../runtime/log.ts';
import { nameOf } from './attempt-life.ts';
import { jobToken } from './job-environment.ts';
import { isRefusal } from './shipment.ts';
import { waitingUploads, type Spool } from './spool.ts';
import type { SpoolFiles } from './spool-files.ts';

export interface UploadShippingParts {
  readonly log: Log;
  readonly client: Pick<Client, 'results'>;
  readonly files: SpoolFiles;
  /** A file will never be taken; it was kept at `place`. */
  readonly onRefused: (spool: Spool, name: string) => void;
}

const Description = z.object({
  key: z.string().min(1).max(200),
  name: z.string().min(1).max(LIMITS.name_characters.value),
  kind: z.enum(['artifact', 'checkpoint']),
  /** Beside the description, so never a path. */
  file: z
    .string()
    .regex(/^[^/\\\0]+$/)
    .refine((name) => name !== '.' && name !== '..'),
  size: z.int().min(0),
});

type Upload = z.output<typeof Description>;

/** Delivers all that waits of one attempt; throws when the server cannot take it now. */
export async function shipUploads(spool: Spool, parts: UploadShippingParts, signal: AbortSignal): Promise<void> {
  const { files } = parts;
  for (const description of waitingUploads(spool, files)) {
    if (signal.aborted) return;
    const upload = readDescription(spool, description, files);
    if (upload === 'gone') continue;
    if (upload === null || files.uploadSize(spool.directory, upload.file) === null) {
      refuse(spool, { description, upload, reason: 'its description or its data is not whole' }, parts);
      continue;
    }
    await deliver(spool, { description, upload }, parts, signal);
  }
  spool.uploads_waiting = waitingUploads(spool, files).length > 0;
}

async function deliver(spool: Spool, waiting: { description: string; upload: Upload }, parts: UploadShippingParts, signal: AbortSignal): Promise<void> {
  const { description, upload } = waiting;
  const { files, client } = parts;
  const options = {
    signal,
    idempotency_key: upload.key,
    headers: { authorization: `Bearer ${jobToken(spool.attempt.lease)}`, 'content-length': String(files.uploadSize(spool.directory, upload.file) ?? 0) },
    content: files.uploadContent(spool.directory, upload.file),
  };
  try {
    await (upload.kind === 'checkpoint'
      ? client.results.storeCheckpoint({}, options)
      : client.results.storeArtifact({ params: { name: upload.name } }, options));
  } catch (error) {
    // The library may drop an old checkpoint to make room for a new one.
    if (readDescription(spool, description, files) === 'gone') return;
    if (!isFinal(spool, error)) throw error;
    refuse(spool, { description, upload, reason: (error as ApiError).message }, parts);
    return;
  }
  settle(spool, description, () => files.removeUpload(spool.directory, [description, upload.file]));
}

/** An upload that stays although it was dealt with must not be dealt with for ever. */
function settle(spool: Spool, description: string, clear: () => void): void {
  spool.stuck_uploads.add(description);
  try {
    clear();
    spool.stuck_uploads.delete(description);
  } catch {
    // The directory is the job's, and it may have made it read-only.
  }
}

/** While the attempt is not settled, a token that the server does not know may become known: after a restore, for example. */
function isFinal(spool: Spool, error: unknown): boolean {
  if (isRefusal(error)) return error.code !== 'lease_lost' || spool.attempt.settled;
  return error instanceof ApiError && (error.code === 'unauthenticated' || error.code === 'forbidden') && spool.attempt.settled;
}

function refuse(spool: Spool, refused: { description: string; upload: Upload | null; reason: string }, { files, log, onRefused }: UploadShippingParts): void {
  const { description, upload, reason } = refused;
  let place: string | null = null;
  settle(spool, description, () => (place = files.putAside(spool.directory, upload === null ? [description] : [description, upload.file])));
  log.error({ job: nameOf(spool.attempt), file: upload?.name ?? description, reason, place }, 'the server does not take a file; it was put aside');
  onRefused(spool, upload?.name ?? description);
}

function readDescription(spool: Spool, name: string, files: SpoolFiles): Upload | null | 'gone' {
  let text: string;
  try {
    text = files.readUpload(spool.directory, name);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : null;
  }
  try {
    return Description.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

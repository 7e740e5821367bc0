// Brings a file of a job onto this machine: whole or not at all, and checked against what the server says it is.
import { createHash, randomBytes, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { ArtifactShape } from '../contract/schemas.ts';
import { makeDirectories } from '../runtime/make-directories.ts';
import type { ApiClient } from './connection.ts';
import { CliFailure, EXIT } from './failure.ts';

export interface FileOfJob {
  readonly experiment: string;
  readonly number: number;
  readonly artifact: Pick<ArtifactShape, 'name' | 'kind' | 'version' | 'sha256'>;
}

/** Hands the bytes on as they come; throws when they are not those that the server keeps. */
export async function readFileOfJob(client: ApiClient, file: FileOfJob, write: (bytes: Uint8Array) => Promise<unknown>): Promise<void> {
  const { experiment, number, artifact } = file;
  const { name, kind, version, sha256 } = artifact;
  const reply = await client.results.download({ params: { experiment, number, name }, query: { kind, version } });
  const hash = createHash('sha256');
  for await (const bytes of reply.body ?? []) {
    hash.update(bytes);
    await write(bytes);
  }
  if (hash.digest('hex') !== sha256) throw new CliFailure(EXIT.unexpected, `${name} of ${experiment}/${number} did not arrive whole. Try again.`);
}

export async function saveFileOfJob(client: ApiClient, file: FileOfJob, path: string): Promise<void> {
  await saveWhole(path, (write) => readFileOfJob(client, file, write));
}

/** Nobody sees half a file: it gets its name when it is whole. */
export async function saveWhole(path: string, read: (write: (bytes: Uint8Array) => Promise<unknown>) => Promise<void>): Promise<void> {
  makeDirectories(dirname(path));
  const part = `${path}.${randomBytes(4).toString('hex')}.part`;
  const target = await open(part, 'wx');
  try {
    await read((bytes) => target.writeFile(bytes));
    await target.close();
    await rename(part, path);
  } catch (error) {
    await target.close().catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
}

/** Whether a file is there, and whether it holds just these bytes. */
export async function compareFile(path: string, sha256: string): Promise<'absent' | 'same' | 'other'> {
  const hash = createHash('sha256');
  try {
    await feed(hash, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'absent';
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return 'other';
    throw error;
  }
  return hash.digest('hex') === sha256 ? 'same' : 'other';
}

/** Files that were there with another content are never replaced unseen. */
export function tellOfKept(kept: readonly string[]): void {
  if (kept.length === 0) return;
  const more = kept.length > 5 ? ` and ${kept.length - 5} more` : '';
  throw new CliFailure(
    EXIT.refused,
    `Already there with another content, and left as they are: ${kept.slice(0, 5).join(' ')}${more}. Replace them with --force.`,
  );
}

async function feed(hash: Hash, path: string): Promise<void> {
  for await (const bytes of createReadStream(path)) hash.update(bytes as Uint8Array);
}

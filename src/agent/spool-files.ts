// The files that a job and its script library leave in the attempt directory, as the shipping loops see them.
import { execFile } from 'node:child_process';
import { constants, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';

import type { Log } from '../runtime/log.ts';
import { makeDirectories } from '../runtime/make-directories.ts';
import { openPlainFile, plainFile, readPlainFile } from './plain-file.ts';

export type SpoolName = 'stdout' | 'stderr' | 'metrics.jsonl';

/** A name, a key and a size. */
const MOST_DESCRIPTION_BYTES = 64 * 1024;

export interface SpoolFiles {
  /** 0 when there is no such file. */
  size(directory: string, name: SpoolName): number;
  /** As many of the bytes as there are. Null when the job has put something else in the place of the file, or locked it. */
  read(directory: string, name: SpoolName, range: { readonly from: number; readonly length: number }): Promise<Buffer | null>;
  /** Gives the disk space before `end` back, where the system can. */
  punch(directory: string, name: SpoolName, end: number): void;
  /** Names of the descriptions of uploads that wait, oldest first. */
  uploads(directory: string): string[];
  readUpload(directory: string, name: string): string;
  uploadSize(directory: string, file: string): number | null;
  /** A stream of the file's bytes. */
  uploadContent(directory: string, file: string): unknown;
  removeUpload(directory: string, names: readonly string[]): void;
  /** Keeps files that the server does not want; returns where. Throws when the first of them cannot be moved. */
  putAside(directory: string, names: readonly string[]): string;
}

export function createSpoolFiles(log: Log): SpoolFiles {
  let canPunch = true;
  return {
    size: (directory, name) => sizeOf(join(directory, name)) ?? 0,
    async read(directory, name, { from, length }) {
      const file = await openPlainFile(join(directory, name), constants.O_RDONLY).catch((error: unknown) => {
        if (isOfJob(error)) return null;
        throw error;
      });
      if (file === null) return null;
      try {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, from);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    punch(directory, name, end) {
      if (!canPunch) return;
      execFile('fallocate', ['-p', '-o', '0', '-l', String(end), join(directory, name)], { timeout: 60_000 }, (error) => {
        // A file that was removed meanwhile says nothing about the disk.
        if (error === null || sizeOf(join(directory, name)) === null) return;
        canPunch = false;
        log.debug({ err: error }, 'shipped log bytes cannot be given back to this disk');
      });
    },
    uploads: (directory) => listUploads(join(directory, 'uploads')),
    readUpload: (directory, name) => readPlainFile(join(directory, 'uploads', name), MOST_DESCRIPTION_BYTES),
    uploadSize: (directory, file) => sizeOf(join(directory, 'uploads', file)),
    uploadContent: (directory, file) => Readable.from(contentOf(join(directory, 'uploads', file))),
    removeUpload(directory, names) {
      for (const name of names) rmSync(join(directory, 'uploads', name), { force: true });
    },
    putAside(directory, names) {
      const place = join(dirname(directory), 'refused', directory.slice(dirname(directory).length + 1));
      makeDirectories(place, 0o700);
      for (const name of names) {
        try {
          renameSync(join(directory, 'uploads', name), join(place, name));
        } catch (error) {
          // The data may never have been there.
          if (name === names[0]) throw error;
        }
      }
      return place;
    },
  };
}

/** What the job did to its file; anything else is trouble of this machine. */
const OF_JOB = new Set(['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR', 'ENOTDIR', 'EACCES', 'EPERM', 'ENOTPLAIN']);

function isOfJob(error: unknown): boolean {
  return OF_JOB.has((error as NodeJS.ErrnoException).code ?? '');
}

async function* contentOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await openPlainFile(path, constants.O_RDONLY);
  try {
    yield* file.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>;
  } finally {
    await file.close();
  }
}

/** Most jobs never upload: a look that finds nothing is cheap, an exception is not. */
function listUploads(path: string): string[] {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
    return readdirSync(path)
      .filter((name) => name.endsWith('.json') && /^\d{13}-/.test(name))
      .sort();
  } catch {
    return [];
  }
}

function sizeOf(path: string): number | null {
  return plainFile(path)?.size ?? null;
}

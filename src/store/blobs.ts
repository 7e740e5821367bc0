// Blobs: large bytes beside the database. Written under a temporary name, synced, renamed; a row that names a blob is written
// only after that. A key is random, so no path is ever built from a user's text.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';

import { makeDirectories } from '../runtime/make-directories.ts';

export interface StoredBlob {
  readonly key: string;
  readonly size_bytes: number;
  readonly sha256: string;
}

export interface Blobs {
  /** Stores what the source yields. Leaves nothing behind when the source fails. */
  put(source: AsyncIterable<Uint8Array>): Promise<StoredBlob>;
  /** Bytes `from` (included) to `to` (excluded; the end when left out). */
  read(key: string, range?: { readonly from: number; readonly to: number }): Readable;
  remove(key: string): Promise<void>;
  /** Every blob there is, for finding those that nothing names. `modified_at` is milliseconds since 1970. */
  list(): AsyncIterable<{ readonly key: string; readonly modified_at: number }>;
}

const LEFT_OVER_MS = 24 * 3600 * 1000;

const KEY = /^[0-9a-f]{2}\/[0-9a-f]{30}$/;

export async function openBlobDirectory(root: string, now: number): Promise<Blobs> {
  makeDirectories(`${root}/partial`, 0o700);
  await removeLeftovers(`${root}/partial`, now);
  const pathOf = (key: string): string => {
    if (!KEY.test(key)) throw new Error('not a blob key');
    return `${root}/${key}`;
  };
  return {
    async put(source) {
      const name = randomBytes(16).toString('hex');
      const key = `${name.slice(0, 2)}/${name.slice(2)}`;
      const partial = `${root}/partial/${name}`;
      try {
        const written = await writeSynced(partial, source);
        await makeFolder(root, name.slice(0, 2));
        await rename(partial, pathOf(key));
        await syncDirectory(`${root}/${name.slice(0, 2)}`);
        return { key, ...written };
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    },
    read: (key, range) => createReadStream(pathOf(key), range === undefined ? {} : { start: range.from, end: Math.max(range.from, range.to) - 1 }),
    remove: (key) => rm(pathOf(key), { force: true }),
    async *list() {
      for (const folder of await readdir(root)) {
        if (!/^[0-9a-f]{2}$/.test(folder)) continue;
        for (const name of await readdir(`${root}/${folder}`)) {
          const info = await stat(`${root}/${folder}/${name}`).catch(() => null);
          if (info?.isFile() === true) yield { key: `${folder}/${name}`, modified_at: info.mtimeMs };
        }
      }
    },
  };
}

async function writeSynced(path: string, source: AsyncIterable<Uint8Array>): Promise<{ size_bytes: number; sha256: string }> {
  const file = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const piece of source) {
      hash.update(piece);
      size += piece.byteLength;
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { size_bytes: size, sha256: hash.digest('hex') };
}

async function makeFolder(root: string, name: string): Promise<void> {
  try {
    await mkdir(`${root}/${name}`, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  await syncDirectory(root);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function removeLeftovers(path: string, now: number): Promise<void> {
  for (const name of await readdir(path)) {
    const info = await stat(`${path}/${name}`).catch(() => null);
    // A young one may be an upload that another server is receiving just now.
    if (info?.isFile() === true && now - info.mtimeMs > LEFT_OVER_MS) await rm(`${path}/${name}`, { force: true });
  }
}

// Reads files that a job can replace: those of its attempt directory. Only plain files count, never through a link; a pipe in the
// place of a file must not make the agent wait for somebody who writes into it.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** For whoever opens such a file by itself; what was opened may still be anything but a link. */
export const PLAIN = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Null when there is none, or something else in its place. */
export function plainFile(path: string): Stats | null {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat?.isFile() === true ? stat : null;
  } catch {
    return null;
  }
}

/** The text of a small file. Throws when there is none, when it is no plain file, and when it is larger than that. */
export function readPlainFile(path: string, most_bytes: number): string {
  const descriptor = openSync(path, constants.O_RDONLY | PLAIN);
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw notPlain(path);
    if (stat.size > most_bytes) throw new Error(`${path} has ${stat.size} bytes, more than the ${most_bytes} that it may have`);
    const bytes = Buffer.allocUnsafe(stat.size);
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read) read = readSync(descriptor, bytes, length, bytes.length - length, length);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** Bytes from a position, as many as there are; null when there is no such plain file any more. */
export function readPlainPiece(path: string, { from, length }: { readonly from: number; readonly length: number }): Buffer | null {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, constants.O_RDONLY | PLAIN);
    if (!fstatSync(descriptor).isFile()) return null;
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, from));
  } catch {
    return null;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/** Rejects as `open` does, and when it is no plain file. */
export async function openPlainFile(path: string, flags: number): Promise<FileHandle> {
  const file = await open(path, flags | PLAIN);
  try {
    if (!(await file.stat()).isFile()) throw notPlain(path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function notPlain(path: string): Error {
  return Object.assign(new Error(`${path} is no plain file`), { code: 'ENOTPLAIN' });
}

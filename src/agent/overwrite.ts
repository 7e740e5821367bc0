// Writes a small JSON file in place. A file that is used again keeps its size: to cut it costs more than all else that a short job needs.
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

import { PLAIN } from './plain-file.ts';

/** The text, and spaces up to the size that the file had. Throws when it could not be written whole, on a link, and on a pipe. */
export function overwrite(path: string, text: string): void {
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT | PLAIN, 0o600);
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.from(text);
    const all = size > bytes.length ? Buffer.concat([bytes, Buffer.alloc(size - bytes.length, ' ')]) : bytes;
    // A write to a disk that gets full is short; the next one says why.
    for (let at = 0; at < all.length;) at += writeSync(descriptor, all, at, all.length - at, at);
  } finally {
    closeSync(descriptor);
  }
}

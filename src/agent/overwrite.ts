// Writes a small JSON file in place. A file that is used again keeps its size: to cut it costs more than all else that a short job needs.
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

/** The text, and spaces up to the size that the file had. */
export function overwrite(path: string, text: string): void {
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    const bytes = Buffer.from(text);
    const { size } = fstatSync(descriptor);
    writeSync(descriptor, size > bytes.length ? Buffer.concat([bytes, Buffer.alloc(size - bytes.length, ' ')]) : bytes, 0);
  } finally {
    closeSync(descriptor);
  }
}

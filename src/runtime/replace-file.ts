// Writes a small file so that a reader sees the old or the new content, whole, whatever happens in between.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import { randomId } from './ids.ts';

export function replaceFile(path: string, content: string, mode: number): void {
  const temporary = `${path}.${randomId(6)}.tmp`;
  const descriptor = openSync(temporary, 'wx', mode);
  try {
    try {
      // Whole, unlike writeSync, which may stop where the disk is full.
      writeFileSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

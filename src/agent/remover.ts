// Clears attempt directories away in sets, by another process: with short jobs, removing files one by one would cost more than the jobs.
import { execFile } from 'node:child_process';
import { rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { Clock, Timer } from '../runtime/clock.ts';

export interface Remover {
  remove(directory: string): void;
  /** Resolves when everything so far is gone. */
  finished(): Promise<void>;
}

const SET = 64;
const DELAY_MS = 300;

export function createRemover(clock: Clock): Remover {
  let waiting: string[] = [];
  let timer: Timer | null = null;
  const running = new Set<Promise<void>>();

  function flush(): void {
    timer?.cancel();
    timer = null;
    if (waiting.length === 0) return;
    track(removeAll(waiting));
    waiting = [];
  }

  /** The lease goes at once: whatever else is left after a crash is then no attempt any more. */
  async function disown(directory: string): Promise<void> {
    await unlink(join(directory, 'lease.json')).catch(() => undefined);
    waiting.push(directory);
    if (waiting.length >= SET) flush();
    else timer ??= clock.after(DELAY_MS, flush);
  }

  function track(work: Promise<void>): void {
    const tracked = work.finally(() => running.delete(tracked));
    running.add(tracked);
  }

  return {
    remove: (directory) => track(disown(directory)),
    async finished() {
      await Promise.all(running);
      flush();
      await Promise.all(running);
    },
  };
}

function removeAll(directories: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    execFile('rm', ['-rf', '--', ...directories], { timeout: 60_000 }, (error) => {
      if (error === null) resolve();
      else void removeHere(directories).then(resolve);
    });
  });
}

/** NFS keeps files that somebody has open; what stays is litter, which a later scan clears away. */
async function removeHere(directories: readonly string[]): Promise<void> {
  for (const directory of directories) await rm(directory, { recursive: true, force: true }).catch(() => undefined);
}

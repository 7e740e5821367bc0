// Clears attempt directories away in sets, by another process: with short jobs, removing files one by one would cost more than the jobs.
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { Clock, Timer } from '../runtime/clock.ts';
import { openPlainFile, plainFile } from './plain-file.ts';

export interface Remover {
  remove(directory: string): void;
  /** Resolves when everything so far is gone. */
  finished(): Promise<void>;
}

/**
 * Removal waits for a quiet moment: ext4 searches long for an inode while many were just deleted, and every start of a job
 * needs several. What takes real space does not wait.
 */
const QUIET_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const MOST_WAITING = 4_096;
const LARGE_BYTES = 1_000_000;
/** Paths in one command line. */
const SET = 500;

export function createRemover(clock: Clock): Remover {
  let waiting: string[] = [];
  let oldest = 0;
  let timer: Timer | null = null;
  const running = new Set<Promise<void>>();

  function flush(): void {
    timer?.cancel();
    timer = null;
    for (let at = 0; at < waiting.length; at += SET) track(removeAll(waiting.slice(at, at + SET)));
    waiting = [];
  }

  /** The lease is emptied at once: whatever else is left after a crash is then no attempt any more. */
  async function disown(directory: string): Promise<void> {
    await emptyFile(join(directory, 'lease.json')).catch(() => undefined);
    if (waiting.length === 0) oldest = clock.monotonic();
    waiting.push(directory);
    const due = waiting.length >= MOST_WAITING || clock.monotonic() - oldest >= LONGEST_WAIT_MS || isLarge(directory);
    timer?.cancel();
    timer = clock.after(due ? 0 : QUIET_MS, flush);
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

async function emptyFile(path: string): Promise<void> {
  const file = await openPlainFile(path, constants.O_WRONLY);
  try {
    await file.truncate();
  } finally {
    await file.close();
  }
}

/** Removing what takes much space takes long. */
export function isLarge(directory: string): boolean {
  return ['stdout', 'stderr', 'metrics.jsonl'].some((name) => (plainFile(join(directory, name))?.size ?? 0) > LARGE_BYTES);
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

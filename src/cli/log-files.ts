// Logs as files of this machine: fetched whole, under a name that tells whose they are.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Context } from './context.ts';
import { saveWhole } from './download.ts';
import type { JobName } from './job-list.ts';
import { copyLog } from './log-reader.ts';

export interface LogChoice {
  readonly stream: 'stdout' | 'stderr';
  /** Null: the newest. */
  readonly attempt: number | null;
}

/** Where logs that were looked at are kept; a later look replaces them. */
export async function cachedLogPath(context: Context, job: JobName, { stream, attempt }: LogChoice): Promise<string> {
  const { env, home } = context.dependencies;
  const { url } = await context.connection();
  const cache = env['XDG_CACHE_HOME']?.startsWith('/') === true ? env['XDG_CACHE_HOME'] : join(home, '.cache');
  const server = new URL(url).host.replace(/[^A-Za-z0-9.-]/g, '_');
  const name = `${job.number}${attempt === null ? '' : `.${attempt}`}.${stream === 'stdout' ? 'log' : 'err'}`;
  return join(cache, 'drover', 'logs', server, job.experiment, name);
}

/** Fetches what there is now. */
export async function saveLog(context: Context, job: JobName, choice: LogChoice & { readonly path: string }): Promise<void> {
  const { client } = await context.connection();
  const { stream, attempt, path } = choice;
  const request = { ...job, stream, attempt, follow: false, signal: new AbortController().signal };
  await saveWhole(path, async (write) => {
    const { dropped_bytes: dropped } = await copyLog(client, request, { write: async (bytes) => void (await write(bytes)), clock: context.dependencies.clock });
    if (dropped > 0)
      context.output.note(
        `${dropped.toLocaleString('en-US')} bytes in the middle of ${stream} of ${context.jobName(job.experiment, job.number)} were not kept.`,
      );
  });
}

/** Whether a log that was saved before is all of the new one, or its beginning. */
export async function isBeginningOf(path: string, whole: string): Promise<boolean | null> {
  const before = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (before === null) return null;
  const after = await readFile(whole);
  return before.length <= after.length && after.subarray(0, before.length).equals(before);
}

// `drover job cp`: what jobs left behind, files and logs, in a directory of this machine.
import { rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { artifactNameProblem } from '../../core/artifact-name.ts';
import { addCommand, experimentOption, onRun, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { compareFile, saveFileOfJob, tellOfKept } from '../download.ts';
import { CliFailure, EXIT, isApiError } from '../failure.ts';
import { existingJobs, type JobName } from '../job-list.ts';
import { isBeginningOf, saveLog } from '../log-files.ts';
import { selectJobs, selectionText, singleJob } from '../selection.ts';

interface CopyOptions {
  readonly force?: true;
}

interface Copied extends JobName {
  readonly path: string;
}

interface Outcome {
  readonly saved: Copied[];
  /** Already there with another content. */
  readonly kept: string[];
}

export const addJobCopy: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'cp <directory> <jobs...>', {
    summary: 'Copy files and logs of jobs into a directory of this machine',
    examples: ['job cp results digits-tune/42', 'job cp /data/out digits-tune/1-27'],
    notes:
      'Below the directory each job gets NUMBER/stdout, NUMBER/stderr and NUMBER/files/…, the newest version of each file. What is there already and is the same is left alone, so a copy that broke off goes on where it stopped; what differs is kept unless --force is given, but a log that has grown since is replaced. Files are checked against their SHA-256.',
  });
  experimentOption(command).option('--force', 'replace files that differ');
  onRun<CopyOptions>(command, dependencies, ({ context, options, words: [directory = '', ...words] }) =>
    copyJobs(context, { directory, words, force: options.force === true }),
  );
};

export async function copyJobs(context: Context, { directory, words, force }: { directory: string; words: readonly string[]; force: boolean }): Promise<void> {
  const selection = await selectJobs(context, words);
  const single = singleJob(selection);
  const jobs = single === null ? await existingJobs(context, selection) : [single];
  if (jobs.length === 0) throw new CliFailure(EXIT.not_found, `There is no job ${selectionText(selection)}.`);
  const place = resolve(context.dependencies.cwd, directory);
  const outcome: Outcome = { saved: [], kept: [] };
  for (const job of jobs) {
    const home = selection.length === 1 ? join(place, String(job.number)) : join(place, job.experiment, String(job.number));
    await copyFiles(context, job, { home, force, outcome });
    for (const stream of ['stdout', 'stderr'] as const) await copyStream(context, job, { path: join(home, stream), stream, force, outcome });
  }
  const { saved, kept } = outcome;
  const text = `${saved.length} ${saved.length === 1 ? 'file' : 'files'} of ${jobs.length} ${jobs.length === 1 ? 'job' : 'jobs'} in ${place}.`;
  await context.output.show({ json: saved, ids: saved.map(({ path }) => path), blocks: [{ text }] });
  tellOfKept(kept);
}

interface Target {
  readonly force: boolean;
  readonly outcome: Outcome;
}

async function copyFiles(context: Context, job: JobName, { home, force, outcome }: Target & { home: string }): Promise<void> {
  const { client } = await context.connection();
  const { artifacts } = await client.results.artifacts({ params: job, query: { kind: 'artifact' } });
  const seen = new Set<string>();
  // Newest first.
  for (const artifact of artifacts.filter(({ superseded }) => !superseded)) {
    if (seen.has(artifact.name)) continue;
    seen.add(artifact.name);
    const problem = artifactNameProblem(artifact.name);
    if (problem !== null)
      throw new CliFailure(EXIT.refused, `A file of ${context.jobName(job.experiment, job.number)} has a name that no file here can have. ${problem}`);
    const path = join(home, 'files', artifact.name);
    const there = await compareFile(path, artifact.sha256);
    if (there === 'other' && !force) {
      outcome.kept.push(path);
      continue;
    }
    if (there !== 'same') await saveFileOfJob(client, { ...job, artifact }, path);
    outcome.saved.push({ ...job, path });
  }
}

interface StreamTarget extends Target {
  readonly path: string;
  readonly stream: 'stdout' | 'stderr';
}

async function copyStream(context: Context, job: JobName, { path, stream, force, outcome }: StreamTarget): Promise<void> {
  const fresh = `${path}.new`;
  try {
    await saveLog(context, job, { stream, attempt: null, path: fresh });
  } catch (error) {
    // A job that never ran has written nothing.
    if (isApiError(error) && error.code === 'not_found') return;
    throw error;
  }
  const grows = await isBeginningOf(path, fresh);
  if (grows === false && !force) {
    await rm(fresh);
    outcome.kept.push(path);
    return;
  }
  await rename(fresh, path);
  outcome.saved.push({ ...job, path });
}

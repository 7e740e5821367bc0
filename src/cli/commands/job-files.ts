// `drover job files` and `drover job file`: what jobs uploaded, listed and brought here.
import { join, resolve } from 'node:path';

import type { ArtifactShape } from '../../contract/schemas.ts';
import { artifactNameProblem } from '../../core/artifact-name.ts';
import { addCommand, experimentOption, onRun, wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { compareFile, readFileOfJob, saveFileOfJob, tellOfKept, type FileOfJob } from '../download.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { existingJobs, type JobName } from '../job-list.ts';
import { relativeTime } from '../moments.ts';
import { selectJobs, selectionText, singleJob } from '../selection.ts';
import { bytesText } from '../sizes.ts';

interface FilesOptions {
  readonly checkpoints?: true;
  readonly download?: string;
  readonly force?: true;
}

interface FileOptions {
  readonly output?: string;
  readonly version?: number;
  readonly checkpoint?: true;
}

type Listed = ArtifactShape & JobName;

export const addJobFiles: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'files <jobs...>', {
    summary: 'List the files that jobs uploaded, or download them',
    examples: ['job files digits-tune/42', 'job files digits-tune/1-27 --download results', 'job files digits-tune/42 --checkpoints --json'],
    notes:
      'Every version is listed, the newest first. --download brings the newest version of each file, of one job into the directory itself, of several into EXPERIMENT/NUMBER below it. A file that is there already and is the same is left alone.',
  });
  experimentOption(command)
    .option('--checkpoints', 'saved states instead of files')
    .option('-d, --download <directory>', 'bring them here')
    .option('--force', 'with --download: replace files that differ');
  onRun<FilesOptions>(command, dependencies, async ({ context, options, words }) => {
    if (options.force === true && options.download === undefined) throw usageError('--force belongs to --download.');
    const selection = await selectJobs(context, words);
    const single = singleJob(selection);
    const jobs = single === null ? await existingJobs(context, selection) : [single];
    if (jobs.length === 0) throw new CliFailure(EXIT.not_found, `There is no job ${selectionText(selection)}.`);
    const pages = readFiles(context, jobs, options.checkpoints === true ? 'checkpoint' : 'artifact');
    if (options.download === undefined) return listFiles(context, pages);
    await downloadAll(context, pages, { ...options, directory: options.download, flat: single !== null });
  });
};

export const addJobFile: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'file <jobs> [name]', {
    summary: 'Print one file of a job, byte for byte, or save it',
    examples: [
      'job file digits-tune/42 result.json',
      'job file digits-tune/42 model.pt -o model.pt',
      'job file digits-tune/42 result.json --version 0',
      'job file digits-tune/42 --checkpoint -o state.pt',
    ],
    notes:
      'The newest version that counts, unless --version says which. What goes to standard output is checked only when all of it is there; -o keeps nothing that is not whole.',
  });
  experimentOption(command)
    .option('-o, --output <file>', 'save it here, in place of what is there')
    .option('--version <n>', 'this version, as `job files` lists it', wholeNumber(0))
    .option('--checkpoint', 'the saved state; it needs no name');
  onRun<FileOptions>(command, dependencies, async ({ context, options, words }) => {
    const [reference, name] = words;
    if (name === undefined && options.checkpoint !== true) throw usageError(`Which file? drover job files ${reference} lists them.`);
    if (name !== undefined && options.checkpoint === true) throw usageError('A checkpoint needs no name.');
    const job = singleJob(await selectJobs(context, [reference!]));
    if (job === null) throw usageError('Name a single job; drover job files … --download brings the files of several.');
    const file = await findFile(context, job, { name: name ?? null, version: options.version ?? null });
    const { client } = await context.connection();
    if (options.output === undefined) return readFileOfJob(client, file, (bytes) => context.output.bytes(bytes));
    const path = resolve(context.dependencies.cwd, options.output);
    await saveFileOfJob(client, file, path);
    await context.output.show({ json: { ...job, ...file.artifact, path }, ids: [path], blocks: [{ text: `Saved ${path}.` }] });
  });
};

async function* readFiles(context: Context, jobs: readonly JobName[], kind: ArtifactShape['kind']): AsyncGenerator<readonly Listed[]> {
  const { client } = await context.connection();
  for (const job of jobs) {
    const { artifacts } = await client.results.artifacts({ params: job, query: { kind } });
    yield artifacts.map((artifact) => ({ ...job, ...artifact }));
  }
}

async function listFiles(context: Context, pages: AsyncIterable<readonly Listed[]>): Promise<void> {
  const now = context.dependencies.clock.now();
  await context.output.list<Listed>({
    items: pages,
    json: (file) => file,
    id: ({ name }) => name,
    columns: [
      { title: 'JOB' },
      { title: 'FILE', shrinks: true },
      { title: 'VERSION', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'ATTEMPT', align: 'right' },
      { title: 'UPLOADED' },
      { title: '', shrinks: true },
    ],
    row: (file) => [
      `${file.experiment}/${file.number}`,
      file.name,
      String(file.version),
      bytesText(file.size_bytes),
      String(file.attempt),
      relativeTime(file.created_at, now),
      file.superseded ? 'does not count: the job had gone on elsewhere' : '',
    ],
    empty: 'No file.',
  });
}

/** Newest first, so the first that fits is the one; files of attempts that no longer spoke for the job only when asked for. */
async function findFile(context: Context, job: JobName, wanted: { name: string | null; version: number | null }): Promise<FileOfJob> {
  const { client } = await context.connection();
  const { artifacts } = await client.results.artifacts({ params: job, query: { kind: wanted.name === null ? 'checkpoint' : 'artifact' } });
  const named = artifacts.filter(({ name }) => wanted.name === null || name === wanted.name);
  const artifact = named.find(({ version, superseded }) => (wanted.version === null ? !superseded : version === wanted.version));
  if (artifact !== undefined) return { ...job, artifact };
  const what = wanted.name === null ? 'no checkpoint' : `no file ${JSON.stringify(wanted.name)}`;
  const version = wanted.version === null ? '' : ` in version ${wanted.version}`;
  throw new CliFailure(
    EXIT.not_found,
    `${job.experiment}/${job.number} has ${what}${version}. drover job files ${job.experiment}/${job.number} lists what there is.`,
  );
}

interface DownloadOptions extends FilesOptions {
  readonly directory: string;
  /** Not below a directory per job. */
  readonly flat: boolean;
}

type Saved = Pick<Listed, 'experiment' | 'number' | 'name' | 'version' | 'size_bytes' | 'sha256'> & { readonly path: string };

async function downloadAll(context: Context, pages: AsyncIterable<readonly Listed[]>, options: DownloadOptions): Promise<void> {
  const { client } = await context.connection();
  const saved: Saved[] = [];
  const kept: string[] = [];
  for await (const files of pages) {
    for (const file of newestOfEach(files)) {
      const { experiment, number, name, version, size_bytes, sha256 } = file;
      const path = join(targetDirectory(context, file, options), safeName(file));
      const there = await compareFile(path, sha256);
      if (there === 'other' && options.force !== true) {
        kept.push(path);
        continue;
      }
      if (there !== 'same') await saveFileOfJob(client, { experiment, number, artifact: file }, path);
      saved.push({ experiment, number, name, version, size_bytes, sha256, path });
    }
  }
  const files = `${saved.length} ${saved.length === 1 ? 'file' : 'files'}`;
  const text = saved.length === 0 && kept.length === 0 ? 'There is no file to bring.' : `${files} in ${resolve(context.dependencies.cwd, options.directory)}.`;
  await context.output.show({ json: saved, ids: saved.map(({ path }) => path), blocks: [{ text }] });
  tellOfKept(kept);
}

function newestOfEach(files: readonly Listed[]): Listed[] {
  const newest = new Map<string, Listed>();
  for (const file of files) if (!file.superseded && !newest.has(file.name)) newest.set(file.name, file);
  return [...newest.values()];
}

function targetDirectory(context: Context, { experiment, number }: JobName, { directory, flat }: DownloadOptions): string {
  const place = resolve(context.dependencies.cwd, directory);
  return flat ? place : join(place, experiment, String(number));
}

/** A name that a job chose is a name below the directory and nothing else, whatever the server let pass. */
function safeName({ experiment, number, name }: Listed): string {
  const problem = artifactNameProblem(name);
  if (problem === null) return name;
  throw new CliFailure(
    EXIT.refused,
    `A file of ${experiment}/${number} cannot be saved under its name ${JSON.stringify(name)}. ${problem} Use: drover job file … -o FILE`,
  );
}

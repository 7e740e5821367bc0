// `drover matrix ls|stat|csv`: matrices, the jobs of one, and these as a table for a spreadsheet.
import { resolve } from 'node:path';

import { addCommand, experimentOption, onRun, wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { saveWhole } from '../download.ts';
import { usageError } from '../failure.ts';
import { JOB_COLUMNS, jobRow } from '../job-list.ts';
import { matrixCounts, matrixCsv, matrixJobs, readMatrices, readMatrix, type MatrixShape } from '../matrix-jobs.ts';
import { countsText } from '../status-word.ts';

export const addMatrixList: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'ls', {
    summary: 'List matrices, the newest first',
    examples: ['matrix ls --experiment digits-tune', 'matrix ls --json'],
    notes: 'R runs, W waits, H is held, D done, F failed, C cancelled; ~: reckoned from a share of a large matrix.',
  }).alias('list');
  experimentOption(command).option('-n, --limit <n>', 'at most so many', wholeNumber(1));
  onRun<{ limit?: number }>(command, dependencies, async ({ context, options }) => listMatrices(context, options.limit ?? null));
};

export async function listMatrices(context: Context, limit: number | null): Promise<void> {
  const experiment = await context.experiment();
  await context.output.list<MatrixShape>({
    items: readMatrices(context, experiment, limit),
    json: (matrix) => matrix,
    id: ({ id }) => String(id),
    columns: [
      { title: 'MATRIX', align: 'right' },
      { title: 'JOBS' },
      { title: 'STATUS' },
      { title: 'CLASS' },
      { title: 'VALUES', shrinks: true },
      { title: 'COMMAND', shrinks: true },
    ],
    row: (matrix) => {
      const { exact, counts } = matrixCounts(matrix);
      return [
        String(matrix.id),
        `${matrix.from}-${matrix.to}`,
        `${exact ? '' : '~'}${countsText(counts)}`,
        matrix.machine_class ?? '',
        matrix.axes.map(({ name, count }) => `${name}: ${count}`).join(', '),
        matrix.command ?? '',
      ];
    },
    empty: `${experiment} has no matrix yet.`,
  });
}

const IDS = 'Its number is the one that matrix ls lists.';

export const addMatrixStat: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'stat <matrix>', {
    summary: 'List every job of a matrix',
    examples: ['matrix stat 3 --experiment digits-tune', 'matrix stat last --json'],
    notes: `${IDS} \`last\` is the newest.`,
  });
  experimentOption(command);
  onRun(command, dependencies, async ({ context, words }) => {
    const matrix = await readMatrix(context, words[0]!);
    const now = context.dependencies.clock.now();
    await context.output.list({
      items: matrixJobs(context, matrix),
      json: (job) => job,
      id: (job) => context.jobName(job.experiment, job.number),
      columns: JOB_COLUMNS,
      row: (job) => jobRow(job, now),
      empty: `Matrix ${matrix.id} has no jobs any more.`,
    });
  });
};

export const addMatrixCsv: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'csv <matrix> [file]', {
    summary: 'Write the jobs of a matrix as CSV, a column for each of its params',
    examples: ['matrix csv 3 --experiment digits-tune > grid.csv', 'matrix csv last grid.csv'],
    notes: `${IDS} A file of this name is replaced when the new one is whole.`,
  });
  experimentOption(command);
  onRun(command, dependencies, ({ context, words: [id = '', file] }) => writeMatrixCsv(context, id, file ?? null));
};

export async function writeMatrixCsv(context: Context, id: string, file: string | null): Promise<void> {
  if (context.output.mode === 'json' && file === null) throw usageError('A CSV is not JSON; matrix stat has --json.');
  const matrix = await readMatrix(context, id);
  const lines = matrixCsv(context, matrix);
  if (file === null) {
    for await (const text of lines) await context.output.bytes(Buffer.from(text));
    return;
  }
  const path = resolve(context.dependencies.cwd, file);
  await saveWhole(path, async (write) => {
    for await (const text of lines) await write(Buffer.from(text));
  });
  await context.output.show({ json: { matrix_id: matrix.id, path }, ids: [path], blocks: [{ text: `Saved ${path}.` }] });
}

// `j job matrix add|ls|stat|csv`.
import { LIMITS } from '../../core/limits.ts';
import { randomId } from '../../runtime/ids.ts';
import { addGroup, wholeNumber, type AddCommand } from '../command.ts';
import { readInput, waitForExpansion } from '../commands/matrix-add.ts';
import { listMatrices, writeMatrixCsv } from '../commands/matrix-ls.ts';
import { usageError } from '../failure.ts';
import { matrixJobs, readMatrix } from '../matrix-jobs.ts';
import { addOptions, settingsOf, showAdded, type AddOptions } from './add.ts';
import { addJCommand, onJ } from './command.ts';
import { showJobs } from './list.ts';

/** What `-x` is called among the params of a matrix. */
const REPETITION = 'REPETITION';

export const addMatrix: AddCommand = (parent, dependencies) => {
  const group = addGroup(parent, 'matrix', 'Add one job per combination of values, and see how far they are');
  const add = addJCommand(group, {
    usage: 'add <class> <command> [words...]',
    summary: 'Add one job per combination of values',
    examples: [
      'job matrix add foo "cmd --param0 {I} --param1 {J}" /path/to/results I=1,2,3,4 J=linear,quadratic',
      `job matrix add foo "cmd {I}" /path/to/results 'I=["a,b", "c"]' -x 3`,
    ],
    notes: `The words are the directory for results, which may be left out, and KEY=VALUE,VALUE for each variable. A value with a comma stands in double quotes. With -x each combination comes so many times, told apart by ${REPETITION}.`,
  });
  addOptions(add);
  onJ<AddOptions>(add, dependencies, async ({ context, options, words: [machineClass = '', line = '', ...rest] }) => {
    const [first, ...others] = rest;
    const results = first === undefined || first.includes('=') ? undefined : first;
    const values = results === undefined ? rest : others;
    const matrix = withRepetitions(await readInput(context, values), options.x);
    const experiment = await context.experiment();
    const { client } = await context.connection();
    const body = { ...settingsOf({ machineClass, command: line, results }, options), matrix };
    const reply = await client.jobs.create({ params: { experiment }, body }, { idempotency_key: randomId() });
    if (reply.expanding && reply.matrix_id !== null) await waitForExpansion(context, experiment, reply);
    await showAdded(context, reply);
  });

  const ls = addJCommand(group, { usage: 'ls [matrix]', summary: 'List the matrices, or every job of one', examples: ['job matrix ls', 'job matrix ls 1'] });
  ls.option('-n <n>', 'at most so many', wholeNumber(1));
  onJ<{ n?: number }>(ls, dependencies, async ({ context, options, words: [id] }) =>
    id === undefined ? listMatrices(context, options.n ?? null) : showJobs(context, matrixJobs(context, await readMatrix(context, id))),
  );

  const stat = addJCommand(group, {
    usage: 'stat [matrix]',
    summary: 'List every job of a matrix, the newest one if none is named',
    examples: ['job matrix stat 1', 'job matrix stat'],
  });
  onJ(stat, dependencies, async ({ context, words: [id = 'last'] }) => showJobs(context, matrixJobs(context, await readMatrix(context, id))));

  const csv = addJCommand(group, {
    usage: 'csv <matrix> [file]',
    summary: 'Write the jobs of a matrix as CSV, a column for each variable',
    examples: ['job matrix csv 1 matrix.csv', 'job matrix csv last'],
  });
  onJ(csv, dependencies, ({ context, words: [id = '', file] }) => writeMatrixCsv(context, id, file ?? null));
};

function withRepetitions(matrix: Record<string, unknown>, times: number | undefined): Record<string, unknown> {
  if (times === undefined || times === 1) return matrix;
  if (Object.hasOwn(matrix, REPETITION)) throw usageError(`${REPETITION} is what -x counts with; leave out one of them.`);
  if (times > LIMITS.matrix_values.value) throw usageError(`-x is at most ${LIMITS.matrix_values.value.toLocaleString('en-US')}.`);
  return { ...matrix, [REPETITION]: Array.from({ length: times }, (_, index) => index + 1) };
}

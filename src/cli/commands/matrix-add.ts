// `drover matrix add`: one job per combination of values.
import { paramNameProblem } from '../../core/params.ts';
import { matrixOddities, readMatrix, readMatrixWords } from '../../core/matrix.ts';
import { strictJsonProblem } from '../../core/strict-json.ts';
import { randomId } from '../../runtime/ids.ts';
import { addCommand, onRun, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { createdView, type CreatedReply } from '../created.ts';
import type { CliDependencies } from '../dependencies.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { inputName, readInputText } from '../input-text.ts';
import { COMMAND_NOTES, jobOptions, jobSettings, type JobOptions } from '../job-options.ts';
import { addProgress, createProgressLine, emptyProgress, progressStream } from '../progress-line.ts';

interface MatrixOptions extends JobOptions {
  readonly file?: string;
  readonly replacePending?: true;
}

/** How often a large matrix that is being expanded is looked at. */
const EXPANSION_MS = 250;

export const addMatrixAdd: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'add [values...]', {
    summary: 'Add one job per combination of values',
    examples: [
      "matrix add --experiment digits-tune lr=0.1,0.01 units=8,16,32 -- 'python3 train.py --lr {lr} --units {units}'",
      "matrix add --experiment digits-tune lr=0.1,0.01 --dry-run -- 'python3 train.py --lr {lr}'",
      "matrix add --experiment digits-tune --file grid.json -- 'python3 train.py --lr {lr}'",
    ],
    notes: `Values are separated by commas; a JSON list is taken as it is: name='["a,b", "c"]'. The last name varies fastest. ${COMMAND_NOTES}`,
  });
  jobOptions(command)
    .option('-f, --file <grid.json>', 'an object of name and list of values; - reads standard input')
    .option('--replace-pending', 'delete the pending jobs of the experiment in the same step');
  onRun<MatrixOptions>(command, dependencies, async ({ context, options, words, tail }) => {
    const matrix = await readInput(context, words, options.file);
    const settings = jobSettings(options, tail);
    const experiment = await context.experiment();
    const { client } = await context.connection();
    const body = { ...settings, matrix, ...(options.replacePending === undefined ? {} : { replace_pending: true }) };
    const reply = await client.jobs.create({ params: { experiment }, body }, { idempotency_key: randomId() });
    if (reply.expanding && reply.matrix_id !== null) await waitForExpansion(context, experiment, reply);
    if (reply.replaced > 0) context.output.note(`${reply.replaced} pending jobs ${reply.dry_run ? 'would be' : 'were'} deleted.`);
    await context.output.show(createdView(reply, experiment, settings.command ?? null));
  });
};

export async function readInput(context: Context, words: readonly string[], file?: string): Promise<Record<string, unknown>> {
  const fromFile = file === undefined ? {} : await readGrid(context.dependencies, file);
  const fromWords = readMatrixWords(words);
  if ('problem' in fromWords) throw usageError(`${fromWords.problem} The command goes after --.`);
  for (const word of words) {
    const name = word.slice(0, word.indexOf('='));
    const problem = paramNameProblem(name);
    if (problem !== null) throw usageError(`Param ${JSON.stringify(name)}: ${problem}`);
    if (Object.hasOwn(fromFile, name)) throw usageError(`Param ${JSON.stringify(name)} stands on the command line and in ${file}; give it once.`);
  }
  const input = { ...fromFile, ...fromWords.input };
  if (Object.keys(input).length === 0) throw usageError('Which values? For example: drover matrix add --experiment E lr=0.1,0.01 units=8,16 -- COMMAND');
  const read = readMatrix(input);
  if ('problem' in read) throw usageError(read.problem);
  for (const oddity of matrixOddities(read.matrix)) context.output.note(oddity);
  return input;
}

async function readGrid(dependencies: CliDependencies, file: string): Promise<Record<string, unknown>> {
  const name = inputName(file);
  const text = await readInputText(dependencies, file);
  let grid: unknown;
  try {
    grid = JSON.parse(text);
  } catch (error) {
    throw usageError(`${name} is not JSON: ${(error as Error).message}.`);
  }
  const problem = strictJsonProblem(text);
  if (problem !== null) throw usageError(`${name}: ${problem.sentence}`);
  const read = readMatrix(grid);
  if ('problem' in read) throw usageError(`${name}: ${read.problem}`);
  return grid as Record<string, unknown>;
}

/** A large matrix becomes jobs in the background; leaving here does not stop it. */
export async function waitForExpansion(context: Context, experiment: string, reply: CreatedReply): Promise<void> {
  const { client } = await context.connection();
  const { clock } = context.dependencies;
  const line = createProgressLine(context.dependencies, progressStream(context));
  let progress = emptyProgress();
  const interrupted = new AbortController();
  const release = context.dependencies.onInterrupt(() => interrupted.abort());
  try {
    for (;;) {
      const matrix = await client.matrices.get({ params: { experiment, matrix_id: reply.matrix_id! } });
      progress = addProgress(progress, { at: clock.monotonic(), ended: matrix.expanded, total: matrix.size });
      if (matrix.expanded >= matrix.size) return;
      line.update({ label: 'Creating jobs', ended: matrix.expanded, total: matrix.size, details: [], progress });
      await clock.sleep(EXPANSION_MS, interrupted.signal);
      if (interrupted.signal.aborted) throw new CliFailure(EXIT.interrupted);
    }
  } finally {
    release();
    line.finish();
  }
}

// `drover var …`: texts that commands use as {NAME}. Values of secrets go in, and never come out again.
import type { VariableShape } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { secretVariable, variableNameProblem, variableValueProblem } from '../../core/variables.ts';
import { addCommand, addGroup, experimentOption, onRun, type AddCommand, type Run } from '../command.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { readInputText } from '../input-text.ts';
import { relativeTime } from '../moments.ts';
import { ask, askHidden } from '../prompt.ts';

interface PlaceOptions {
  readonly shared?: true;
}

interface SetOptions extends PlaceOptions {
  readonly secret?: true;
  readonly fromFile?: string;
}

export const addVar: AddCommand = (program, dependencies) => {
  const group = addGroup(program, 'var', 'Variables that commands use as {NAME}, plain ones and secrets');
  addSet(group, dependencies);
  addList(group, dependencies);
  addRemove(group, dependencies);
};

const addSet: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'set <variable> [value]', {
    summary: 'Set a variable; jobs that exist keep the value that they were made with',
    examples: [
      'var set DATA /data/digits',
      'var set TOKEN --secret                 # asks for it, without showing it',
      'var set TOKEN --secret < token.txt',
      'var set CONFIG --from-file config.json',
    ],
    notes:
      'Without a value it is read from standard input, or asked for on a terminal. The newline at the end of a single line is dropped. A secret is filled in when a job starts, on its machine, and is shown nowhere.',
  });
  experimentOption(command)
    .option('--secret', 'never shown, listed or logged; jobs find it in their environment')
    .option('--from-file <file>', 'read the value from a file')
    .option('--shared', 'for the commands of all experiments (admins)');
  onRun<SetOptions>(command, dependencies, async (run) => {
    const { context, options, words } = run;
    const name = words[0]!;
    const secret = options.secret === true;
    refuse(variableNameProblem(name));
    const value = await readValue(run, { name, secret });
    refuse(variableValueProblem(value, secret));
    const { client } = await context.connection();
    const body = { value, secret };
    const place = await placeOf(context, options);
    const params = { name };
    const variable =
      place === null ? await client.variables.setShared({ params, body }) : await client.variables.set({ params: { ...params, experiment: place }, body });
    if (secret) noteSecret(context, name, value);
    await context.output.show({ json: variable, ids: [name], blocks: [{ text: `Set ${secret ? 'the secret ' : ''}${name} ${ofPlace(place)}.` }] });
  });
};

const addList: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'ls', {
    summary: 'List the variables that commands can use',
    examples: ['var ls', 'var ls -e digits-tune --json'],
    notes: 'Those of the experiment and the shared ones. A variable of the experiment comes before a shared one of the same name.',
  }).alias('list');
  experimentOption(command).option('--shared', 'only those of all experiments (admins)');
  onRun<PlaceOptions>(command, dependencies, async ({ context, options }) => {
    const place = await placeOf(context, options);
    const variables = await readVariables(context, place);
    const now = context.dependencies.clock.now();
    await context.output.list<VariableShape>({
      items: (async function* () {
        yield variables;
      })(),
      json: (variable) => variable,
      id: ({ name }) => name,
      columns: [{ title: 'NAME' }, { title: 'VALUE', shrinks: true }, { title: 'OF' }, { title: 'CHANGED' }],
      row: ({ name, value, shared, updated_at }) => [
        name,
        value ?? '(secret)',
        place === null || shared ? 'all experiments' : place,
        relativeTime(updated_at, now),
      ],
      empty: `There is no variable ${ofPlace(place)}. Set one: drover var set NAME VALUE`,
    });
  });
};

const addRemove: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'rm <variable...>', {
    summary: 'Remove variables; jobs that exist keep plain values, and fail at their next start without a secret',
    examples: ['var rm DATA', 'var rm -e digits-tune TOKEN'],
  });
  experimentOption(command).option('--shared', 'of all experiments (admins)');
  onRun<PlaceOptions>(command, dependencies, async ({ context, options, words }) => {
    for (const name of words) refuse(variableNameProblem(name));
    const { client } = await context.connection();
    const place = await placeOf(context, options);
    for (const name of words) {
      if (place === null) await client.variables.removeShared({ params: { name } });
      else await client.variables.remove({ params: { experiment: place, name } });
    }
    await context.output.show({ json: { removed: words }, ids: words, blocks: [{ text: `Removed ${words.join(', ')} ${ofPlace(place)}.` }] });
  });
};

/** The experiment; null: all of them share it. */
async function placeOf(context: Context, { shared }: PlaceOptions): Promise<string | null> {
  return shared === true ? null : context.experiment();
}

function ofPlace(place: string | null): string {
  return place === null ? 'for all experiments' : `of ${place}`;
}

async function readVariables(context: Context, place: string | null): Promise<readonly VariableShape[]> {
  const { client } = await context.connection();
  const reply = place === null ? await client.variables.listShared({}) : await client.variables.list({ params: { experiment: place } });
  return reply.variables;
}

async function readValue({ context, options, words, tail }: Run<SetOptions>, { name, secret }: { name: string; secret: boolean }): Promise<string> {
  const { dependencies } = context;
  // A value that begins with - stands after --.
  const typed = words[1] ?? tail?.[0];
  const { fromFile } = options;
  if (typed !== undefined && fromFile !== undefined) throw usageError('Give the value or --from-file, not both.');
  if (fromFile !== undefined) return oneLine(await readInputText(dependencies, fromFile));
  if (typed !== undefined && typed !== '-') {
    if (secret)
      dependencies.stderr.write('drover: this secret is now in the history of your shell; another time leave it out, or give it on standard input.\n');
    return typed;
  }
  if (dependencies.stdin.isTTY !== true || typed === '-') return readPiped(context, name);
  if (!secret) return ask(dependencies, `Value of ${name}: `);
  const answer = await askHidden({ stdin: dependencies.stdin, output: dependencies.stderr }, `Value of ${name} (not shown): `);
  if (answer === '') throw new CliFailure(EXIT.refused, 'Nothing was changed.');
  return answer;
}

async function readPiped({ dependencies }: Context, name: string): Promise<string> {
  const text = await readInputText(dependencies, '-');
  if (text === '') throw usageError(`Which value? Nothing came on standard input. For an empty one: drover var set ${name} ''`);
  return oneLine(text);
}

/** Programs end a line with a newline that nobody means; of a text of several lines it may be a part. */
function oneLine(text: string): string {
  return /^[^\r\n]*\r?\n$/.test(text) ? text.replace(/\r?\n$/, '') : text;
}

function noteSecret(context: Context, name: string, value: string): void {
  const least = LIMITS.masked_bytes.value;
  context.output.note(`Commands write it as {${name}} and find it as ${secretVariable(name)} in their environment.`);
  if (Buffer.byteLength(value) < least) context.output.note(`It has fewer than ${least} bytes, so it is not masked in logs.`);
}

function refuse(problem: string | null): void {
  if (problem !== null) throw usageError(problem);
}

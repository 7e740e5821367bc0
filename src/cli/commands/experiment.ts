// `drover experiment …`: create, list, show, change, hold, delete; and the PIN of its dashboard.
import { randomId } from '../../runtime/ids.ts';
import { addCommand, addGroup, numberFrom, onRun, seconds, wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { COUNT_COLUMNS, countCells } from '../count-table.ts';
import type { ExperimentShape } from '../../contract/schemas.ts';
import { fullTime, relativeTime } from '../moments.ts';
import type { View } from '../output.ts';
import { confirmName } from '../prompt.ts';
import { addExperimentSet } from './experiment-set.ts';

interface CreateOptions {
  readonly description?: string;
  readonly maxAttempts?: number;
  readonly timeout?: number;
  readonly grace?: number;
  readonly lostAfter?: number;
  readonly backoff?: number;
}

export const addExperiment: AddCommand = (program, dependencies) => {
  const group = addGroup(program, 'experiment', 'Create, list, show, change, hold and delete experiments');
  addCreate(group, dependencies);
  addList(group, dependencies);
  addShow(group, dependencies);
  addExperimentSet(group, dependencies);
  addHold(group, dependencies);
  addPin(group, dependencies);
  addRemove(group, dependencies);
};

const addCreate: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'create <experiment>', {
    summary: 'Create an experiment',
    examples: ['experiment create digits-tune', 'experiment create long-runs --max-attempts 3 --timeout 12h --description "Three tries each"'],
  })
    .option('--description <text>', 'what it is about')
    .option('--max-attempts <n>', 'tries that may fail before a job is aborted', wholeNumber(1, 1000))
    .option('--backoff <seconds>', 'delay before the first retry; doubles with each one', numberFrom(0))
    .option('--timeout <time>', 'longest run of one attempt, e.g. 90s, 15m, 2h', seconds)
    .option('--grace <time>', 'time between SIGTERM and SIGKILL', seconds)
    .option('--lost-after <time>', 'silence of an agent after which its jobs are queued again', seconds);
  onRun<CreateOptions>(command, dependencies, async ({ context, options, words }) => {
    const { client } = await context.connection();
    const body = {
      name: words[0]!,
      ...(options.description === undefined ? {} : { description: options.description }),
      settings: {
        ...(options.maxAttempts === undefined ? {} : { max_attempts: options.maxAttempts }),
        ...(options.backoff === undefined ? {} : { backoff_base_seconds: options.backoff }),
        ...(options.timeout === undefined ? {} : { timeout_seconds: options.timeout }),
        ...(options.grace === undefined ? {} : { grace_seconds: options.grace }),
        ...(options.lostAfter === undefined ? {} : { lost_after_seconds: options.lostAfter }),
      },
    };
    const experiment = await client.experiments.create({ body }, { idempotency_key: randomId() });
    await context.output.show({
      json: experiment,
      ids: [experiment.name],
      blocks: [{ text: `Created ${experiment.name}. Add jobs: drover matrix add --experiment ${experiment.name} lr=0.1,0.01 -- 'python3 train.py --lr {lr}'` }],
    });
  });
};

const addList: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'ls', { summary: 'List experiments', examples: ['experiment ls', 'experiment ls --quiet'] }).alias('list');
  onRun(command, dependencies, async ({ context }) => {
    const { client } = await context.connection();
    const { experiments } = await client.experiments.list({});
    const now = context.dependencies.clock.now();
    await context.output.list<ExperimentShape>({
      items: (async function* () {
        yield experiments;
      })(),
      json: (experiment) => experiment,
      id: ({ name }) => name,
      columns: [{ title: 'EXPERIMENT' }, ...COUNT_COLUMNS, { title: 'WORKERS', align: 'right' }, { title: 'ACTIVE' }, { title: 'DESCRIPTION', shrinks: true }],
      row: (one) => [
        one.held_at === null ? one.name : `${one.name} (held)`,
        ...countCells(one.counts),
        `${one.workers.busy}/${one.workers.busy + one.workers.idle}`,
        relativeTime(one.last_activity_at, now),
        one.description,
      ],
      empty: 'No experiment yet. Create one: drover experiment create my-tune',
    });
  });
};

const addShow: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'show [experiment]', {
    summary: 'Show one experiment',
    examples: ['experiment show digits-tune', 'experiment show digits-tune --json'],
  });
  onRun(command, dependencies, async ({ context, words }) => {
    const { client } = await context.connection();
    const experiment = await client.experiments.get({ params: { experiment: words[0] ?? (await context.experiment()) } });
    await context.output.show(experimentView(experiment, context.dependencies.clock.now()));
  });
};

const addHold: AddCommand = (group, dependencies) => {
  for (const held of [true, false]) {
    const name = held ? 'hold' : 'unhold';
    const command = addCommand(group, `${name} [experiment]`, {
      summary: held ? 'Hand out no more jobs; running ones go on' : 'Hand out jobs again',
      examples: [`experiment ${name} digits-tune`],
    });
    onRun(command, dependencies, async ({ context, words }) => {
      const { client } = await context.connection();
      const experiment = await client.experiments.change({ params: { experiment: words[0] ?? (await context.experiment()) }, body: { held } });
      const sentence = held ? `${experiment.name} is held: no job starts. Go on: drover experiment unhold ${experiment.name}` : `${experiment.name} goes on.`;
      await context.output.show({ json: experiment, ids: [experiment.name], blocks: [{ text: sentence }] });
    });
  }
};

const addPin: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'pin [experiment]', {
    summary: "Show or change the PIN that opens the experiment's dashboard",
    examples: ['experiment pin digits-tune', 'experiment pin digits-tune --set 402913'],
  }).option('--set <pin>', 'the new PIN, six digits; its dashboard sessions end');
  onRun<{ set?: string }>(command, dependencies, async ({ context, options, words }) => {
    const { client } = await context.connection();
    const experiment = words[0] ?? (await context.experiment());
    if (options.set !== undefined) await client.experiments.changePin({ params: { experiment }, body: { new_pin: options.set } });
    const reply = await client.experiments.pin({ params: { experiment } });
    await context.output.show({ json: reply, ids: [reply.pin], blocks: [{ text: reply.pin }] });
  });
};

const addRemove: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'rm <experiment>', {
    summary: 'Delete an experiment with all its jobs, logs and files',
    examples: ['experiment rm digits-tune', 'experiment rm digits-tune --confirm digits-tune'],
  }).option('--confirm <name>', 'the name once more, instead of being asked for it');
  onRun<{ confirm?: string }>(command, dependencies, async ({ context, options, words }) => {
    const { client } = await context.connection();
    const name = words[0]!;
    if (options.confirm !== name) await askForName(context, name, options.confirm);
    const reply = await client.experiments.remove({ params: { experiment: name }, query: { confirm: name } });
    await context.output.show({ json: reply, ids: [name], blocks: [{ text: `Deleted ${name}.` }] });
  });
};

async function askForName(context: Context, name: string, given: string | undefined): Promise<void> {
  const { client } = await context.connection();
  const { counts } = await client.experiments.get({ params: { experiment: name } });
  const mismatch = given === undefined ? '' : `--confirm ${given} is not the name. `;
  const question = `${mismatch}This deletes ${name} with its ${counts.total} jobs, their logs and files, for ever.`;
  await confirmName(context.dependencies, question, name);
}

function experimentView(experiment: ExperimentShape, now: number): View {
  const { counts, settings, workers } = experiment;
  return {
    json: experiment,
    ids: [experiment.name],
    blocks: [
      {
        fields: [
          ['Experiment', experiment.name],
          ...(experiment.description === '' ? [] : [['Description', experiment.description] as const]),
          ...(experiment.held_at === null ? [] : [['Held', fullTime(experiment.held_at, now)] as const]),
          ['Created', fullTime(experiment.created_at, now)],
          ['Active', fullTime(experiment.last_activity_at, now)],
          ['Workers', `${workers.busy} busy, ${workers.idle} idle`],
        ],
      },
      { table: { columns: COUNT_COLUMNS, rows: [countCells(counts)] } },
      { fields: Object.entries(settings).map(([name, value]) => [name, value === null ? 'none' : String(value)] as const) },
    ],
  };
}

// `drover machine …`: machines that jobs act on without anything being installed there, each a slot of an agent that drives its class.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import type { MachineShape } from '../../contract/index.ts';
import { machineNameProblem } from '../../core/machine.ts';
import { addCommand, addGroup, collect, onRunWith, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { relativeTime } from '../moments.ts';
import type { Cell } from '../table.ts';
import { batch } from '../worker-list.ts';

export const addMachine: AddCommand = (program, dependencies) => {
  const group = addGroup(program, 'machine', 'Add, list, move, disable and remove machines that jobs act on');
  addAdd(group, dependencies);
  addList(group, dependencies);
  addShow(group, dependencies);
  addMove(group, dependencies);
  for (const change of CHANGES) addChange(group, dependencies, change);
};

interface Selectors {
  readonly machine?: string[];
  readonly class?: string;
  readonly file?: string;
}

const FILE_HELP = 'file with one machine per word; # begins a comment';

const addAdd: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'add <hosts-and-class...>', {
    summary: 'Add driven machines to a class: hosts, then the class',
    examples: ['machine add node7.example.org:22 foo', 'machine add node7 node8 foo', 'machine add -f machines.txt foo'],
    notes:
      'Nothing is installed there. Jobs of its class run at an agent that drives it (drover up drives all classes, drover worker start --drive CLASS one), one at a time, with {MACHINE} in their command filled in.\nOne that is known changes its class, keeps its running job and comes out of quarantine.',
  })
    .option('-m, --machine <host>', 'a machine; may be repeated', collect)
    .option('-f, --file <path>', FILE_HELP);
  onRunWith<Selectors>({ command, dependencies, settings: ['url'] }, async ({ context, options, words }) => {
    const machineClass = words.at(-1)!;
    const names = [...words.slice(0, -1), ...namesOf(context, options)];
    if (names.length === 0) throw usageError('Which machine? drover machine add HOST CLASS, or -m HOST, or -f FILE.');
    for (const name of names) {
      const problem = machineNameProblem(name);
      if (problem !== null) throw usageError(problem);
    }
    const { client } = await context.connection();
    const { added, changed, driven } = await client.machines.add({ body: { names, machine_class: machineClass } });
    const said = [
      ...(added.length === 0 ? [] : [`Added ${listed(added)} to class ${machineClass}.`]),
      ...(changed.length === 0 ? [] : [`Moved ${listed(changed)} to class ${machineClass}; out of quarantine if it was there.`]),
    ];
    await context.output.show({ json: { added, changed, driven }, ids: [...added, ...changed], blocks: [{ text: said.join('\n') }] });
    if (!driven) context.output.note(`No agent drives class ${machineClass} yet, so no job runs there. Start one: drover worker start --drive ${machineClass}`);
  });
};

const STATE_COLOURS = { ready: 'green', running: 'blue', disabled: 'dim', quarantined: 'red', no_driver: 'yellow', silent: 'yellow' } as const;

const addList: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'ls', {
    summary: 'List machines, by class and name',
    examples: ['machine ls', 'machine ls -c foo', 'machine ls --json'],
  })
    .alias('list')
    .option('-c, --class <class>', 'only this class');
  onRunWith<Pick<Selectors, 'class'>>({ command, dependencies, settings: ['url'] }, async ({ context, options }) => {
    const { client } = await context.connection();
    const { machines } = await client.machines.list({ query: options.class === undefined ? {} : { machine_class: options.class } });
    await context.output.list<MachineShape>({
      items: batch(machines),
      json: (machine) => machine,
      id: ({ name }) => name,
      columns: [
        { title: 'MACHINE' },
        { title: 'CLASS' },
        { title: 'KIND' },
        { title: 'STATE' },
        { title: 'RUNNING' },
        { title: 'DRIVER' },
        { title: 'WHY', shrinks: true },
      ],
      row: (machine) => [
        machine.name,
        machine.machine_class ?? '',
        machine.kind,
        stateCell(machine),
        jobOf(machine),
        machine.driver ?? '',
        machine.reason ?? '',
      ],
      empty: options.class === undefined ? 'No machine. Add one: drover machine add HOST CLASS' : `No machine of class ${options.class}.`,
    });
  });
};

function stateCell({ state }: MachineShape): Cell {
  return { text: state.replace('_', ' '), colour: STATE_COLOURS[state] };
}

function jobOf({ job }: MachineShape): string {
  return job === null ? '' : `${job.experiment}/${job.number}`;
}

const addShow: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'show <host>', { summary: 'Show one machine', examples: ['machine show node7.example.org:22'] });
  onRunWith({ command, dependencies, settings: ['url'] }, async ({ context, words }) => {
    const { client } = await context.connection();
    const { machines } = await client.machines.list({});
    const machine = machines.find(({ name }) => name === words[0]);
    if (machine === undefined) throw new CliFailure(EXIT.not_found, `There is no machine ${words[0]!}. drover machine ls lists them.`);
    const now = context.dependencies.clock.now();
    const since = (moment: string | null): string => (moment === null ? '–' : relativeTime(moment, now));
    const fields: [string, Cell][] = [
      ['Machine', machine.name],
      ['Class', machine.machine_class ?? '–'],
      ['Kind', machine.kind],
      ['State', stateCell(machine)],
      ...(machine.reason === null ? [] : [['Why', machine.reason] as [string, Cell]]),
      ['Runs', jobOf(machine) || '–'],
      ['Driver', machine.driver ?? '–'],
      ['Worker', machine.worker_id ?? '–'],
      ['Failed in a row', String(machine.failures)],
      ...(machine.quarantined_at === null
        ? []
        : ([
            ['Quarantined', since(machine.quarantined_at)],
            ['Next trial', since(machine.trial_at)],
          ] as [string, Cell][])),
      ['Added', since(machine.created_at)],
    ];
    await context.output.show({ json: machine, ids: [machine.name], blocks: [{ fields }] });
  });
};

function selectors(command: Command): Command {
  return command
    .option('-m, --machine <host>', 'a machine; may be repeated', collect)
    .option('-c, --class <class>', 'all machines of this class')
    .option('-f, --file <path>', FILE_HELP)
    .option('--dry-run', 'only say which');
}

interface ChangeOptions extends Selectors {
  readonly dryRun?: true;
}

const addMove: AddCommand = (group, dependencies) => {
  const command = selectors(
    addCommand(group, 'mv <class>', {
      summary: 'Move driven machines to another class; what runs there goes on',
      examples: ['machine mv bar -m node7.example.org:22', 'machine mv bar -c foo'],
    }),
  );
  onRunWith<ChangeOptions>({ command, dependencies, settings: ['url'] }, ({ context, options, words }) =>
    change(context, { action: 'move', done: 'Moved', machine_class: words[0]!, names: namesOf(context, options), options }),
  );
};

interface ChangeVerb {
  readonly verb: 'rm' | 'enable' | 'disable';
  readonly action: 'remove' | 'enable' | 'disable';
  readonly done: string;
  readonly summary: string;
}

const CHANGES: readonly ChangeVerb[] = [
  { verb: 'rm', action: 'remove', done: 'Removed', summary: 'Remove driven machines; what runs there ends first' },
  { verb: 'enable', action: 'enable', done: 'Enabled', summary: 'Let machines take jobs again, out of quarantine too' },
  { verb: 'disable', action: 'disable', done: 'Disabled', summary: 'Let machines take no more jobs; what runs there goes on' },
];

function addChange(group: Command, dependencies: Parameters<AddCommand>[1], { verb, action, done, summary }: ChangeVerb): void {
  const command = selectors(
    addCommand(group, `${verb} [hosts...]`, {
      summary,
      examples: [`machine ${verb} node7.example.org:22`, `machine ${verb} -m node7 -m node8`, `machine ${verb} -c foo`],
    }),
  );
  onRunWith<ChangeOptions>({ command, dependencies, settings: ['url'] }, ({ context, options, words }) =>
    change(context, { action, done, names: [...words, ...namesOf(context, options)], options }),
  );
}

interface Change {
  readonly action: 'move' | 'remove' | 'enable' | 'disable';
  readonly done: string;
  readonly machine_class?: string;
  readonly names: readonly string[];
  readonly options: ChangeOptions;
}

async function change(context: Context, { action, done, machine_class, names, options }: Change): Promise<void> {
  if (names.length === 0 && options.class === undefined) throw usageError('Which machines? Give -m HOST, -c CLASS or -f FILE.');
  const { client } = await context.connection();
  const body = {
    action,
    selection: { ...(names.length === 0 ? {} : { names: [...names] }), ...(options.class === undefined ? {} : { machine_class: options.class }) },
    ...(machine_class === undefined ? {} : { machine_class }),
    dry_run: options.dryRun === true,
  };
  const result = await client.machines.change({ body });
  const { changed, unchanged, running } = result;
  const to = machine_class === undefined ? '' : ` to class ${machine_class}`;
  const lines = [
    ...(changed.length === 0 ? [] : [options.dryRun === true ? `${listed(changed)} would change.` : `${done} ${listed(changed)}${to}.`]),
    ...(unchanged.length === 0 ? [] : [`${listed(unchanged)} ${unchanged.length === 1 ? 'was' : 'were'} like that already.`]),
    ...(running.length === 0 ? [] : [`The ${running.length === 1 ? 'job' : 'jobs'} on ${listed(running)} ${running.length === 1 ? 'goes' : 'go'} on.`]),
  ];
  await context.output.show({ json: result, ids: changed, blocks: [{ text: lines.join('\n') }] });
}

const MOST_LISTED = 10;

function listed(names: readonly string[]): string {
  return names.length <= MOST_LISTED ? names.join(', ') : `${names.slice(0, MOST_LISTED).join(', ')} and ${names.length - MOST_LISTED} more`;
}

/** Machines of the options -m and -f. */
function namesOf(context: Context, { machine = [], file }: Selectors): string[] {
  return [...machine, ...(file === undefined ? [] : readNames(resolve(context.dependencies.cwd, file)))];
}

function readNames(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw usageError(code === 'ENOENT' ? `There is no file ${path}.` : `${path} cannot be read (${code ?? String(error)}).`);
  }
  return text.split('\n').flatMap((line) =>
    line
      .replace(/#.*/, '')
      .split(/\s+/)
      .filter((word) => word !== ''),
  );
}

// `drover worker history`: what happened to one worker, newest first.
import type { contract } from '../../contract/index.ts';
import type { z } from 'zod';
import { addCommand, experimentOption, onRun, wholeNumber, type AddCommand } from '../command.ts';
import { durationText, relativeTime } from '../moments.ts';
import { batch, experimentOfWorker } from '../worker-list.ts';

type Entry = z.output<typeof contract.workers.history.reply>['entries'][number];

const SHOWN = 50;

export const addWorkerHistory: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'history <worker>', {
    summary: 'What happened to a worker, newest first: registration, jobs, commands, silence',
    examples: ['worker history gpunode_egg_0', 'worker history gpunode_egg_0 --limit 500 --json'],
  });
  experimentOption(command).option('--limit <n>', `how many entries; default ${SHOWN}`, wholeNumber(1, 1_000));
  onRun<{ limit?: number }>(command, dependencies, async ({ context, options, words }) => {
    const worker = words[0]!;
    const { client } = await context.connection();
    const experiment = await experimentOfWorker(context, worker);
    const { entries } = await client.workers.history({ params: { experiment, worker }, query: { limit: options.limit ?? SHOWN } });
    const now = context.dependencies.clock.now();
    await context.output.list<Entry>({
      items: batch(entries),
      json: (entry) => entry,
      id: (entry) => (entry.what === 'job' ? jobText(entry) : entry.kind),
      columns: [{ title: 'WHEN' }, { title: 'WHAT' }, { title: 'BY' }, { title: 'DETAILS', shrinks: true }],
      row: (entry) => [
        relativeTime(entry.at, now),
        entry.what === 'job' ? `job ${jobText(entry)}` : entry.kind.replaceAll('_', ' '),
        entry.what === 'job' ? '' : (entry.actor ?? ''),
        entry.what === 'job' ? [entry.outcome ?? 'not ended', durationText(entry.duration_ms)].filter((part) => part !== '').join(', ') : detail(entry.data),
      ],
      empty: 'Nothing is recorded of it.',
    });
  });
};

function jobText({ job }: Extract<Entry, { what: 'job' }>): string {
  return job === null ? 'of another experiment' : `${job.experiment}/${job.number}`;
}

function detail(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${String(value)}`)
    .join(', ');
}

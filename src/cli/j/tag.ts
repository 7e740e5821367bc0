// `j job tag set|unset|ls`.
import { addGroup, collect, type AddCommand } from '../command.ts';
import { changeJobs } from '../commands/job-change.ts';
import { usageError } from '../failure.ts';
import { readJobs } from '../job-list.ts';
import { selectJobs } from '../selection.ts';
import { formatRanges } from '../../core/identifiers.ts';
import { tagTerm } from '../../core/tags.ts';
import { addJCommand, onJ } from './command.ts';
import { showJobs } from './list.ts';

export const addTag: AddCommand = (parent, dependencies) => {
  const group = addGroup(parent, 'tag', 'Tag jobs, and list those of a tag');
  const set = addJCommand(group, {
    usage: 'set <jobs...>',
    summary: 'Add a tag, the last word, to jobs',
    examples: ['job tag set 1 2 baseline', 'job tag set 1-36 best'],
  });
  onJ(set, dependencies, ({ context, words }) => {
    const tag = words.at(-1)!;
    if (words.length < 2) throw usageError('Which jobs, and which tag? For example: j job tag set 1-5 baseline');
    return changeJobs(context, 'tag', { options: { tag: [tag] }, words: words.slice(0, -1) });
  });

  const unset = addJCommand(group, {
    usage: 'unset <jobs...>',
    summary: 'Take tags from jobs: all, or those that are named',
    examples: ['job tag unset 1-5', 'job tag unset 1-5 --tag baseline'],
  }).option('--tag <tag>', 'only this one (may be repeated)', collect);
  onJ<{ tag?: string[] }>(unset, dependencies, async ({ context, options, words }) => {
    const tag = options.tag ?? (await tagsOf(context, words));
    if (tag.length === 0) throw usageError('These jobs have no tag.');
    await changeJobs(context, 'untag', { options: { tag }, words });
  });

  const ls = addJCommand(group, { usage: 'ls [tag]', summary: 'List the tags, or the jobs of one', examples: ['job tag ls', 'job tag ls baseline'] });
  onJ(ls, dependencies, async ({ context, words: [tag] }) => {
    const experiment = await context.experiment();
    const { client } = await context.connection();
    if (tag !== undefined) return showJobs(context, readJobs(client, experiment, { query: { search: tagTerm(tag), order: 'asc' }, limit: null }));
    const { tags } = await client.jobs.tags({ params: { experiment } });
    await context.output.list({
      items: (async function* () {
        yield tags;
      })(),
      json: (name) => name,
      id: (name) => name,
      columns: [{ title: 'Tag' }],
      row: (name) => [name],
      empty: 'No job has a tag.',
    });
  });
};

async function tagsOf(context: Parameters<typeof showJobs>[0], words: readonly string[]): Promise<string[]> {
  const { client } = await context.connection();
  const tags = new Set<string>();
  for (const { experiment, ranges } of await selectJobs(context, words)) {
    for await (const page of readJobs(client, experiment, { query: { numbers: formatRanges(ranges) }, limit: null })) {
      for (const job of page) for (const tag of job.tags) tags.add(tag);
    }
  }
  return [...tags].slice(0, 20);
}

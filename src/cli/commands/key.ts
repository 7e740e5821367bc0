// `drover key …`: API keys for people and scripts.
import { Option } from 'commander';

import type { ApiKeyShape } from '../../contract/index.ts';
import { toIso } from '../../runtime/clock.ts';
import { randomId } from '../../runtime/ids.ts';
import { addCommand, addGroup, collect, onRun, onRunWith, seconds, wholeNumber, type AddCommand } from '../command.ts';
import { relativeTime } from '../moments.ts';
import { usageError } from '../failure.ts';

interface CreateOptions {
  readonly name: string;
  readonly role?: ApiKeyShape['role'];
  readonly experiment?: string[];
  readonly expiresIn?: number;
}

const ROLE_NAMES = ['viewer', 'operator', 'owner', 'admin'] as const satisfies readonly ApiKeyShape['role'][];

export const addKey: AddCommand = (program, dependencies) => {
  const group = addGroup(program, 'key', 'Create, list and delete API keys');
  addCreate(group, dependencies);
  addList(group, dependencies);
  addRemove(group, dependencies);
};

const addCreate: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'create', {
    summary: 'Create an API key; it is shown this once',
    examples: [
      'key create --name laptop',
      'key create --name ci --role viewer --experiment digits-tune --expires-in 30d',
      'key create --name gpunode --quiet > key.txt',
    ],
    notes: 'With --quiet only the key itself is printed.',
  })
    .requiredOption('--name <name>', 'who or what it is for')
    .addOption(new Option('--role <role>', 'what it may do; default operator').choices(ROLE_NAMES))
    .option('-e, --experiment <name>', 'only this experiment (may be repeated); default all', collect)
    .option('--expires-in <time>', 'e.g. 30d; default never', seconds);
  onRunWith<CreateOptions>({ command, dependencies, settings: ['url'] }, async ({ context, options }) => {
    const { client } = await context.connection();
    const body = {
      name: options.name,
      ...(options.role === undefined ? {} : { role: options.role }),
      ...(options.experiment === undefined ? {} : { experiments: options.experiment }),
      ...(options.expiresIn === undefined ? {} : { expires_at: toIso(context.dependencies.clock.now() + options.expiresIn * 1000) }),
    };
    const { id, name, key, role } = await client.access.createKey({ body }, { idempotency_key: randomId() });
    context.output.note(`Key ${id} "${name}" (${role}). It is shown this once; use it as DROVER_API_KEY.`);
    await context.output.show({ json: { id, name, key }, ids: [key], blocks: [{ text: key }] });
  });
};

const addList: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'ls', { summary: 'List API keys', examples: ['key ls'] }).alias('list');
  onRun(command, dependencies, async ({ context }) => {
    const { client } = await context.connection();
    const { keys } = await client.access.listKeys({});
    const now = context.dependencies.clock.now();
    await context.output.list<ApiKeyShape>({
      items: (async function* () {
        yield keys;
      })(),
      json: (key) => key,
      id: ({ id }) => String(id),
      columns: [
        { title: 'ID', align: 'right' },
        { title: 'NAME', shrinks: true },
        { title: 'KEY' },
        { title: 'ROLE' },
        { title: 'EXPERIMENTS', shrinks: true },
        { title: 'CREATED' },
        { title: 'USED' },
        { title: 'EXPIRES' },
      ],
      row: (key) => [
        String(key.id),
        key.name,
        `${key.prefix}…`,
        key.role,
        key.experiments?.join(' ') ?? 'all',
        relativeTime(key.created_at, now),
        key.last_used_at === null ? 'never' : relativeTime(key.last_used_at, now),
        key.expires_at === null ? 'never' : relativeTime(key.expires_at, now),
      ],
      empty: 'There is no API key.',
    });
  });
};

const addRemove: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'rm <id...>', { summary: 'Delete API keys, by the id that `key ls` shows', examples: ['key rm 3'] });
  onRun(command, dependencies, async ({ context, words }) => {
    const ids = words.map((word) => keyId(word));
    const { client } = await context.connection();
    for (const id of ids) await client.access.deleteKey({ params: { id } });
    await context.output.show({
      json: { deleted: ids },
      ids: ids.map(String),
      blocks: [{ text: `Deleted ${ids.length === 1 ? 'key' : 'keys'} ${ids.join(', ')}.` }],
    });
  });
};

function keyId(word: string): number {
  try {
    return wholeNumber(1)(word);
  } catch {
    throw usageError(`${JSON.stringify(word)} is not the id of a key; drover key ls shows them.`);
  }
}

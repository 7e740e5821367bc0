// `drover experiment set`: settings of an experiment, by the names under which `experiment show` lists them.
import type { ApiClient } from '../connection.ts';
import { addCommand, onRun, seconds, type AddCommand } from '../command.ts';
import { usageError } from '../failure.ts';

type ChangeBody = NonNullable<Parameters<ApiClient['experiments']['change']>[0]['body']>;
type SettingsBody = NonNullable<ChangeBody['settings']>;
type Value = string | number | boolean | null;

/** How the text of a value is read; undefined when it makes no sense. */
type Reading = (text: string) => Value | undefined;

const count: Reading = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);
const time: Reading = (text) => {
  try {
    return seconds(text);
  } catch {
    return undefined;
  }
};
const timeOrNone: Reading = (text) => (text === 'none' ? null : time(text));
const yesOrNo: Reading = (text) => (text === 'true' ? true : text === 'false' ? false : undefined);

const SETTING_KEYS = {
  max_attempts: { read: count, form: 'a whole number' },
  backoff_base_seconds: { read: time, form: 'a time such as 10, 90s or 15m' },
  backoff_cap_seconds: { read: time, form: 'a time such as 90s, 15m or 1h' },
  timeout_seconds: { read: timeOrNone, form: 'a time such as 90s, 15m or 2h, or none' },
  grace_seconds: { read: time, form: 'a time such as 30 or 2m' },
  lost_after_seconds: { read: time, form: 'a time such as 90s, 15m or 1h' },
  crash_limit: { read: count, form: 'a whole number' },
} as const satisfies Record<keyof SettingsBody, { read: Reading; form: string }>;

const KEYS: Readonly<Record<string, { readonly read: Reading; readonly form: string }>> = {
  ...SETTING_KEYS,
  description: { read: (text) => text, form: 'a text' },
  held: { read: yesOrNo, form: 'true or false' },
};

export const addExperimentSet: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'set <experiment> <settings...>', {
    summary: 'Change settings of an experiment',
    examples: [
      'experiment set digits-tune max_attempts=3 timeout_seconds=2h',
      'experiment set digits-tune timeout_seconds=none "description=Three tries each"',
      'experiment set digits-tune held=true',
    ],
    notes: `Settings are ${Object.keys(KEYS).join(', ')}. Times are seconds, or 90s, 15m, 2h, 7d. Attempts that run keep the timeout and the grace that they were started with.`,
  });
  onRun(command, dependencies, async ({ context, words }) => {
    const [experiment, ...assignments] = words;
    const body = await readChange(assignments);
    const { client } = await context.connection();
    const after = await client.experiments.change({ params: { experiment: experiment! }, body });
    const text = `Changed ${after.name}: ${assignments.join(' ')}`;
    await context.output.show({ json: after, ids: [after.name], blocks: [{ text }] });
  });
};

async function readChange(assignments: readonly string[]): Promise<ChangeBody> {
  const values = new Map<string, Value>();
  for (const word of assignments) {
    const split = word.indexOf('=');
    if (split < 1) throw usageError(`${JSON.stringify(word)} is not setting=value.`);
    const name = word.slice(0, split);
    if (values.has(name)) throw usageError(`${name} is given twice.`);
    values.set(name, await readValue(name, word.slice(split + 1)));
  }
  const { description, held, ...settings } = Object.fromEntries(values);
  return {
    ...(description === undefined ? {} : { description: description as string }),
    ...(held === undefined ? {} : { held: held as boolean }),
    ...(Object.keys(settings).length === 0 ? {} : { settings: settings as SettingsBody }),
  };
}

async function readValue(name: string, text: string): Promise<Value> {
  const key = Object.hasOwn(KEYS, name) ? KEYS[name]! : null;
  if (key === null) {
    const { didYouMean } = await import('../../runtime/spelling.ts');
    throw usageError(
      `${JSON.stringify(name)} is not a setting of an experiment.${didYouMean(name, Object.keys(KEYS))} There are ${Object.keys(KEYS).join(', ')}.`,
    );
  }
  const value = key.read(text);
  if (value === undefined) throw usageError(`${name} must be ${key.form}; ${JSON.stringify(text)} is not.`);
  return value;
}

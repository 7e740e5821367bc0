// `drover config`: every setting, its value and where it came from.
import { addCommand, onRun, type AddCommand } from '../command.ts';

export const addConfig: AddCommand = (program, dependencies) => {
  const command = addCommand(program, 'config', {
    summary: 'Show every setting, its value and where it came from',
    examples: ['config', 'config --json', 'config --all'],
    notes: 'A flag comes before the environment, then drover.json in this directory or one above, then the user file, then the default. Secrets are not shown.',
  }).option('--all', 'with the names in the environment and what each setting means');
  onRun<{ all?: true }>(command, dependencies, async ({ context, options }) => {
    const { SETTINGS, serverUrl, sourceText } = await import('../../runtime/config.ts');
    const configuration = await context.configuration();
    const rows = (Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]).map((name) => {
      const { env, description, ...rest } = SETTINGS[name];
      const value = 'secret' in rest ? masked(configuration.settings[name]) : configuration.settings[name];
      return { name, value, source: sourceText(configuration.sources[name]), environment: env, description };
    });
    const more = options.all === true;
    await context.output.show({
      json: {
        settings: rows,
        server: serverUrl(configuration),
        user_file: configuration.user_file,
        project_file: configuration.project_file,
        known_servers: Object.keys(configuration.servers),
      },
      ids: rows.map(({ name }) => name),
      blocks: [
        {
          table: {
            columns: [
              { title: 'SETTING' },
              { title: 'VALUE', shrinks: true },
              { title: 'FROM', shrinks: true },
              ...(more ? [{ title: 'ENVIRONMENT' }, { title: 'MEANING', shrinks: true }] : []),
            ],
            rows: rows.map((row) => [row.name, shown(row.value), row.source, ...(more ? [row.environment.join(' '), row.description] : [])]),
          },
        },
        {
          fields: [
            ['Server', serverUrl(configuration)],
            ['User file', configuration.user_file],
            ['Project file', configuration.project_file ?? 'none (drover.json)'],
            ['Keys for', Object.keys(configuration.servers).join(' ') || 'no server yet'],
          ],
        },
      ],
    });
  });
};

function shown(value: string | number | boolean | readonly string[] | null): string {
  const text = typeof value === 'object' ? (value?.join(',') ?? '') : String(value);
  return text === '' ? '-' : text;
}

function masked(value: unknown): string | null {
  return value === null ? null : '[secret]';
}

// `drover server`: only the server, in the foreground, with its log.
import type { Command } from 'commander';

import type { SettingName } from '../../runtime/config.ts';
import { addCommand, onRunWith, wholeNumber, type AddCommand } from '../command.ts';
import { CliFailure, EXIT } from '../failure.ts';
import { startServing } from '../serving.ts';

export const SERVER_SETTINGS = [
  'host',
  'port',
  'data_dir',
  'database',
  'log_level',
  'log_format',
  'trusted_proxies',
  'artifact_limit_mb',
  'open_workers',
  'open_workers_from',
] as const satisfies readonly SettingName[];

export interface ForceOption {
  readonly force?: true;
}

export function serverOptions(command: Command): Command {
  return command
    .option('--host <address>', 'address to listen on; default 127.0.0.1 (DROVER_HOST)')
    .option('--port <n>', 'port to listen on; default 5000, 0 for any free one (DROVER_PORT)', wholeNumber(0, 65_535))
    .option('--data-dir <path>', 'directory for everything; default .drover (DROVER_DATA_DIR)')
    .option('--database <url>', 'postgres://… instead of SQLite (better: DROVER_DATABASE, which other users do not see)')
    .option('--trusted-proxies <ranges>', 'proxies whose forwarded addresses count, e.g. 10.0.0.0/8 (DROVER_TRUSTED_PROXIES)')
    .option('--open-workers <experiment>', 'let clients of JobDistributor on this machine work for an experiment without a token (DROVER_OPEN_WORKERS)')
    .option('--open-workers-from <ranges>', 'let them come from these addresses instead, e.g. 10.1.0.0/16 (DROVER_OPEN_WORKERS_FROM)')
    .option('--artifact-limit-mb <n>', 'largest uploaded file; default 100 (DROVER_ARTIFACT_LIMIT_MB)', wholeNumber(1, 1_000_000))
    .option('--force', 'take a data directory on a network file system: safe only while a single machine uses it')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent (DROVER_LOG_LEVEL)')
    .option('--log-format <format>', 'text or json (DROVER_LOG_FORMAT)');
}

export const addServer: AddCommand = (program, dependencies) => {
  const command = addCommand(program, 'server', {
    summary: 'Run the server in the foreground',
    examples: ['server', 'server --host 0.0.0.0 --port 8080 --data-dir /srv/drover'],
    notes: 'Ctrl-C stops it in order. The commands of this user on this machine get their key by themselves.',
  });
  serverOptions(command);
  onRunWith<ForceOption>({ command, dependencies, settings: SERVER_SETTINGS }, async ({ context, options }) => {
    const configuration = await context.configuration();
    const {
      server,
      url,
      data_dir: dataDir,
    } = await startServing(dependencies, configuration, {
      log_level: configuration.settings.log_level,
      force: options.force === true,
    });
    await context.output.show({
      json: { url, store_id: server.store_id, database: server.database, data_dir: dataDir },
      ids: [url],
      blocks: [
        {
          text: `Drover ${dependencies.version} listens at ${url}, data in ${dataDir} (${server.database}).\nDashboard: ${await server.loginLink()}\nStop with Ctrl-C.`,
        },
      ],
    });
    let stopping = false;
    const release = dependencies.onInterrupt(() => {
      if (stopping) return dependencies.exit(EXIT.interrupted);
      stopping = true;
      context.output.note('Stopping.');
      server.stop().catch((error: unknown) => context.output.note(`The server could not stop cleanly: ${String(error)}`));
    });
    await server.closed;
    release();
    if (!stopping) throw new CliFailure(EXIT.unexpected, 'The server ended by itself; its log says why.');
  });
};

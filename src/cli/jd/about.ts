// `version` and `where`: what is installed, and where it keeps its things.
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

import type { Settings } from '../../runtime/config.ts';
import type { CliDependencies } from '../dependencies.ts';
import { settingsOf, type Call } from './call.ts';

export async function showVersion({ context, session: { dependencies } }: Call): Promise<void> {
  const settings = await settingsOf(context);
  const facts = {
    version: dependencies.version,
    node: process.versions.node,
    platform: `${dependencies.platform} ${process.arch}`,
    python: pythonOf(settings, dependencies),
    cache: cacheRoot(settings, dependencies),
  };
  await context.output.show({
    json: facts,
    ids: [facts.version],
    blocks: [
      {
        fields: [
          ['jd_worker_cli', `${facts.version} (Drover)`],
          ['Node', facts.node],
          ['Platform', facts.platform],
          ['Python of scripts', facts.python],
          ['Cache root', facts.cache],
        ],
      },
    ],
  });
}

export async function showPlaces({ context, session: { dependencies } }: Call): Promise<void> {
  const { settings, user_file } = await context.configuration();
  const { experiment } = settings;
  const { cwd, home } = dependencies;
  const parent = resolve(cwd, (settings.workspace ?? home).replace(/^~(?=\/|$)/, home));
  const cache = cacheRoot(settings, dependencies);
  const data = join(parent, 'jd_data');
  const here = experiment ?? '<expId>';
  const places = {
    workspace_parent: parent,
    jd_data: data,
    job_data: join(data, here, '<job>'),
    logs: settings.log_dir === null ? join(data, here, 'jd_worker_logs') : resolve(cwd, settings.log_dir),
    cache_root: cache,
    registry: join(cache, '.cache', here),
    history: historyFile(settings, dependencies),
    user_file,
  };
  await context.output.show({
    json: { experiment, ...places },
    ids: Object.values(places),
    blocks: [{ fields: Object.entries(places).map(([name, path]) => [name.replaceAll('_', ' '), path] as const) }],
  });
}

export function cacheRoot({ cache }: Pick<Settings, 'cache'>, { cwd, home }: Pick<CliDependencies, 'cwd' | 'home'>): string {
  return cache === null ? join(home, '.jd_cache') : resolve(cwd, cache.replace(/^~(?=\/|$)/, home));
}

export function historyFile(settings: Pick<Settings, 'cache'>, dependencies: Pick<CliDependencies, 'cwd' | 'home'>): string {
  return join(cacheRoot(settings, dependencies), '.cache', 'jd_worker_history');
}

/** What a script gets that is launched here and now. */
function pythonOf({ python }: Settings, { env, cwd }: CliDependencies): string {
  const active = join(env['VIRTUAL_ENV'] ?? '', 'bin', 'python');
  const chosen = python ?? ((env['VIRTUAL_ENV'] ?? '') !== '' && existsSync(active) ? active : 'python3');
  if (chosen.includes('/')) return resolve(cwd, chosen);
  const found = (env['PATH'] ?? '').split(delimiter).find((folder) => folder !== '' && existsSync(join(folder, chosen)));
  return found === undefined ? `${chosen} (not found)` : join(found, chosen);
}

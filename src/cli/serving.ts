// What `up` and `server` share: start the server on its address, and leave this user a key that opens it.
import { resolve } from 'node:path';

import type { Configuration } from '../runtime/config.ts';
import type { ApiClient } from './connection.ts';
import type { CliDependencies, RunningServer } from './dependencies.ts';
import { CliFailure, EXIT } from './failure.ts';

export interface Serving {
  readonly server: RunningServer;
  /** Where commands on this machine reach it. */
  readonly url: string;
  readonly api_key: string;
  readonly client: ApiClient;
  readonly data_dir: string;
}

export interface ServingOptions {
  readonly log_level: string;
  /** `--force`. */
  readonly force: boolean;
}

export async function startServing(dependencies: CliDependencies, configuration: Configuration, options: ServingOptions): Promise<Serving> {
  const { settings } = configuration;
  const dataDir = resolve(dependencies.cwd, settings.data_dir);
  const { host, port, database, log_format, trusted_proxies, artifact_limit_mb, open_workers, open_workers_from } = settings;
  if (open_workers === null && open_workers_from.length > 0)
    throw new CliFailure(EXIT.usage, '--open-workers-from says from where open workers come; name their experiment with --open-workers EXPERIMENT.');
  const server = await dependencies
    .serve({
      ...{ host, port, data_dir: dataDir, database, log_level: options.log_level, log_format, trusted_proxies },
      open_workers: open_workers === null ? null : { experiment: open_workers, from: open_workers_from },
      artifact_limit_bytes: artifact_limit_mb * 2 ** 20,
      allow_network_file_system: options.force,
    })
    .catch((error: unknown) => explainStart(error, configuration, dependencies));
  try {
    const access = await localAccess(dependencies, configuration, server);
    return { server, ...access, data_dir: dataDir };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function explainStart(error: unknown, { settings }: Configuration, dependencies: CliDependencies): Promise<never> {
  const code = (error as NodeJS.ErrnoException).code;
  const { host, port } = settings;
  if (code === 'EADDRINUSE') {
    const holder = (await isDrover(`http://${urlHost(host)}:${port}`, dependencies)) ? 'a Drover server already runs there' : 'another program listens there';
    throw new CliFailure(EXIT.unexpected, `Port ${port} on ${host} is taken: ${holder}. Choose another one with --port N or DROVER_PORT=N.`);
  }
  if (code === 'EACCES' && port < 1024)
    throw new CliFailure(EXIT.unexpected, `Port ${port} needs special rights. Choose one from 1024 up with --port N or DROVER_PORT=N.`);
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    throw new CliFailure(EXIT.unexpected, `${host} is not an address of this machine. Choose one with --host.`);
  throw error;
}

async function isDrover(url: string, { fetch }: CliDependencies): Promise<boolean> {
  try {
    const reply = await fetch(`${url}/api/v1/session`, { signal: AbortSignal.timeout(1_000) });
    return (await reply.text()).includes('urn:drover:');
  } catch {
    return false;
  }
}

/** The key that the user file holds, if it still opens this very store; else a new one, kept there for the commands of this user. */
async function localAccess(dependencies: CliDependencies, configuration: Configuration, server: RunningServer): Promise<Omit<Serving, 'server' | 'data_dir'>> {
  const [{ knownServer, rememberServer }, { clientFor }] = await Promise.all([import('../runtime/config.ts'), import('./connection.ts')]);
  const url = localUrl(server.url);
  const known = knownServer(configuration, url);
  if (known?.store_id === server.store_id) {
    const client = clientFor(url, known.api_key, dependencies);
    if (await opens(client)) return { url, api_key: known.api_key, client };
  }
  const { key } = await server.createLocalKey();
  rememberServer(dependencies, url, { api_key: key, store_id: server.store_id });
  return { url, api_key: key, client: clientFor(url, key, dependencies) };
}

async function opens(client: ApiClient): Promise<boolean> {
  try {
    return (await client.access.whoami({})).actor.role === 'admin';
  } catch {
    return false;
  }
}

/** A server that listens on every address is reached on the loopback one. */
export function localUrl(url: string): string {
  return url.replace(/^(https?:\/\/)(0\.0\.0\.0|\[::\])(?=:|\/|$)/, '$1127.0.0.1').replace(/\/+$/, '');
}

function urlHost(host: string): string {
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return reached.includes(':') ? `[${reached}]` : reached;
}

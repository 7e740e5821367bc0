// A client of the server that the configuration names.
import { resolve } from 'node:path';

import { ApiError, contract, createClient, type Client } from '../contract/index.ts';
import { apiKeyFor, ConfigError, serverUrl, type Configuration } from '../runtime/config.ts';
import { untrustedServer } from '../runtime/trust.ts';
import type { CliDependencies } from './dependencies.ts';

export type ApiClient = Client<Response>;

export interface Connection {
  readonly url: string;
  readonly api_key: string | null;
  readonly client: ApiClient;
  /** The experiment of the newest call, for hints when it does not exist. */
  readonly lastExperiment: () => string | null;
}

export function connect(configuration: Configuration, dependencies: Pick<CliDependencies, 'route' | 'version' | 'cwd' | 'home'>): Connection {
  const url = serverUrl(configuration);
  const apiKey = apiKeyFor(configuration, url);
  const { ca_file: named } = configuration.settings;
  const caFile = named === null ? null : resolve(dependencies.cwd, named.replace(/^~(?=\/|$)/, dependencies.home));
  const send = dependencies.route(url, caFile);
  let experiment: string | null = null;
  const fetch: typeof globalThis.fetch = (target, request) => {
    experiment = /\/experiments\/([^/?]+)/.exec(target instanceof Request ? target.url : target.toString())?.[1] ?? experiment;
    return send(target, request).catch((error: unknown) => {
      const message = error instanceof ConfigError ? error.message : untrustedServer(url, error, caFile);
      throw message === null ? error : new ApiError({ status: 0, code: 'unreachable', retryable: false, message });
    });
  };
  const client = clientFor(url, apiKey, { fetch, version: dependencies.version });
  return { url, api_key: apiKey, client, lastExperiment: () => experiment };
}

export function clientFor(url: string, apiKey: string | null, { fetch, version }: Pick<CliDependencies, 'fetch' | 'version'>): ApiClient {
  return createClient<Response>(contract, {
    base_url: url,
    fetch: (target, request) => fetch(target, request as RequestInit),
    headers: { 'drover-version': version, ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }) },
  });
}

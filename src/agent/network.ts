// How the agent reaches the server: connections that stay open, through a proxy where the environment names one,
// trusting a private certificate authority beside the usual ones.
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';

import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';

import type { ClientOptions, FetchReply, FetchRequest } from '../contract/client.ts';
import type { Environment } from '../runtime/config.ts';

export interface Network {
  readonly fetch: ClientOptions['fetch'];
  close(): Promise<void>;
}

export interface NetworkOptions {
  readonly env: Environment;
  /** PEM file. */
  readonly ca_file: string | null;
}

export function createNetwork(options: NetworkOptions): Network {
  const tls = trust(options);
  const { env } = options;
  const httpProxy = env['http_proxy'] ?? env['HTTP_PROXY'];
  const httpsProxy = env['https_proxy'] ?? env['HTTPS_PROXY'];
  const dispatcher = new EnvHttpProxyAgent({
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
    noProxy: ['localhost', '127.0.0.1', '[::1]', env['no_proxy'] ?? env['NO_PROXY'] ?? ''].filter((part) => part !== '').join(','),
    connect: { ...tls, timeout: 20_000 },
    ...(Object.keys(tls).length === 0 ? {} : { requestTls: tls, proxyTls: tls }),
    connections: 16,
    keepAliveTimeout: 30_000,
  });
  return { fetch: (url, call) => send(url, call, dispatcher), close: () => dispatcher.destroy() };
}

async function send(url: string, call: FetchRequest, dispatcher: Dispatcher): Promise<FetchReply> {
  const reply = await request(url, {
    dispatcher,
    method: call.method as Dispatcher.HttpMethod,
    headers: call.headers,
    ...(call.body === undefined ? {} : { body: call.body as string }),
    ...(call.signal === undefined ? {} : { signal: call.signal as AbortSignal }),
  });
  return {
    status: reply.statusCode,
    headers: {
      get(name) {
        const value = reply.headers[name.toLowerCase()];
        return Array.isArray(value) ? value.join(', ') : (value ?? null);
      },
    },
    text: () => reply.body.text(),
  };
}

/** Giving any certificate replaces the built-in ones, so those, and the ones that Node was told of, are named again. */
function trust({ env, ca_file }: NetworkOptions): { ca?: string[] } {
  if (ca_file === null) return {};
  const extra = env['NODE_EXTRA_CA_CERTS'];
  return { ca: [...rootCertificates, ...(extra === undefined || extra === '' ? [] : [readFileSync(extra, 'utf8')]), readFileSync(ca_file, 'utf8')] };
}

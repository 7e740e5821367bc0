// How agents, and commands where Node's own fetch does not do, reach the server: connections that stay open, through a proxy where
// the environment names one, trusting a private certificate authority beside the usual ones.
import api from 'undici/lib/api/index.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';

import type { ClientOptions, FetchReply, FetchRequest } from '../contract/client.ts';
import { ApiError } from '../contract/index.ts';
import type { Environment } from '../runtime/config.ts';
import { proxyFor } from '../runtime/proxy.ts';
import { trustedCertificates, untrustedServer } from '../runtime/trust.ts';

export interface Network {
  readonly fetch: ClientOptions['fetch'];
  close(): Promise<void>;
}

export interface Route {
  /** All requests go there. */
  readonly server: string;
  readonly env: Environment;
  /** PEM file. */
  readonly ca_file: string | null;
}

export interface NetworkOptions extends Route {
  /** Whether a certificate that is not trusted ends all tries. While an agent runs it may be replaced any time. */
  readonly untrusted: 'final' | 'retryable';
}

const CONNECT_TIMEOUT_MS = 20_000;

// What the index of undici does when all of it is loaded: `request`, and the `connect` that proxies need, come to the dispatchers so.
Object.assign(Dispatcher.prototype, api);

export function createNetwork(options: NetworkOptions): Network {
  const dispatcher = createDispatcher(options);
  return {
    fetch: (url, call) => send(url, call, dispatcher).catch((error: unknown) => explain(error, options)),
    close: () => dispatcher.destroy(),
  };
}

export function createDispatcher({ server, env, ca_file }: Route): Dispatcher {
  const proxy = proxyFor(server, env);
  const tls = { ...(ca_file === null ? {} : { ca: trustedCertificates(ca_file, env) }), timeout: CONNECT_TIMEOUT_MS };
  const pool = { connections: 16, keepAliveTimeout: 30_000 };
  if (proxy === null) return new Agent({ ...pool, connect: tls });
  // Most proxies build tunnels to port 443 only, so plain requests are handed to them as such.
  return new ProxyAgent({ ...pool, uri: proxy, proxyTunnel: false, requestTls: tls, proxyTls: tls });
}

async function send(url: string, call: FetchRequest, dispatcher: Dispatcher): Promise<FetchReply> {
  const { origin, pathname, search } = new URL(url);
  const reply = await dispatcher.request({
    origin,
    path: `${pathname}${search}`,
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

function explain(error: unknown, { server, ca_file, untrusted }: NetworkOptions): never {
  const message = untrustedServer(server, error, ca_file);
  if (message === null) throw error;
  throw new ApiError({ status: 0, code: 'unreachable', retryable: untrusted === 'retryable', message });
}

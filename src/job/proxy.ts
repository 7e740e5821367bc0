// The way to the server: straight, or through the proxy that the environment names, by the same variables as everywhere else. Node does not
// look at them by itself before version 24.
import { readFileSync } from 'node:fs';
import { request as requestPlain, type ClientRequest, type OutgoingHttpHeaders, type RequestOptions } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { connect, rootCertificates } from 'node:tls';

import { JobError, setting } from './place.ts';

interface Asked extends RequestOptions {
  readonly headers: OutgoingHttpHeaders;
}

/** A request that was not sent yet. */
export async function openRequest(url: URL, options: Asked): Promise<ClientRequest> {
  const proxy = proxyFor(url);
  const secure = url.protocol === 'https:';
  if (proxy === null) return secure ? requestSecure(url, { ...options, ...trust() }) : requestPlain(url, options);
  // Most proxies build tunnels to port 443 only, so plain requests are handed to them as such.
  if (!secure) return toProxy(proxy, { ...options, path: url.href, headers: { ...options.headers, host: url.host } });
  const socket = await openTunnel(proxy, url, options);
  const host = bare(url.hostname);
  const createConnection = (): Socket => connect({ socket, host, ...(isIP(host) === 0 ? { servername: host } : {}), ...trust() });
  return requestSecure(url, { ...options, createConnection });
}

/** Null: none. Servers on this machine are never asked through one: a proxy elsewhere could not reach them. */
export function proxyFor(url: URL): URL | null {
  const scheme = url.protocol.slice(0, -1);
  // Lower case wins, also when it is empty, which means none.
  const name = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`].find((each) => process.env[each] !== undefined) ?? '';
  const told = (process.env[name] ?? '').trim();
  const exempt = process.env['no_proxy'] ?? process.env['NO_PROXY'] ?? '';
  if (told === '' || isHere(bare(url.hostname)) || isExempt(url, exempt)) return null;
  const address = told.includes('://') ? told : `http://${told}`;
  // The text may hold a password, so it is not repeated.
  if (!/^https?:/i.test(address) || !URL.canParse(address)) {
    throw new JobError('invalid_proxy', `${name} is not the address of a proxy, such as http://proxy:3128.`);
  }
  return new URL(address);
}

function isHere(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

function isExempt(url: URL, list: string): boolean {
  const host = bare(url.hostname);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const entries = list.toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => {
    if (entry === '' || entry === '*') return entry === '*';
    const [, named = entry, onlyPort = port] = /^([^:]+|\[.*\]):(\d+)$/.exec(entry) ?? [];
    const domain = bare(named.replace(/^\*?\./, ''));
    return onlyPort === port && (host === domain || host.endsWith(`.${domain}`));
  });
}

function toProxy(proxy: URL, options: Asked): ClientRequest {
  const headers = { ...options.headers, ...credentials(proxy) };
  const place = { host: bare(proxy.hostname), port: proxy.port, ...options, headers };
  return proxy.protocol === 'https:' ? requestSecure({ ...place, ...trust() }) : requestPlain(place);
}

function credentials({ username, password }: URL): { readonly 'proxy-authorization'?: string } {
  if (username === '') return {};
  return { 'proxy-authorization': `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}` };
}

/** A sign of percent that somebody did not escape stays what it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function openTunnel(proxy: URL, url: URL, { timeout }: Asked): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const target = `${url.hostname}:${url.port || '443'}`;
    const request = toProxy(proxy, { method: 'CONNECT', path: target, headers: { host: target }, timeout });
    const refuse = (status: number | undefined): void => {
      request.destroy();
      reject(new Error(`the proxy ${proxy.host} answers ${status}`));
    };
    request.on('connect', ({ statusCode }, socket) => (statusCode === 200 ? resolve(socket) : refuse(statusCode)));
    request.on('response', ({ statusCode }) => refuse(statusCode));
    request.on('timeout', () => request.destroy(new Error(`the proxy ${proxy.host} does not answer`)));
    request.on('error', (error) => reject(new Error(`by way of the proxy ${proxy.host}: ${error.message}`)));
    request.end();
  });
}

/** The usual authorities, and those that the agent of this job or Node itself was told of: naming any replaces all others. */
function trust(): { readonly ca?: string[] } {
  const own = setting('JD_CA_FILE');
  if (own === null) return {};
  return { ca: [...rootCertificates, ...readExtra(), readFileSync(own, 'utf8')] };
}

/** Node itself only warns when this file is missing. */
function readExtra(): string[] {
  try {
    return [readFileSync(setting('NODE_EXTRA_CA_CERTS') ?? '', 'utf8')];
  } catch {
    return [];
  }
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

// Which proxy leads to a server, by the variables that curl and Python read as well.
import { ConfigError, type Environment } from './config.ts';

/** Null: none. Servers on this machine are never asked through one: a proxy elsewhere could not reach them. */
export function proxyFor(server: string, env: Environment): string | null {
  const url = new URL(server);
  const scheme = url.protocol.slice(0, -1);
  const name = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`].find((each) => env[each] !== undefined);
  const proxy = (name === undefined ? '' : (env[name] ?? '')).trim();
  if (name === undefined || proxy === '' || isLoopback(bare(url.hostname)) || isExempt(url, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return null;
  const address = proxy.includes('://') ? proxy : `http://${proxy}`;
  // The text may hold a password, so it is not repeated.
  if (!/^https?:/i.test(address) || !URL.canParse(address)) throw new ConfigError(`${name} is not the address of a proxy, such as http://proxy:3128.`);
  return address;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

function isExempt(url: URL, list: string): boolean {
  const host = bare(url.hostname);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, named = entry, onlyPort] = /^([^:]+|\[.*\]):(\d+)$/.exec(entry) ?? [];
      const domain = bare(named.replace(/^\*?\./, ''));
      return (onlyPort === undefined || onlyPort === port) && (host === domain || host.endsWith(`.${domain}`));
    });
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

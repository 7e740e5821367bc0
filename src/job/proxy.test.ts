import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { proxyFor as proxyOfCommands } from '../runtime/proxy.ts';
import { download, put } from './exchange.ts';
import { proxyFor } from './proxy.ts';

const NAMES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy'];

function told(env: Readonly<Record<string, string>>): void {
  for (const name of NAMES) vi.stubEnv(name, env[name]);
}

const open: Server[] = [];

async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of open.splice(0)) server.close();
});

test('the proxy of a server is the one that agents and commands find', () => {
  const proxies = ['', 'http://proxy:3128', 'proxy:3128', 'https://name:word@proxy', ' http://proxy:1 '];
  const exempt = ['', '*', 'lab.org', '.lab.org', '*.lab.org', 'LAB.ORG', 'ab.org', 'drover.lab.org:5000', 'drover.lab.org:443', '[fd00::7]:80', 'x, fd00::7'];
  const servers = ['http://drover.lab.org:5000', 'https://drover.lab.org', 'http://[fd00::7]', 'http://127.1.2.3', 'http://[::1]:1', 'http://a.localhost'];
  let found = 0;
  for (const proxy of proxies) {
    for (const list of exempt) {
      for (const env of [
        { HTTP_PROXY: proxy, HTTPS_PROXY: 'http://other:1', http_proxy: proxy, NO_PROXY: list },
        { HTTPS_PROXY: proxy, no_proxy: list },
      ]) {
        told(env);
        for (const server of servers) {
          const expected = proxyOfCommands(server, env);
          expect(proxyFor(new URL(server))?.href, JSON.stringify([env, server])).toBe(expected === null ? undefined : new URL(expected).href);
          found += expected === null ? 0 : 1;
        }
      }
    }
  }
  expect(found).toBeGreaterThan(50);
});

test('what is no address of a proxy is refused by name, without its text', () => {
  for (const bad of ['socks5://name:word@proxy:1', 'http://proxy:port', 'proxy port']) {
    told({ HTTPS_PROXY: bad });
    expect(() => proxyFor(new URL('https://drover.lan'))).toThrow(/^HTTPS_PROXY is not the address of a proxy, such as http:\/\/proxy:3128\.$/);
  }
});

describe('through a proxy', () => {
  const server = { url: 'http://drover.lan:5000', token: 'jdt_x' };

  test('a plain request goes to it by its whole address, with its own credentials', async () => {
    const seen: IncomingMessage[] = [];
    let body = '';
    const port = await listen(
      createServer((request, reply) => {
        seen.push(request);
        request.on('data', (piece) => (body += String(piece)));
        request.on('end', () => reply.end(JSON.stringify({ success: true, version: 0 })));
      }),
    );
    told({ HTTP_PROXY: `http://na%20me:50%@127.0.0.1:${port}` });
    const content = Buffer.from('state');
    await put(server, 'checkpoint', { name: 'checkpoint', kind: 'checkpoint', size: 5, content }, 'k');
    const { method, url, headers } = seen[0]!;
    expect([method, url, headers.host, headers.authorization]).toEqual(['PUT', `${server.url}/api/v1/attempt/checkpoint`, 'drover.lan:5000', 'Bearer jdt_x']);
    expect(headers['proxy-authorization']).toBe(`Basic ${Buffer.from('na me:50%').toString('base64')}`);
    expect(body).toBe('state');
  });

  test('a tunnel that is refused is a fault that may pass, told without the password', async () => {
    const proxy = createServer();
    proxy.on('connect', (_request, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n'));
    told({ HTTPS_PROXY: `http://name:word@127.0.0.1:${await listen(proxy)}` });
    const failed = await download({ ...server, url: 'https://drover.lan' }, 'checkpoint').catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'unreachable', retryable: true, message: expect.stringMatching(/the proxy 127\.0\.0\.1:\d+ answers 407/) });
    expect(String(failed)).not.toContain('word');
  });

  test('one that is not there, or that never answers, is one that may come back', async () => {
    const silent = createServer();
    silent.on('connect', () => undefined);
    vi.stubEnv('JD_TIMEOUT_SECONDS', '0.2');
    for (const [port, said] of [
      [1, /by way of the proxy 127\.0\.0\.1:1: connect ECONNREFUSED/],
      [await listen(silent), /does not answer/],
    ] as const) {
      told({ HTTPS_PROXY: `http://127.0.0.1:${port}` });
      await expect(download({ ...server, url: 'https://drover.lan' }, 'checkpoint')).rejects.toMatchObject({
        ...{ code: 'unreachable', retryable: true, message: expect.stringMatching(said) },
      });
    }
    silent.closeAllConnections();
  });
});

test('an address that cannot work is an error and not a wait', async () => {
  told({});
  for (const url of ['ftp://drover.lan', 'http://drover:port']) {
    await expect(download({ url, token: 'x' }, 'checkpoint')).rejects.toMatchObject({ code: 'invalid_server', retryable: false });
  }
});

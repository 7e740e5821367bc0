import { describe, expect, it } from 'vitest';

import { proxyFor } from './proxy.ts';

describe('the proxy of a server', () => {
  it('is that of its scheme only; lower case wins, and empty means none', () => {
    const env = { HTTP_PROXY: 'http://plain:3128', HTTPS_PROXY: 'http://secure:3128' };
    expect(proxyFor('http://drover.lan:5000', env)).toBe('http://plain:3128');
    expect(proxyFor('https://drover.lan', env)).toBe('http://secure:3128');
    expect(proxyFor('https://drover.lan', { HTTP_PROXY: 'http://plain:3128' })).toBeNull();
    expect(proxyFor('http://drover.lan', { ...env, http_proxy: 'http://small:1' })).toBe('http://small:1');
    expect(proxyFor('http://drover.lan', { ...env, http_proxy: '' })).toBeNull();
  });

  it('may be given without a scheme, and is refused by name when it is no address', () => {
    expect(proxyFor('http://drover.lan', { HTTP_PROXY: 'proxy:3128' })).toBe('http://proxy:3128');
    for (const bad of ['socks5://secret@proxy:1', 'http://proxy:port', 'proxy port']) {
      expect(() => proxyFor('https://drover.lan', { HTTPS_PROXY: bad })).toThrow(/^HTTPS_PROXY is not the address of a proxy, such as http:\/\/proxy:3128\.$/);
    }
  });

  it('is never asked for servers of this machine', () => {
    for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.1.2.3', '[::1]']) {
      expect(proxyFor(`http://${host}:5000`, { HTTP_PROXY: 'http://proxy:1' }), host).toBeNull();
    }
    expect(proxyFor('http://127.example.org', { HTTP_PROXY: 'http://proxy:1' })).toBe('http://proxy:1');
  });

  it.each([
    ['*', true],
    ['other.org, *', true],
    ['lab.org', true],
    ['.lab.org', true],
    ['*.lab.org', true],
    ['LAB.ORG', true],
    ['other.org drover.lab.org', true],
    ['drover.lab.org:5000', true],
    ['drover.lab.org:5001', false],
    ['ab.org', false],
    ['drover.lab.org.other', false],
    ['', false],
  ])('is left out where NO_PROXY=%s says so: %s', (list, direct) => {
    expect(proxyFor('http://drover.lab.org:5000', { HTTP_PROXY: 'http://proxy:1', NO_PROXY: list })).toBe(direct ? null : 'http://proxy:1');
  });

  it('takes addresses of version 6 and default ports in NO_PROXY', () => {
    const env = { HTTP_PROXY: 'http://proxy:1', HTTPS_PROXY: 'http://proxy:1' };
    for (const list of ['fd00::7', '[fd00::7]', '[fd00::7]:80']) expect(proxyFor('http://[fd00::7]', { ...env, NO_PROXY: list }), list).toBeNull();
    expect(proxyFor('http://[fd00::7]:81', { ...env, NO_PROXY: '[fd00::7]:80' })).toBe('http://proxy:1');
    expect(proxyFor('https://drover.lan', { ...env, NO_PROXY: 'drover.lan:443' })).toBeNull();
  });
});

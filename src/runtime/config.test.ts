import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { apiKeyFor, ConfigError, loadConfiguration, rememberServer, serverUrl, SETTINGS, userFilePath, type ConfigurationInput } from './config.ts';

let home: string;
let cwd: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'drover-config-'));
  cwd = join(home, 'project', 'deep');
  mkdirSync(cwd, { recursive: true });
});

afterEach(() => rmSync(home, { recursive: true }));

function load(input: Partial<ConfigurationInput> = {}) {
  return loadConfiguration({ flags: {}, env: {}, cwd, home, ...input });
}

function writeUser(content: unknown): string {
  const path = userFilePath({}, home);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function writeProject(content: unknown): string {
  const path = join(home, 'project', 'drover.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
}

test('a flag comes before the environment, then the project file, the user file, the default', () => {
  const user = writeUser({ port: 5001 });
  expect(load().settings.port).toBe(5001);
  expect(load().sources.port).toEqual({ kind: 'user file', name: user });
  const project = writeProject({ port: 5002 });
  expect(load().settings.port).toBe(5002);
  expect(load().sources.port).toEqual({ kind: 'project file', name: project });
  const env = { DROVER_PORT: '5003' };
  expect(load({ env }).settings.port).toBe(5003);
  expect(load({ env, flags: { port: 5004 } }).settings.port).toBe(5004);
  expect(load().sources.data_dir).toEqual({ kind: 'default', name: null });
});

test('the names of the original environment work, after those of Drover', () => {
  const env = { JD_EXP_ID: 'from-jd', JD_API_KEY: 'jd_old', JD_PORT: '6000', JD_NUM_WORKERS: '3', JD_ONCE: 'true' };
  expect(load({ env }).settings).toMatchObject({ experiment: 'from-jd', api_key: 'jd_old', port: 6000, workers: 3, once: true });
  expect(load({ env: { ...env, DROVER_EXPERIMENT: 'mine' } }).settings.experiment).toBe('mine');
  expect(load({ env: { ...env, DROVER_EXPERIMENT: '' } }).settings.experiment).toBe('from-jd');
});

test.each([
  ['localhost', undefined, 'http://localhost:5000'],
  ['http://hub.example', '7000', 'http://hub.example:7000'],
  ['http://hub.example:80/', '7000', 'http://hub.example:80'],
  ['https://hub.example', undefined, 'https://hub.example'],
])('JD_SERVER=%s with JD_PORT=%s is %s', (server, port, url) => {
  expect(serverUrl(load({ env: { JD_SERVER: server, JD_PORT: port } }))).toBe(url);
  // Hub and job server are one here; the server counts when both are named.
  expect(serverUrl(load({ env: { JD_HUB_URL: server, JD_PORT: port } }))).toBe(url);
  expect(serverUrl(load({ env: { JD_HUB_URL: 'http://other', JD_SERVER: server, JD_PORT: port } }))).toBe(url);
});

test('a port that was given closer than the URL decides where the server is', () => {
  expect(serverUrl(load())).toBe('http://127.0.0.1:5000');
  writeUser({ url: 'http://lab:5000/' });
  expect(serverUrl(load())).toBe('http://lab:5000');
  expect(serverUrl(load({ env: { DROVER_PORT: '5100' } }))).toBe('http://127.0.0.1:5100');
  expect(serverUrl(load({ env: { DROVER_PORT: '5100', DROVER_URL: 'http://other' } }))).toBe('http://other');
});

test('the one server that this user knows is meant where nothing else is said', () => {
  rememberServer({ env: {}, home }, 'http://127.0.0.1:5871', { api_key: 'jd_one', store_id: 's1' });
  expect(serverUrl(load())).toBe('http://127.0.0.1:5871');
  expect(serverUrl(load({ env: { DROVER_PORT: '5000' } }))).toBe('http://127.0.0.1:5000');
  rememberServer({ env: {}, home }, 'http://lab:5000', { api_key: 'jd_two', store_id: 's2' });
  expect(serverUrl(load())).toBe('http://127.0.0.1:5000');
});

test('an unknown name in a file is an error that suggests the right one', () => {
  const path = writeProject({ experimnt: 'x' });
  expect(() => load()).toThrow(new ConfigError(`${path}: there is no setting "experimnt". Did you mean experiment?`));
});

test('a wrong value names the place it came from', () => {
  expect(() => load({ env: { DROVER_PORT: '70000' } })).toThrow(/^DROVER_PORT: "70000" is not possible/);
  expect(() => load({ env: { DROVER_PORT: 'abc' } })).toThrow('DROVER_PORT: "abc" is not possible: it must be a whole number.');
  const path = writeProject({ workers: 0 });
  expect(() => load()).toThrow(`workers in ${path}: 0 is not possible`);
  expect(() => load({ env: { DROVER_URL: 'lab' }, cwd: home })).toThrow(/^DROVER_URL: "lab" is not possible: it must be a URL/);
});

test('a secret is refused in a project file and never shown in an error', () => {
  writeProject({ api_key: 'jd_secret' });
  expect(() => load()).toThrow(/api_key is a secret and does not belong into a project file; set DROVER_API_KEY instead/);
  expect(() => load({ cwd: home, flags: { api_key: 'x'.repeat(5000) } })).toThrow(/^--api-key: this value is not possible/);
  // As lists show it, cut short: no header can hold it.
  expect(() => load({ cwd: home, env: { JD_API_KEY: 'jd_abc…' } })).toThrow(
    'JD_API_KEY: this value is not possible: an API key is one word of plain letters, digits and signs; copy the whole of it.',
  );
});

test.each(['{', '[]', '"text"'])('a user file that holds %s is an error that names it', (content) => {
  const path = writeUser(content);
  expect(() => load()).toThrow(path);
});

test('the key of a server is kept for its URL, under every name of this machine, in a file of mode 0600', () => {
  const path = writeUser({ experiment: 'kept' });
  chmodSync(path, 0o644);
  rememberServer({ env: {}, home }, 'http://127.0.0.1:5000', { api_key: 'jd_one', store_id: 's1' });
  rememberServer({ env: {}, home }, 'http://lab:5000/', { api_key: 'jd_two', store_id: 's2' });
  const configuration = load();
  expect(apiKeyFor(configuration, 'http://localhost:5000/')).toBe('jd_one');
  expect(apiKeyFor(configuration, 'http://lab:5000')).toBe('jd_two');
  expect(apiKeyFor(configuration, 'http://127.0.0.1:5001')).toBeNull();
  expect(apiKeyFor(load({ env: { DROVER_API_KEY: 'jd_env' } }), 'http://localhost:5000')).toBe('jd_env');
  expect(configuration.settings.experiment).toBe('kept');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(dirname(path))).toEqual(['config.json']);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveProperty(['servers', 'http://lab:5000', 'store_id'], 's2');
});

test('XDG_CONFIG_HOME moves the user file, if it is absolute', () => {
  expect(userFilePath({ XDG_CONFIG_HOME: '/x' }, '/home/ann')).toBe('/x/drover/config.json');
  expect(userFilePath({ XDG_CONFIG_HOME: 'x' }, '/home/ann')).toBe('/home/ann/.config/drover/config.json');
});

test('every setting has a name in the environment after its own', () => {
  for (const [name, { env }] of Object.entries(SETTINGS)) expect(env[0]).toBe(`DROVER_${name.toUpperCase()}`);
});

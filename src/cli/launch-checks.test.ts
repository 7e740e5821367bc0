import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import type { AgentOptions } from '../runtime/local-agents.ts';
import { checkLaunch } from './launch-checks.ts';

const NAMES = { script: 'SCRIPT', class: 'CLASS', workspace: 'WORKSPACE', cache: 'CACHE', log_dir: 'LOGS' };
const OPTIONS: AgentOptions = {
  ...{ server: 'http://127.0.0.1:5000', api_key: null, experiments: ['digits-tune'], script: 'train.py', workers: 1, machine_class: 'gpu-a100' },
  ...{ foreground: false, once: false, python: null, workspace: null, cache: null, log_dir: null, ca_file: null, parent_pipe: false, drives: [], driver: null },
};

let directory = '';
const launch = (change: Partial<AgentOptions> = {}) => checkLaunch({ ...OPTIONS, ...change }, { cwd: directory, home: join(directory, 'home') }, NAMES);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-launch-'));
  mkdirSync(join(directory, 'home'));
  writeFileSync(join(directory, 'train.py'), '');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a launch that can be is let pass, and nothing is made for it', () => {
  launch({ workspace: '~/deep/down', cache: 'not/there/yet', log_dir: 'logs' });
  rmSync(join(directory, 'home'), { recursive: true });
  launch();
});

test.each([
  [{ experiments: ['Digits_Tune'] }, /^"Digits_Tune" cannot be an experiment: .* Did you mean digits-tune\?$/],
  [{ experiments: ['7'] }, /^"7" cannot be an experiment: names have 2 to 47 of a-z, 0-9 and -, and begin with a letter\.$/],
  [{ machine_class: 'gpu a100' }, /^"gpu a100" cannot be CLASS: it has at most 63 letters/],
  [{ script: 'missing.py' }, /^The script .*\/missing\.py does not exist\.$/],
  [{ script: '.' }, /is a directory\. SCRIPT takes a file\.$/],
  [{ cache: 'train.py/below' }, /train\.py is a file, so there is no place below it for the registry of workers\. CACHE names another place\.$/],
  [{ workspace: 'train.py' }, /for the data of jobs\. WORKSPACE names another place\.$/],
  [{ log_dir: 'train.py/logs' }, /for the logs of workers\. LOGS names another place\.$/],
])('%j is refused with what to change', (change, said) => {
  expect(() => launch(change)).toThrow(said);
});

test.skipIf(process.platform !== 'linux')('what the kernel shows is no place for files, though root may write there by its rights', () => {
  const said = (what: string, change: string): RegExp =>
    new RegExp(
      `^(/\\w+ cannot be written .*, and is to hold|Nothing can be made in /\\w+, so it is no place for) the ${what}\\. ${change} names another place\\.$`,
    );
  expect(() => launch({ cache: '/proc/x/y' })).toThrow(said('registry of workers', 'CACHE'));
  expect(() => launch({ workspace: '/proc' })).toThrow(said('data of jobs', 'WORKSPACE'));
  expect(() => launch({ log_dir: '/sys/logs' })).toThrow(said('logs of workers', 'LOGS'));
});

test('a place that may not be written is refused by name', () => {
  const locked = join(directory, 'locked');
  mkdirSync(locked);
  // The owner of everything may write everywhere but into what the kernel itself shows.
  chmodSync(locked, 0o500);
  const cache = process.getuid?.() === 0 ? '/proc/self' : locked;
  expect(() => launch({ cache: `${cache}/below` })).toThrow(/cannot be written \(.+\), and is to hold the registry of workers\. CACHE names another place\.$/);
});

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { LIMITS } from '../../core/limits.ts';
import { openHistory } from './history.ts';

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'drover-history-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, '.cache', 'jd_worker_history');
}

test('keeps lines for the next time, newest first, each once in a row, for its user only', () => {
  const path = place();
  const history = openHistory(path);
  for (const line of ['use tune', ' worker-list ', 'worker-list', '', 'stop all']) history.add(line);
  expect(openHistory(path).lines()).toEqual(['stop all', 'worker-list', 'use tune']);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('leaves out what may be a secret', () => {
  const path = place();
  const history = openHistory(path);
  const key = `jd${'_'}${'k3v9aTt2fYc8'.repeat(3)}`;
  for (const line of [`api_key=short`, `--api-key x health`, `expId=${key}`, 'stop all']) history.add(line);
  expect(readFileSync(path, 'utf8')).toBe('stop all\n');
  expect(history.lines()).toEqual(['stop all']);
});

test('is bounded, and one that cannot be written costs nothing else', () => {
  const path = place();
  openHistory(path).add('first');
  const most = LIMITS.shell_history_lines.value;
  writeFileSync(path, Array.from({ length: most + 10 }, (_, index) => `line ${index}\n`).join(''));
  expect(openHistory(path).lines()).toHaveLength(most);
  expect(readFileSync(path, 'utf8')).toMatch(/^line 10\n/);
  const nowhere = openHistory('/dev/null/jd_worker_history');
  nowhere.add('worker-list');
  expect(nowhere.lines()).toEqual(['worker-list']);
});

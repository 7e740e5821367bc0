// The logs of workers: which line goes where, how it looks, and how the files stay small.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { LIMITS } from '../core/limits.ts';
import { createAgentLog } from './agent-log.ts';
import type { LaunchSettings } from './registry.ts';

const AT = Date.UTC(2026, 10, 21, 8, 30);

function open(settings: { readonly worker_logs: boolean }) {
  const directory = mkdtempSync(join(tmpdir(), 'drover-logs-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const worker_ids = ['host_egg_0', 'host_egg_1'];
  const path = (id: string): string => join(directory, `jd_worker_${id}.log`);
  const launch = { log_dir: directory, log_level: 'info', experiments: ['tune'], ...settings } as unknown as LaunchSettings;
  const made = createAgentLog({ log_file: path('host_egg_0'), launch, worker_ids }, 'file', { now: () => AT });
  return { ...made, path, read: (id: string) => readFileSync(path(id), 'utf8') };
}

describe('the log of a worker', () => {
  test('has what concerns it, what its jobs print, and what concerns the agent', () => {
    const { log, print, read } = open({ worker_logs: true });
    log.info({ job: 'tune/1', attempt: 1, worker: 'host_egg_1' }, 'job runs');
    print!(1, 'stdout', 'epoch 1');
    print!(1, 'stderr', 'a warning');
    log.warn({ reason: 'away' }, 'no agreement with the server');
    const lines = read('host_egg_1').split('\n');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}INFO {6}job runs {2}job=tune\/1 attempt=1 worker=host_egg_1$/);
    expect(lines.slice(1, 3)).toEqual(['2026-11-21T08:30:00.000Z  OUT       epoch 1', '2026-11-21T08:30:00.000Z  ERR       a warning']);
    expect(lines[3]).toContain('WARN      no agreement with the server  reason=away');
    expect(read('host_egg_0').trimEnd().split('\n')).toEqual([lines[3]]);
  });

  test('begins anew when it is full, and one older file stays', () => {
    const { log, path, read } = open({ worker_logs: true });
    for (const round of [1, 2]) {
      writeFileSync(path('host_egg_0'), Buffer.alloc(LIMITS.worker_log_bytes.value + round, 'x'));
      log.info({ round, worker: 'host_egg_0' }, 'job runs');
      expect(read('host_egg_0')).toContain(`round=${round}`);
      expect(statSync(`${path('host_egg_0')}.1`).size).toBe(LIMITS.worker_log_bytes.value + round);
    }
  });

  test('is one for the whole agent when nobody asked for more, and jobs print nothing into it', () => {
    const { log, print, read, path } = open({ worker_logs: false });
    log.info({ job: 'tune/1', worker: 'host_egg_1' }, 'job runs');
    expect(print).toBeNull();
    expect(read('host_egg_0')).toContain('job=tune/1 worker=host_egg_1');
    expect(() => statSync(path('host_egg_1'))).toThrow('ENOENT');
  });

  test('a place that cannot be written costs the log only', () => {
    const { log, print, path } = open({ worker_logs: true });
    rmSync(join(path('host_egg_0'), '..'), { recursive: true });
    writeFileSync(join(path('host_egg_0'), '..'), 'a file in the way');
    log.info('agent runs');
    print!(0, 'stdout', 'epoch 1');
  });
});

import { expect, test } from 'vitest';

import { drives, HEALTHY, healthAfter, machineNameProblem, mayTakeJob, onTrial, type EndedThere, type MachineHealth } from './machine.ts';

const MINUTE = 60_000;
const failed = (job_id: number, change: Partial<EndedThere> = {}): EndedThere => ({
  job_id,
  job: `pool/${job_id}`,
  outcome: 'failed',
  exit_code: 1,
  ...change,
});

function after(ends: readonly EndedThere[], now: number, before: MachineHealth = HEALTHY): MachineHealth {
  return ends.reduce((health, end) => healthAfter(health, end, now) ?? health, before);
}

test.each(['node7', 'node7.example.org:22', 'user@node7', '[2001:db8::1]:22', '10.0.0.7'])('%s is a machine', (name) => {
  expect(machineNameProblem(name)).toBeNull();
});

test.each(['-oProxyCommand=x', '', 'a b', 'a;b', 'a/b', '$(id)', 'a\nb'])('%j is none', (name) => {
  expect(machineNameProblem(name)).not.toBeNull();
});

test('four different jobs that fail in a row put a machine into quarantine, with the reason', () => {
  expect(after([failed(1), failed(2), failed(3)], 0)).toMatchObject({ failures: 3, quarantined_at: null });
  expect(after([failed(1), failed(2), failed(3), failed(4, { exit_code: 7 })], 5)).toEqual({
    failures: 4,
    failed_job_id: 4,
    quarantined_at: 5,
    quarantine_reason: '4 different jobs in a row failed here, the last of them pool/4 (exit code 7).',
    trial_at: 5 + 10 * MINUTE,
  });
});

test('one job that fails again and again says nothing of the machine', () => {
  expect(after([failed(1), failed(1), failed(1), failed(1), failed(1)], 0)).toMatchObject({ failures: 1, quarantined_at: null });
});

test('a success in between begins anew; what was cancelled, lost or given back says nothing', () => {
  const quiet = (['cancelled', 'lost', 'released'] as const).map((outcome) => failed(9, { outcome }));
  expect(after([failed(1), failed(2), failed(3), failed(4, { outcome: 'succeeded' }), failed(5)], 0)).toMatchObject({ failures: 1 });
  expect(after([failed(1), ...quiet, failed(2)], 0)).toMatchObject({ failures: 2 });
});

test('after a rest one job is tried there; each that fails doubles the rest, one that succeeds ends it', () => {
  const left = after([failed(1), failed(2), failed(3), failed(4)], 0);
  expect(mayTakeJob(left, 10 * MINUTE - 1)).toBe(false);
  expect(mayTakeJob(left, 10 * MINUTE)).toBe(true);
  expect(mayTakeJob({ ...left, trial_at: onTrial(10 * MINUTE) }, 11 * MINUTE)).toBe(false);
  const again = after([failed(5)], 10 * MINUTE, left);
  expect(again.trial_at).toBe(20 * MINUTE);
  expect(after([failed(6)], 20 * MINUTE, again).trial_at).toBe(40 * MINUTE);
  expect(after([failed(6, { outcome: 'succeeded' })], 20 * MINUTE, again)).toEqual(HEALTHY);
  expect(after([failed(6, { outcome: 'lost' })], 20 * MINUTE, again).trial_at).toBe(20 * MINUTE);
});

test('an agent drives the classes that it names, or all', () => {
  expect([drives(['foo'], 'foo'), drives(['foo'], 'bar'), drives(['*'], 'bar'), drives([], 'foo')]).toEqual([true, false, true, false]);
});

// Small decisions of the agent, one by one.
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { eventually } from '../../test/support/eventually.ts';
import { manualClock } from '../../test/support/manual-clock.ts';
import type { LeaseShape } from '../contract/index.ts';
import { systemClock } from '../runtime/clock.ts';
import { NEW_STATE, attemptDirectoryName, createAttemptStore } from './attempt-store.ts';
import { verdict } from './attempt-life.ts';
import { chooseInterpreter } from './job-command.ts';
import { agentEnvironment, jobVariables, withoutSecrets } from './job-environment.ts';
import { holeFrom } from './log-shipping.ts';
import { parseGpus } from './machine.ts';
import { overwrite } from './overwrite.ts';
import { experimentsName, withLock } from './registry.ts';
import { createSecretSeal } from './secret-seal.ts';
import { createSequence } from './sequence.ts';
import { createSlots } from './slots.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-rules-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const lease: LeaseShape = {
  ...{ job_id: 7, experiment: 'digits-tune', number: 3, attempt: 2, rank: 0, token: 'abcdefgh12345', slot: 0 },
  ...{ params: {}, command: 'true', machine: null, timeout_seconds: null, grace_seconds: 5 },
};

/** What a job leaves in its directory when it has ended. */
function endedAttempt(attempt: string): void {
  for (const name of ['params.json', 'pid', 'stdout', 'metrics.jsonl']) writeFileSync(join(attempt, name), 'of the first');
  writeFileSync(join(attempt, 'status'), `0 ${basename(attempt)}\n`);
}

describe('sequence', () => {
  test('rises over restarts though it is kept only now and then', () => {
    const kept: number[] = [];
    const first = createSequence(0, (bound) => kept.push(bound));
    for (let i = 1; i <= 1500; i += 1) expect(first.next()).toBe(i);
    expect(kept).toHaveLength(2);
    const second = createSequence(kept.at(-1)!, (bound) => kept.push(bound));
    expect(second.next()).toBeGreaterThan(1500);
  });

  test('a skip goes beyond everything that was reserved before it', () => {
    const sequence = createSequence(10, () => undefined);
    const before = sequence.next();
    sequence.skip();
    expect(sequence.next()).toBeGreaterThan(before + 999);
  });
});

describe('slots', () => {
  test('a command touches its slot only, an old one nothing, and it is told until the server heard it', () => {
    const slots = createSlots(2, false);
    expect(slots.command([{ slot: 0, worker_id: 'a_b_0', desired_state: 'drain', desired_version: 2 }])).toBe(true);
    expect([slots.mayTake(0), slots.mayTake(1)]).toEqual([false, true]);
    expect(slots.hasNews()).toBe(true);
    slots.told(slots.applied());
    expect(slots.hasNews()).toBe(false);
    expect(slots.command([{ slot: 0, worker_id: 'a_b_0', desired_state: 'run', desired_version: 1 }])).toBe(false);
    expect(slots.command([{ slot: 0, worker_id: 'a_b_0', desired_state: 'run', desired_version: 3 }])).toBe(true);
    expect(slots.mayTake(0)).toBe(true);
  });

  test('what a slot was told is said for ever, for the record of the server may be put back to before', () => {
    const slots = createSlots(2, false);
    expect(slots.applied()).toEqual([]);
    slots.command([{ slot: 1, worker_id: 'a_b_1', desired_state: 'pause', desired_version: 3 }]);
    for (let sync = 0; sync < 2; sync += 1) {
      expect(slots.applied()).toEqual([{ slot: 1, applied_version: 3, state: 'pause' }]);
      slots.told(slots.applied());
    }
    slots.command([{ slot: 1, worker_id: 'a_b_1', desired_state: 'run', desired_version: 4 }]);
    expect(slots.applied()).toEqual([{ slot: 1, applied_version: 4, state: 'run' }]);
  });

  test('a command from this machine touches its slot only, and holds whatever the server says', () => {
    const slots = createSlots(3, false);
    slots.commandHere([1], 'drain');
    expect([slots.mayTake(0), slots.mayTake(1), slots.mayTake(2)]).toEqual([true, false, true]);
    slots.command([{ slot: 1, worker_id: 'a_b_1', desired_state: 'run', desired_version: 5 }]);
    expect([slots.isLeaving(1), slots.state(1), slots.sentAway()]).toEqual([true, 'drain', [1]]);
    slots.commandHere([1], 'run');
    expect([slots.isLeaving(1), slots.state(1), slots.mayTake(1), slots.sentAway()]).toEqual([false, 'run', true, []]);
  });

  test('with once, a slot leaves after its job or when it found none', () => {
    const slots = createSlots(2, true);
    slots.took(0);
    slots.foundNothing([1]);
    expect([slots.isLeaving(0), slots.isLeaving(1)]).toEqual([true, true]);
  });
});

describe('holes in a log', () => {
  const MB = 1_000_000;
  test('only a backlog longer than the tail is cut, and never the head', () => {
    expect(holeFrom(0, 90 * MB, 0)).toBe(0);
    expect(holeFrom(0, 500 * MB, 0)).toBe(0);
    expect(holeFrom(10 * MB, 500 * MB, 0)).toBe(400 * MB);
    expect(holeFrom(450 * MB, 500 * MB, 0)).toBe(0);
  });
  test('bytes that were given back to the disk are a hole for a server that wants them again', () => {
    expect(holeFrom(0, 100 * MB, 64 * MB)).toBe(64 * MB);
  });
});

describe('what an end means', () => {
  const exited = { kind: 'exited', exit_code: 0, signal: null, at: 1 } as const;
  const told = { ...NEW_STATE, intent: { outcome: 'released', message: 'The worker was stopped.', at: 0 } } as const;
  test.each([
    [NEW_STATE, exited, 'succeeded'],
    [told, exited, 'released'],
    [NEW_STATE, { ...exited, exit_code: 1 }, 'failed'],
    [NEW_STATE, { ...exited, kind: 'vanished', exit_code: null }, 'failed'],
    [NEW_STATE, { ...exited, kind: 'lost', exit_code: null }, 'lost'],
    [told, { ...exited, kind: 'lost', exit_code: null }, 'released'],
  ] as const)('%#', (state, end, outcome) => expect(verdict({ state }, end).outcome).toBe(outcome));

  test('refused files are mentioned', () => {
    expect(verdict({ state: { ...NEW_STATE, refused_uploads: ['model.bin'] } }, exited).message).toContain('model.bin');
  });
});

describe('interpreter', () => {
  const choice = { python: null, env: { PATH: '/nowhere' }, cwd: '/', node: '/opt/node' };
  const executable = (path: string): string => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '');
    chmodSync(path, 0o755);
    return path;
  };
  test('node runs Node scripts; a program of another kind runs by itself', () => {
    expect(chooseInterpreter({ ...choice, script: '/x/train.mjs' })).toBe('/opt/node');
    expect(chooseInterpreter({ ...choice, script: executable(join(directory, 'train.sh')) })).toBeNull();
  });
  test('an explicit interpreter wins, then the active environment, then the path', () => {
    const python = executable(join(directory, 'venv', 'bin', 'python'));
    const onPath = executable(join(directory, 'bin', 'python3'));
    const env = { PATH: join(directory, 'bin'), VIRTUAL_ENV: join(directory, 'venv') };
    expect(chooseInterpreter({ ...choice, env, script: '/x/t.py', python: 'python3' })).toBe(onPath);
    expect(chooseInterpreter({ ...choice, env, script: '/x/t.py' })).toBe(python);
    expect(chooseInterpreter({ ...choice, env: { PATH: env.PATH }, script: '/x/t.py' })).toBe(onPath);
    expect(chooseInterpreter({ ...choice, script: '/x/t.py' })).toBe('python3');
  });
});

test('a job inherits everything but our secrets', () => {
  const places = { server: 's', data: 'd', job_directory: 'j', attempt_directory: 'a', worker_id: 'w', python_library: '/lib' };
  const inherited = withoutSecrets({ JD_API_KEY: 'x', DROVER_API_KEY: 'x', PYTHONPATH: '/mine', LANG: 'C' });
  const env = { ...inherited, ...jobVariables(inherited, lease, places) };
  expect(env).toMatchObject({ LANG: 'C', PYTHONPATH: '/lib:/mine', JD_JOB_ID: '3', JD_WORKER_TOKEN: 'jdt_7.2.0.abcdefgh12345' });
  expect(Object.values(env)).not.toContain('x');
});

test('what only the process of an agent needs is not for its jobs, and what its user chose stays', () => {
  const chosen = { LANG: 'C', MALLOC_TRIM_THRESHOLD_: '7' };
  const env = agentEnvironment({ ...chosen, JD_API_KEY: 'x' });
  expect(env).toMatchObject({ ...chosen, MALLOC_MMAP_THRESHOLD_: '131072' });
  expect(Object.values(env)).not.toContain('x');
  expect(withoutSecrets(env)).toEqual(chosen);
  expect(withoutSecrets(agentEnvironment(env))).toEqual(chosen);
});

test('attempts are found again by their owner only, with their state; a removed one is gone', async () => {
  const store = createAttemptStore({ data: directory, owner: 'me', clock: systemClock, seal: createSecretSeal('jda_test') });
  const stored = await store.create(lease, 1, 5);
  store.save(stored.directory, { ...NEW_STATE, refused_uploads: ['f'] });
  await createAttemptStore({ data: directory, owner: 'you', clock: systemClock, seal: createSecretSeal('jda_test') }).create(
    { ...lease, token: 'zzzzzzzzzz' },
    0,
    5,
  );
  expect(store.scan()).toEqual([{ ...stored, state: { ...NEW_STATE, refused_uploads: ['f'] } }]);
  store.remove(stored.directory);
  await store.removed();
  expect(store.scan()).toEqual([]);
});

test('an attempt whose lease cannot be written leaves no directory behind', async () => {
  const store = createAttemptStore({ data: directory, owner: 'me', clock: systemClock, seal: createSecretSeal('jda_test') });
  const parent = join(directory, lease.experiment, '.drover');
  // What stands in for a full disk: a directory in the place of the file.
  mkdirSync(join(parent, attemptDirectoryName(lease), 'lease.json'), { recursive: true });
  await expect(store.create(lease, 0, 5)).rejects.toThrow(/EISDIR/);
  await store.removed();
  expect(readdirSync(parent)).toEqual([]);
});

test('the directory of an attempt that is over is used again, with nothing in it that could be taken for the next one', async () => {
  const store = createAttemptStore({ data: directory, owner: 'me', clock: systemClock, seal: createSecretSeal('jda_test') });
  const first = await store.create(lease, 0, 5);
  endedAttempt(first.directory);
  const inode = statSync(first.directory).ino;
  const held = openSync(join(first.directory, 'stdout'), 'a');
  store.remove(first.directory);
  const second = await store.create({ ...lease, number: lease.number + 1 }, 0, 6);
  expect([statSync(second.directory).ino, existsSync(first.directory)]).toEqual([inode, false]);
  // What a leftover of the first job writes into its output goes nowhere.
  writeSync(held, 'late');
  closeSync(held);
  expect(readdirSync(second.directory).sort()).toEqual(['lease.json', 'pid', 'status']);
  expect(['pid', 'status'].map((name) => readFileSync(join(second.directory, name), 'utf8').trim())).toEqual(['', '']);
  expect(store.scan()).toEqual([second]);
  endedAttempt(second.directory);
  store.remove(second.directory);
  // Whoever comes after a crash clears the spares of before away.
  const next = createAttemptStore({ data: directory, owner: 'me', clock: systemClock, seal: createSecretSeal('jda_test') });
  expect(next.scan()).toEqual([]);
  await eventually(() => expect(readdirSync(join(directory, lease.experiment, '.drover'))).toEqual([]));
});

test('what is kept to be used again is removed when the agent has had nothing to do for a while', async () => {
  const clock = manualClock();
  const store = createAttemptStore({ data: directory, owner: 'me', clock, seal: createSecretSeal('jda_test') });
  const { directory: first } = await store.create(lease, 0, 5);
  endedAttempt(first);
  store.remove(first);
  const left = (): string[] => readdirSync(join(directory, lease.experiment, '.drover'));
  expect(left()).toHaveLength(1);
  clock.advance(10_000);
  await eventually(() => {
    clock.advance(100);
    expect(left()).toEqual([]);
  });
});

test.each<[string, (attempt: string) => void]>([
  ['in which the job made another one', (attempt) => mkdirSync(join(attempt, 'uploads'))],
  ['whose shim may still write its end', (attempt) => writeFileSync(join(attempt, 'status'), '   \n')],
  ['that holds the end of another attempt', (attempt) => writeFileSync(join(attempt, 'status'), '0 1.1.zzzzzzzz\n')],
  ['of which the job linked a file', (attempt) => linkSync(join(attempt, 'status'), join(directory, 'kept'))],
])('a directory %s is removed, not used again', async (_, change) => {
  const store = createAttemptStore({ data: directory, owner: 'me', clock: systemClock, seal: createSecretSeal('jda_test') });
  const first = await store.create(lease, 0, 5);
  endedAttempt(first.directory);
  change(first.directory);
  store.remove(first.directory);
  await store.removed();
  expect(readdirSync(join(directory, lease.experiment, '.drover'))).toEqual([]);
});

test('a lease in the directory of another attempt, as after a power loss, is no attempt', async () => {
  const store = createAttemptStore({ data: directory, owner: 'me', clock: systemClock, seal: createSecretSeal('jda_test') });
  const first = await store.create(lease, 0, 5);
  renameSync(first.directory, join(dirname(first.directory), '4.1.zzzzzzzz'));
  expect(store.scan()).toEqual([]);
});

test('what an agent left that was killed while it cleared away is removed a minute after the next start, unless it is used by then', async () => {
  const clock = manualClock();
  const store = createAttemptStore({ data: directory, owner: 'me', clock, seal: createSecretSeal('jda_test') });
  const parent = join(directory, lease.experiment, '.drover');
  const newer = '5.1.zzzzzzzz';
  for (const name of ['4.1.zzzzzzzz', newer, attemptDirectoryName(lease)]) mkdirSync(join(parent, name), { recursive: true });
  writeFileSync(join(parent, '4.1.zzzzzzzz', 'lease.json'), '');
  // What a later version of the agent wrote is not for this one to judge.
  writeFileSync(join(parent, newer, 'lease.json'), '{"lease_id":5}');
  expect(store.scan()).toEqual([]);
  clock.advance(59_000);
  expect(readdirSync(parent)).toHaveLength(3);
  await store.create(lease, 0, 5);
  clock.advance(1_000);
  await eventually(() => expect(readdirSync(parent).toSorted()).toEqual([attemptDirectoryName(lease), newer].toSorted()));
  expect(store.scan()).toHaveLength(1);
});

test('an agent that was killed before it wrote the lease takes the job again', async () => {
  const store = createAttemptStore({ data: directory, owner: 'me', clock: systemClock, seal: createSecretSeal('jda_test') });
  const first = await store.create(lease, 0, 5);
  await expect(store.create(lease, 0, 6)).rejects.toThrow('EEXIST');
  writeFileSync(join(first.directory, 'lease.json'), '');
  expect((await store.create(lease, 0, 6)).directory).toBe(first.directory);
});

test('a text that does not fit on the disk is refused, and what is written over has no rest of before', () => {
  const path = join(directory, 'file');
  overwrite(path, 'a long text');
  overwrite(path, 'short');
  expect(readFileSync(path, 'utf8')).toBe('short      ');
  expect(() => overwrite('/dev/full', 'x')).toThrow('ENOSPC');
  symlinkSync(path, join(directory, 'link'));
  expect(() => overwrite(join(directory, 'link'), 'x')).toThrow('ELOOP');
});

test('a token cannot lead out of the attempt directory', () => {
  expect(attemptDirectoryName({ number: 1, attempt: 1, token: '../../../etc' })).toBe('1.1.etc');
});

test('GPU readings that a card does not tell are left out', () => {
  expect(parseGpus('0, 37, 1024, 81920, 45\n1, [N/A], 0, 81920, [N/A]\n')).toEqual({
    ...{ gpu_0_percent: 37, gpu_0_memory_used_bytes: 1024 * 1024 * 1024, gpu_0_memory_total_bytes: 81920 * 1024 * 1024, gpu_0_celsius: 45 },
    ...{ gpu_1_memory_used_bytes: 0, gpu_1_memory_total_bytes: 81920 * 1024 * 1024 },
  });
});

test('names of long lists of experiments stay short and apart', () => {
  const many = Array.from({ length: 50 }, (_, index) => `experiment-number-${index}`);
  expect(experimentsName(many).length).toBeLessThan(120);
  expect(experimentsName(many)).not.toBe(experimentsName(many.slice(1)));
  expect(experimentsName(['b', 'a'])).toBe('a+b');
});

test('launches on one directory come one after the other', async () => {
  const order: string[] = [];
  const launch = (name: string) =>
    withLock(directory, systemClock, async () => {
      order.push(`${name} in`);
      await systemClock.sleep(30);
      order.push(`${name} out`);
    });
  await Promise.all([launch('a'), launch('b')]);
  expect(order).toHaveLength(4);
  expect(order[0]!.slice(0, 1)).toBe(order[1]!.slice(0, 1));
});

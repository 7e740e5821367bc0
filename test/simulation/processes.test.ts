// The simulated launcher and the power of its machine: what the rest of a run builds on.
import { expect, test } from 'vitest';

import type { ProcessRequest, StartedProcess } from '../../src/agent/launcher.ts';

import { Disk } from './disk.ts';
import { Ledger } from './ledger.ts';
import { Machine } from './machine.ts';
import { Processes } from './processes.ts';
import { World } from './world.ts';

const DIRECTORY = '/sim/m1/jd_data/tune/.drover/1.1.abcdefgh';

function stage(seed: string) {
  const world = new World(seed, null);
  const machine = new Machine(world, 'm1', { skew_ms: 0, rate: 1 });
  const disk = new Disk(world, machine);
  disk.makeDirectory(DIRECTORY, true);
  const ledger = new Ledger();
  const processes = new Processes({ world, machine, disk, ledger, onSignal: () => undefined });
  const request: ProcessRequest = {
    ...{ directory: DIRECTORY, cwd: '/', status: ' '.repeat(63) + '\n' },
    arguments: ['/bin/sh', '-c', '', 'sh', 'boot', 'ns', '1.1.abcdefgh', 'work 5 -'],
    variables: { JD_WORKER_TOKEN: 'jdt_1.1.0.abcdefgh', JD_EXP_ID: 'tune', JD_JOB_ID: '1' },
  };
  return { world, machine, disk, ledger, processes, request };
}

test('a lease begins once: not even a loss of power that nothing of it survived lets it begin again', async () => {
  const { world, machine, disk, ledger, processes, request } = stage('again');
  const lease = disk.create(`${DIRECTORY}/lease.json`);
  disk.append(lease, Buffer.from('{}'));
  void processes.launcher(machine.start('agent')).start(request);
  while (ledger.executions.size < 1) await world.step();
  processes.losePower();
  void processes.launcher(machine.start('agent')).start(request);
  while (ledger.executions.size < 2) await world.step();
  expect(world.violation?.message).toBe('attempt 1 of tune/1 was started twice with the same token');
});

test('a start that is under way ends with the power', async () => {
  const { world, machine, ledger, processes, request } = stage('under way');
  void processes.launcher(machine.start('agent')).start(request);
  processes.losePower();
  while (await world.step());
  expect(ledger.executions.size).toBe(0);
});

test('an agent that stalls while a short job begins and ends hears of both', async () => {
  const { world, machine, ledger, processes, request } = stage('stalled');
  const agent = machine.start('agent');
  let started: StartedProcess | 'unknown' | null = null;
  let end: unknown = null;
  const asked = processes.launcher(agent).start(request);
  void asked.then((answer) => {
    started = answer;
    if (answer !== 'unknown') void answer.ended.then((how) => (end = how));
  });
  agent.stalled_until = 60_000;
  while (await world.step());
  const [execution] = ledger.executionsOf('tune/1');
  expect(execution!.ended).toBeLessThan(60_000);
  expect(world.time).toBeGreaterThanOrEqual(60_000);
  expect(started).toMatchObject({ pid: expect.any(Number) as number });
  expect(end).toEqual({ signal: null });
});

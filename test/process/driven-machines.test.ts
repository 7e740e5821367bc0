// Machines on which nothing runs: jobs act on them from an agent elsewhere, one at a time on each, also when that agent is killed in between.
import { expect, test } from 'vitest';

import { openStage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { openExperiment } from '../support/experiment.ts';

/** Fails when another job acts on the same machine at the same time; waits for the gate in its first round. */
const ACT = `
mkdir "$STAGE/in-use-$1" || exit 9
echo "$1 $JD_MACHINE $JD_JOB_ID" >>"$STAGE/ledger"
while [ "$2" = wait ] && [ ! -e "$STAGE/gate" ]; do sleep 0.02; done
rmdir "$STAGE/in-use-$1"
`;

const MACHINES = { foo: ['node1:22', 'node2:22', 'node3:22'], bar: ['box1', 'box2'] } as const;
type ClassName = keyof typeof MACHINES;

test('jobs of each class act on its machines, one at a time on each; a killed agent changes nothing of that', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const script = stage.file('act.sh', ACT);
  await server.api.experiments.create({ body: { name: 'pool' } });
  const pool = openExperiment(server, 'pool');
  const add = async (machine_class: ClassName, kind: 'wait' | 'run', times: number): Promise<number[]> => {
    const body = { command: `sh ${script} {MACHINE} ${kind}`, machine_class, jobs: [{ params: {} }], times };
    const { from } = await server.api.jobs.create({ params: { experiment: 'pool' }, body });
    return Array.from({ length: times }, (_, index) => from! + index);
  };
  const added = await stage.drover(['machine', 'add', ...MACHINES.foo.flatMap((name) => ['-m', name]), 'foo', '--url', server.url]);
  expect(added.code, added.output).toBe(0);
  expect(added.output).toContain('Added node1:22, node2:22, node3:22 to class foo.');
  expect(added.output).toContain('No agent drives class foo yet');
  const args = ['--drive', 'foo', '--drive', 'bar'];
  const agent = await stage.agent({ experiments: ['pool'], url: server.url, key: server.key, env: { STAGE: stage.directory }, args });
  await server.api.machines.add({ body: { names: [...MACHINES.bar], machine_class: 'bar' } });
  const waiting = [...(await add('foo', 'wait', 3)), ...(await add('bar', 'wait', 2))];
  await add('foo', 'run', 10);
  await add('bar', 'run', 10);
  const ledger = (): string[][] =>
    stage
      .read('ledger')
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
  // One on each machine, and no more.
  await eventually(() => expect(ledger()).toHaveLength(5));
  await agent.kill9();
  await agent.start();
  expect((await pool.all()).filter(({ status }) => status === 'running').map(({ number }) => number)).toEqual(waiting);
  stage.file('gate', '');
  const ended = await pool.ends();
  expect(ended.map(({ status, attempts }) => [status, attempts])).toEqual(ended.map(() => ['done', 1]));
  expect(ledger()).toHaveLength(25);
  const classes = new Map(ended.map(({ number, machine_class }) => [String(number), machine_class as ClassName]));
  for (const [machine, named, number] of ledger()) {
    expect(named).toBe(machine);
    expect(MACHINES[classes.get(number!)!]).toContain(machine);
  }
  const { machines } = await server.api.machines.list({});
  expect(machines.filter(({ kind }) => kind === 'driven').map(({ name, state }) => [name, state])).toEqual(
    [...MACHINES.bar, ...MACHINES.foo].map((name) => [name, 'ready']),
  );
});

test('a driver runs the commands of jobs on driven machines', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const driver = stage.file('driver.py', '#!/usr/bin/env python3\nimport sys\nprint(sys.argv[1:])\n');
  await stage.start(['/bin/chmod', '+x', driver]).exited;
  await server.api.experiments.create({ body: { name: 'pool' } });
  await server.api.machines.add({ body: { names: ['node1:22'], machine_class: 'foo' } });
  await stage.agent({ experiments: ['pool'], url: server.url, key: server.key, args: ['--drive', '*', '--driver', driver] });
  const pool = openExperiment(server, 'pool');
  const body = { command: 'setup {MACHINE} --name {name}', machine_class: 'foo', jobs: [{ params: { name: "it's two words" } }] };
  const { from } = await server.api.jobs.create({ params: { experiment: 'pool' }, body });
  expect(await pool.reaches(from!, 'done')).toMatchObject({ worker_id: expect.stringMatching(/_5000$/) });
  await eventually(async () => expect((await pool.log(from!)).toString()).toBe(`['--print_results_path', 'setup', 'node1:22', '--name', "it's two words"]\n`));
  // What cannot be run says so and fails: the driver is not given those words.
  const secret = { experiment: 'pool', name: 'TOKEN' };
  await server.api.variables.set({ params: secret, body: { value: 'secret-value', secret: true } });
  const late = await server.api.jobs.create({ params: { experiment: 'pool' }, body: { ...body, command: 'push {TOKEN} {name}', held: true } });
  await server.api.variables.remove({ params: secret });
  await server.api.jobs.unhold({ params: { experiment: 'pool', number: late.from! } });
  expect(await pool.reaches(late.from!, 'aborted')).toMatchObject({ exit_code: 127 });
  await eventually(async () => expect((await pool.log(late.from!, 'stderr')).toString()).toContain('The secret variable TOKEN is not there any more'));
});

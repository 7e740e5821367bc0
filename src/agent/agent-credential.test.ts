// What ends an agent's right to speak: its secret is revoked, or the key that it was started with is wrong.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { agentsPerTest, createAgents, end, ended, output, printed, until, type Agents } from '../../test/support/agent-fixture.ts';
import type { ProtocolServer } from '../../test/support/protocol-server.ts';

let server: ProtocolServer;
let agents: Agents;

agentsPerTest((made) => ({ server, agents } = made));

const emptied = () => until('all attempt directories removed', () => agents.attemptDirectories().length === 0);

test('a revoked agent takes nothing more, lets its job run to its end, says why it ends, and the next one delivers', async () => {
  const gate = join(agents.home, 'gate');
  const job = server.addJob({ command: `echo up; while [ ! -e '${gate}' ]; do sleep 0.05; done; echo over` });
  const child = agents.run('--workers', '2');
  await printed(job, 'up');
  server.revoke(server.agents[0]!);
  await until('the agent to say so', () => agents.log().includes('this agent was revoked'));
  const waiting = server.addJob({ command: 'true' });
  expect(child.exitCode).toBeNull();
  expect(job.status).toBe('running');
  writeFileSync(gate, '');
  expect(await ended(child)).toBe(3);
  expect([output(job), job.attempts[0]!.end, waiting.attempts]).toEqual(['up\n', null, []]);
  expect(server.agents[0]!.left).toBe(false);
  agents.run('--workers', '2');
  expect(await end(job)).toMatchObject({ outcome: 'succeeded', exit_code: 0 });
  expect(await end(waiting)).toMatchObject({ outcome: 'succeeded' });
  await emptied();
  expect(output(job)).toBe('up\nover\n');
  expect(server.agents).toHaveLength(2);
});

test('a revoked agent without a job ends at once; one that is told to end does not wait for its job', async () => {
  const idle = agents.run();
  const first = await until('an agent', () => (server.agents[0]?.seq ? server.agents[0] : null));
  server.revoke(first);
  expect(await ended(idle)).toBe(3);
  const job = server.addJob({ command: 'echo up; sleep 600' });
  const child = agents.run();
  await printed(job, 'up');
  server.revoke(server.agents[1]!);
  await until('the agent to say so', () => agents.log().split('this agent was revoked').length === 3);
  child.kill('SIGTERM');
  expect(await ended(child)).toBe(3);
  expect(job.attempts).toHaveLength(1);
});

test('a fresh agent with a wrong key fails at once, with the reason', async (context) => {
  const wrong = createAgents(agents.file, server, { DROVER_API_KEY: 'jd_wrong' });
  context.onTestFinished(() => wrong.clean());
  const begun = performance.now();
  for (const verb of ['run', 'start']) {
    const { status, stdout, stderr } = await wrong.call(verb, '--url', server.url, '--experiment', server.experiment);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/does not accept this API key\..*DROVER_API_KEY.*drover key create/);
  }
  expect(performance.now() - begun).toBeLessThan(10_000);
  expect(server.agents).toEqual([]);
  expect((await wrong.call('ls', '--json')).stdout).toBe('[]\n');
});

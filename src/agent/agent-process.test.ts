// The agent as a user has it: one file, real processes, real sockets, killed and restarted at bad moments.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { agentsPerTest, end, ended, isAlive, output, printed, until, type Agents } from '../../test/support/agent-fixture.ts';
import type { ProtocolServer, ServedJob } from '../../test/support/protocol-server.ts';

let server: ProtocolServer;
let agents: Agents;

agentsPerTest((made) => ({ server, agents } = made));

const emptied = () => until('all attempt directories removed', () => agents.attemptDirectories().length === 0);

test('runs a command to its end, ships both streams, and leaves nothing behind', async () => {
  const job = server.addJob({ command: 'printf "out\\n"; printf "no newline" >&2' });
  const child = agents.run();
  expect(await end(job)).toMatchObject({ outcome: 'succeeded', exit_code: 0, signal: null, message: null });
  expect((await end(job)).duration_ms).toBeGreaterThanOrEqual(0);
  await emptied();
  expect(output(job)).toBe('out\n');
  expect(String(job.attempts[0]!.logs.stderr)).toBe('no newline');
  child.kill('SIGTERM');
  expect(await ended(child)).toBe(0);
  expect(server.agents[0]!.left).toBe(true);
});

test('tells exit codes, signals and a missing command apart', async () => {
  const jobs = ['exit 3', 'kill -SEGV $$', 'no-such-program-here', 'exit 255'].map((command) => server.addJob({ command }));
  agents.run('--workers', '2');
  const ends = [];
  for (const job of jobs) ends.push(await end(job));
  expect(ends[0]).toMatchObject({ outcome: 'failed', exit_code: 3, signal: null, message: 'The job ended with exit code 3.' });
  expect(ends[1]).toMatchObject({ outcome: 'failed', exit_code: null, signal: 'SIGSEGV' });
  expect(ends[2]).toMatchObject({ outcome: 'failed', exit_code: 127 });
  expect(ends[2]!.message).toContain('not found');
  expect(ends[3]).toMatchObject({ outcome: 'failed', exit_code: 255, signal: null });
});

test('gives the script its params as arguments and the job its environment, without our secrets', async () => {
  const script = join(agents.home, 'show.py');
  writeFileSync(script, 'import os, sys, json\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\nimport jd\nprint(jd.jd_params())\n');
  const params = { rate: 0.1, text: "it's $HOME\nnext", flag: true, none: null, list: [1, { a: 2 }] };
  const job = server.addJob({ params });
  agents.run('--script', script);
  expect(await end(job)).toMatchObject({ outcome: 'succeeded' });
  await emptied();
  const [args, env] = JSON.parse(output(job).split('\n')[0]!) as [string[], Record<string, string>];
  expect(args).toEqual(['--rate', '0.1', '--text', "it's $HOME\nnext", '--flag', 'True', '--none', 'None', '--list', '[1,{"a":2}]']);
  const { lease } = job.attempts[0]!;
  expect(env).toMatchObject({
    JD_JOB_ID: '1',
    JD_EXP_ID: server.experiment,
    JD_SERVER: server.url,
    JD_WORKER_WORKSPACE_ROOT: join(agents.home, 'jd_data'),
    JD_WORKER_JOB_DIR: join(agents.home, 'jd_data', server.experiment, '1'),
    JD_WORKER_ID: expect.stringMatching(/^testhost_[a-z]+_0$/) as string,
    JD_WORKER_TOKEN: `jdt_1.1.0.${lease.token}`,
    JD_ATTEMPT: '1',
    PYTHONUNBUFFERED: '1',
  });
  expect(JSON.stringify(env)).not.toContain('jd_test');
  expect(JSON.stringify(env)).not.toContain(server.agents[0]!.secret);
  expect(output(job)).toContain("'rate': 0.1");
});

test('a job that cannot start fails alone with a reason', async () => {
  const script = join(agents.home, 'train.py');
  writeFileSync(script, 'print("ran")\n');
  const long = server.addJob({ params: { text: 'x'.repeat(200_000) } });
  const fine = server.addJob({ params: {} });
  agents.run('--script', script);
  expect(await end(long)).toMatchObject({ outcome: 'failed', exit_code: null });
  expect((await end(long)).message).toContain('E2BIG');
  expect(await end(fine)).toMatchObject({ outcome: 'succeeded' });
});

test('a missing interpreter fails the job with its name', async () => {
  const script = join(agents.home, 'train.py');
  writeFileSync(script, '');
  const job = server.addJob({});
  agents.run('--script', script, '--python', '/nowhere/python9');
  expect((await end(job)).message).toContain('/nowhere/python9 does not exist');
});

test('a timeout sends SIGTERM to the whole group, and SIGKILL to a job that ignores it', async () => {
  const polite = server.addJob({ command: 'trap "echo saved; exit 0" TERM; echo up; while :; do sleep 0.05; done', timeout_seconds: 0.5, grace_seconds: 5 });
  const deaf = server.addJob({ command: 'trap "" TERM; echo up; while :; do sleep 0.05; done', timeout_seconds: 0.5, grace_seconds: 0.3 });
  agents.run('--workers', '2');
  expect(await end(polite)).toMatchObject({ outcome: 'timed_out', exit_code: 0 });
  expect(await end(deaf)).toMatchObject({ outcome: 'timed_out', signal: 'SIGKILL' });
  await emptied();
  expect(output(polite)).toBe('up\nsaved\n');
});

test('a cancelled job gets its grace and is reported cancelled', async () => {
  const job = server.addJob({ command: 'trap "echo stopping; exit 9" TERM; echo up; while :; do sleep 0.05; done' });
  agents.run();
  await printed(job, 'up');
  server.cancel(job);
  expect(await end(job)).toMatchObject({ outcome: 'cancelled', exit_code: 9, message: 'The job was cancelled.' });
  await emptied();
  expect(output(job)).toBe('up\nstopping\n');
});

test('a checkpoint that a child writes in its grace is waited for, though its shell died at once', async () => {
  const job = server.addJob({
    command: `sh -c 'trap "sleep 0.4; echo saved; exit 0" TERM; echo up; while :; do sleep 0.05; done'; echo after`,
    grace_seconds: 10,
  });
  agents.run();
  await printed(job, 'up');
  server.cancel(job);
  await end(job);
  await emptied();
  expect(output(job)).toBe('up\nsaved\n');
});

test('children that a job leaves behind are killed', async () => {
  const job = server.addJob({ command: 'sleep 1000 & echo $!' });
  agents.run();
  expect(await end(job)).toMatchObject({ outcome: 'succeeded' });
  await emptied();
  const pid = Number(output(job));
  expect(pid).toBeGreaterThan(1);
  await until('the child gone', () => !isAlive(pid));
});

test('SIGTERM gives the jobs back, with time to save', async () => {
  const job = server.addJob({ command: 'trap "echo saved; exit 0" TERM; echo up; while :; do sleep 0.05; done' });
  const child = agents.run();
  await printed(job, 'up');
  child.kill('SIGTERM');
  expect(await ended(child)).toBe(0);
  expect(job.attempts[0]!.end).toMatchObject({ outcome: 'released' });
  expect(output(job)).toBe('up\nsaved\n');
  expect(server.agents[0]!.left).toBe(true);
  expect(agents.attemptDirectories()).toEqual([]);
});

test('killed with -9 in the middle and started again: the job ends once, its log is whole', async () => {
  const job = server.addJob({ command: 'for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.15; done' });
  const first = agents.run();
  await printed(job, 'line 2');
  first.kill('SIGKILL');
  await ended(first);
  agents.run();
  expect(await end(job)).toMatchObject({ outcome: 'succeeded', duration_ms: null });
  await emptied();
  expect(output(job)).toBe([1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `line ${i}\n`).join(''));
  expect(job.attempts).toHaveLength(1);
  expect(server.agents).toHaveLength(1);
});

test('a job that ended while no agent was there is reported by the next one', async () => {
  const job = server.addJob({ command: 'echo up; sleep 0.5; echo end; exit 4' });
  const first = agents.run();
  await printed(job, 'up');
  const shim = shimOf(job);
  first.kill('SIGKILL');
  await until('the job gone', () => !isAlive(shim));
  agents.run();
  expect(await end(job)).toMatchObject({ outcome: 'failed', exit_code: 4 });
  await emptied();
  expect(output(job)).toBe('up\nend\n');
});

test('a job that vanished while no agent was there is lost; one that vanishes under its eyes has failed', async () => {
  const unseen = server.addJob({ command: 'echo up; sleep 100' });
  const first = agents.run();
  await printed(unseen, 'up');
  const shim = shimOf(unseen);
  first.kill('SIGKILL');
  await ended(first);
  process.kill(-shim, 'SIGKILL');
  await until('the job gone', () => !isAlive(shim));
  agents.run();
  await until('a first end', () => unseen.attempts[0]!.end);
  expect(unseen.attempts[0]!.end).toMatchObject({ outcome: 'lost' });
  await until('a second attempt', () => unseen.attempts[1]?.running?.started_at);
  process.kill(-shimOf(unseen), 'SIGKILL');
  expect(await until('its end', () => unseen.attempts[1]!.end)).toMatchObject({ outcome: 'failed', signal: 'SIGKILL' });
});

test('an adopted job keeps its slot, its timeout and its worker; nothing new is claimed beyond the number of workers', async () => {
  const jobs = [server.addJob({ command: 'echo up; sleep 2', timeout_seconds: 60 }), server.addJob({ command: 'echo up; sleep 2' })];
  const first = agents.run('--workers', '2');
  for (const job of jobs) await printed(job, 'up');
  const slots = jobs.map((job) => job.attempts[0]!.lease.slot);
  first.kill('SIGKILL');
  await ended(first);
  const later = server.addJob({ command: 'true' });
  agents.run('--workers', '1');
  for (const [index, job] of jobs.entries()) {
    await end(job);
    expect(job.attempts[0]!.lease.slot).toBe(slots[index]);
  }
  expect(await end(later)).toMatchObject({ outcome: 'succeeded' });
  const ends = jobs.map((job) => Date.parse(job.attempts[0]!.end!.finished_at));
  expect(Date.parse(later.attempts[0]!.end!.started_at!)).toBeGreaterThanOrEqual(Math.max(...ends));
});

test('a living agent is never taken over: a second launch is a second agent', async () => {
  agents.run();
  await until('the first agent', () => server.agents[0]?.seq);
  agents.run();
  await until('the second agent', () => server.agents[1]?.seq);
  expect(server.agents[0]!.instance).not.toBe(server.agents[1]!.instance);
});

test('the server goes away and comes back: the job goes on, nothing is lost', async () => {
  const job = server.addJob({ command: 'for i in 1 2 3 4 5 6; do echo line $i; sleep 0.1; done' });
  const next = server.addJob({ command: 'echo second' });
  agents.run();
  await printed(job, 'line 1');
  server.goAway(true);
  const pid = shimOf(job);
  await until('the job over', () => !isAlive(pid));
  server.goAway(false);
  expect(await end(job)).toMatchObject({ outcome: 'succeeded' });
  expect(await end(next)).toMatchObject({ outcome: 'succeeded' });
  await emptied();
  expect(output(job)).toBe('line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n');
  expect(job.attempts[0]!.repeats).toBeLessThanOrEqual(1);
});

test('metrics, progress and files from the spools arrive, once and in order', async () => {
  const script = join(agents.home, 'train.py');
  const lines = [
    'import os, json, time, jd',
    'for step in range(3): jd.jd_log_metric("loss", 1.0 / (step + 1), step=step)',
    'jd.jd_log_metric("bad", float("nan"))',
    'open(os.path.join(os.environ["JD_ATTEMPT_DIR"], "metrics.jsonl"), "a").write("{broken\\n")',
    'jd.jd_progress(3, 4)',
    'spool = os.path.join(os.environ["JD_ATTEMPT_DIR"], "uploads"); os.makedirs(spool, exist_ok=True)',
    'for i, (kind, name) in enumerate([("artifact", "result.json"), ("checkpoint", "checkpoint"), ("artifact", "result.json")]):',
    '    stem = "%013d-%d" % (1000 + i, i)',
    '    open(os.path.join(spool, stem + ".data"), "w").write("content %d" % i)',
    '    json.dump({"key": "k%d" % i, "name": name, "kind": kind, "file": stem + ".data", "size": 9}, open(os.path.join(spool, stem + ".json"), "w"))',
  ];
  writeFileSync(script, lines.join('\n'));
  const job = server.addJob({});
  agents.run('--script', script);
  expect(await end(job)).toMatchObject({ outcome: 'succeeded' });
  await emptied();
  const { metrics, progress } = job.attempts[0]!;
  expect(metrics.map(({ name, value, step }) => [name, value, step])).toEqual([
    ['loss', 1, 0],
    ['loss', 0.5, 1],
    ['loss', 1 / 3, 2],
    ['bad', 'NaN', null],
  ]);
  expect(progress).toEqual({ done: 3, total: 4 });
  expect(server.files.map(({ kind, name, content, key }) => [kind, name, String(content), key])).toEqual([
    ['artifact', 'result.json', 'content 0', 'k0'],
    ['checkpoint', '', 'content 1', 'k1'],
    ['artifact', 'result.json', 'content 2', 'k2'],
  ]);
  expect(agents.log()).toContain('made no sense');
});

test('a file that the server refuses for good is put aside and the job says so', async () => {
  server.facts.refuse_uploads = true;
  const write = `mkdir $JD_ATTEMPT_DIR/uploads; cd $JD_ATTEMPT_DIR/uploads; echo big >1.data; echo '{"key":"k","name":"model.bin","kind":"artifact","file":"1.data","size":4}' >tmp; mv tmp 0000000000001-a.json; while [ -e 0000000000001-a.json ]; do sleep 0.05; done`;
  const job = server.addJob({ command: write });
  agents.run();
  expect((await end(job)).message).toContain('model.bin');
  await emptied();
  expect(readFileSync(join(agents.home, 'jd_data', server.experiment, '.drover', 'refused', attemptName(job), '1.data'), 'utf8')).toBe('big\n');
});

test('a flood of output is shipped with a hole between head and tail', async () => {
  const job = server.addJob({ command: 'head -c 150000000 /dev/zero' });
  agents.run();
  expect(await end(job)).toMatchObject({ outcome: 'succeeded' });
  await until('all attempt directories removed', () => agents.attemptDirectories().length === 0, 60_000);
  const { stdout, holes } = job.attempts[0]!.logs;
  expect(stdout.length).toBe(150_000_000);
  const dropped = holes.reduce((sum, hole) => sum + hole.length, 0);
  expect(holes.every((hole) => hole.from >= 10_000_000)).toBe(true);
  expect(dropped).toBeGreaterThan(0);
  expect(dropped).toBeLessThanOrEqual(50_000_000);
}, 90_000);

test('pause, run, drain: one worker never touches its neighbour, and the agent ends when all have left', async () => {
  const child = agents.run('--workers', '2');
  const agent = await until('the agent', () => (server.agents[0]?.seq ? server.agents[0] : null));
  server.tell(agent, 0, 'pause');
  await until('the command applied', () => agent.desired.get(0)?.applied === 1);
  const jobs = [server.addJob({ command: 'true' }), server.addJob({ command: 'true' })];
  for (const job of jobs) expect((await end(job)) && job.attempts[0]!.lease.slot).toBe(1);
  server.tell(agent, 0, 'run');
  const long = server.addJob({ command: 'echo up; sleep 0.7' });
  await printed(long, 'up');
  server.tell(agent, long.attempts[0]!.lease.slot, 'drain');
  const other = server.addJob({ command: 'true' });
  expect(await end(other)).toMatchObject({ outcome: 'succeeded' });
  expect(long.attempts[0]!.end).toBeNull();
  expect(await end(long)).toMatchObject({ outcome: 'succeeded' });
  server.tell(agent, other.attempts[0]!.lease.slot, 'stop');
  expect(await ended(child)).toBe(0);
  expect(agent.left).toBe(true);
});

test('--once does one job per worker, or leaves when there is none', async () => {
  const jobs = [1, 2, 3].map(() => server.addJob({ command: 'true' }));
  expect(await ended(agents.run('--once', '--workers', '2'))).toBe(0);
  expect(jobs.map((job) => job.status)).toEqual(['done', 'done', 'pending']);
  expect(await ended(agents.run('--once'))).toBe(0);
  expect(jobs[2]!.status).toBe('done');
  expect(await ended(agents.run('--once'))).toBe(0);
  expect(server.agents).toHaveLength(1);
});

test('a superseded agent takes nothing, leaves its jobs alone and says why it ends', async () => {
  const job = server.addJob({ command: 'echo up; sleep 30' });
  const child = agents.run();
  await printed(job, 'up');
  server.supersede(server.agents[0]!);
  expect(await ended(child)).toBe(3);
  expect(agents.log()).toContain('another process has taken over this agent');
  expect(isAlive(shimOf(job))).toBe(true);
  process.kill(-shimOf(job), 'SIGKILL');
});

test('start, ls, restart --keep, stop: in the background, and the job lives through a restart', async () => {
  const job = server.addJob({ command: 'for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.2; done' });
  expect((await agents.call('start', '--url', server.url, '--experiment', server.experiment)).status).toBe(0);
  await printed(job, 'line 1');
  const before = JSON.parse((await agents.call('ls', '--json')).stdout) as { pid: number; running_jobs: number }[];
  expect(before).toMatchObject([{ running_jobs: 1 }]);
  expect((await agents.call('restart', 'all', '--keep')).status).toBe(0);
  const after = JSON.parse((await agents.call('ls', '--json')).stdout) as { pid: number }[];
  expect(after).toHaveLength(1);
  expect(after[0]!.pid).not.toBe(before[0]!.pid);
  expect(isAlive(before[0]!.pid)).toBe(false);
  expect(await end(job)).toMatchObject({ outcome: 'succeeded' });
  await emptied();
  expect(output(job).split('\n')).toHaveLength(10);
  const stopped = await agents.call('stop', 'all');
  expect(stopped).toMatchObject({ status: 0 });
  expect(isAlive(after[0]!.pid)).toBe(false);
  expect(server.agents).toHaveLength(1);
});

test('when the one who started it dies, the agent ends and the jobs go on', async () => {
  const job = server.addJob({ command: 'echo up; sleep 30' });
  const child = agents.run('--parent-pipe');
  await printed(job, 'up');
  const pid = shimOf(job);
  child.stdin!.end();
  expect(await ended(child)).toBe(0);
  expect(isAlive(pid)).toBe(true);
  expect(server.agents[0]!.left).toBe(false);
  process.kill(-pid, 'SIGKILL');
});

function attemptName(job: ServedJob): string {
  const { number, attempt, token } = job.attempts.at(-1)!.lease;
  return `${number}.${attempt}.${token.slice(0, 8)}`;
}

/** The process group of a job is that of its shim. */
function shimOf(job: ServedJob): number {
  const place = join(agents.home, 'jd_data', server.experiment, '.drover', attemptName(job), 'pid');
  return Number(readFileSync(place, 'utf8').split(' ')[0]);
}

// Between agent and server as it is in firms: TLS with a private authority, proxies that are the only way out and fail at times;
// and what a long log leaves on the disk of the agent's machine.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { statSync, writeFileSync } from 'node:fs';
import { expect, test, type TestContext } from 'vitest';

import { createAuthority, startTlsFront, whyNoAuthority } from '../support/authority.ts';
import { openStage, type Stage, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';

/** Prints, uploads a file by itself, and says how that went. */
const JOB = `
import os, jd
print("hello", flush=True)
path = os.path.join(jd.jd_job_dir(), "result.txt")
with open(path, "w") as result:
    result.write("made behind a wall\\n" * 1000)
told = jd.jd_upload(path)
print("queued" if told.get("queued") else "sent", flush=True)
`;
const RESULT = 'made behind a wall\n'.repeat(1000);

/** Later tries would only make a failure slow. */
const ONE_TRY = { JD_UPLOAD_MAX_RETRIES: '1' };

function skipFor(context: TestContext, reason: string | null): void {
  if (reason === null) return;
  process.stderr.write(`skipped: ${context.task.name}: ${reason}\n`);
  context.skip(reason);
}

async function fileOf(server: TestServer, experiment: TestExperiment): Promise<string> {
  return (await server.api.results.download({ params: { experiment: experiment.name, number: 1, name: 'result.txt' } })).text();
}

async function ranToItsEnd(server: TestServer, experiment: TestExperiment, log: string): Promise<void> {
  expect(await experiment.ends({ within: 40_000 })).toMatchObject([{ status: 'done', attempts: 1 }]);
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe(log));
  await eventually(async () => expect(await fileOf(server, experiment)).toBe(RESULT));
}

test('agent, job and commands trust a private authority that they are told of', async (context) => {
  skipFor(context, whyNoAuthority());
  const stage = openStage(context);
  const script = stage.file('job.py', JOB);
  const server = await stage.server();
  const authority = createAuthority(stage, ['IP:127.0.0.1']);
  const front = await startTlsFront(stage, authority, server.url);
  const url = `https://127.0.0.1:${front.port}`;
  const told = { DROVER_URL: url, DROVER_API_KEY: server.key, DROVER_CA_FILE: authority.ca_file };
  const drover = async (...words: string[]): Promise<string> => {
    const { code, output, stdout } = await stage.drover(words, told);
    expect(code, output).toBe(0);
    return stdout.toString();
  };
  await drover('experiment', 'create', 'tls');
  await drover('job', 'add', '-e', 'tls', '--', 'python3', script);
  const agent = await stage.agent({ experiments: ['tls'], url, key: server.key, args: ['--ca-file', authority.ca_file], env: ONE_TRY });
  await drover('wait', '-e', 'tls');
  await eventually(async () => expect(await drover('job', 'log', '-e', 'tls', '1')).toBe('hello\nsent\n'));
  expect(await drover('job', 'files', '-e', 'tls', '1')).toMatch(/result\.txt/);
  await agent.stop();
  const byNode = await stage.drover(['status'], { DROVER_URL: url, DROVER_API_KEY: server.key, NODE_EXTRA_CA_CERTS: authority.ca_file });
  expect(byNode.code, byNode.output).toBe(0);
  // Without --ca-file, by Node's own variable, which jobs inherit.
  await drover('job', 'add', '-e', 'tls', '--', 'python3', script);
  await stage.agent({ experiments: ['tls'], url, key: server.key, env: { ...ONE_TRY, NODE_EXTRA_CA_CERTS: authority.ca_file } });
  await drover('wait', '-e', 'tls');
  await eventually(async () => expect(await drover('job', 'log', '-e', 'tls', '2')).toBe('hello\nsent\n'));
});

test('without the authority, commands and agents say at the first refusal which setting is missing', async (context) => {
  skipFor(context, whyNoAuthority());
  const stage = openStage(context);
  const server = await stage.server();
  await createExperiment(server, 'tls');
  const authority = createAuthority(stage, ['IP:127.0.0.1']);
  const front = await startTlsFront(stage, authority, server.url);
  const told = { DROVER_URL: `https://127.0.0.1:${front.port}`, DROVER_API_KEY: server.key };
  const agentStart = [process.execPath, stage.agent_file, 'run', '--experiment', 'tls'] as const;
  const other = { DROVER_CA_FILE: createAuthority(openStage(context), ['IP:127.0.0.1']).ca_file };
  for (const [begin, code] of [
    [() => stage.drover(['status'], told), 5],
    [() => stage.drover(['status'], { ...told, ...other }), 5],
    [() => stage.drover(['worker', 'start', '-e', 'tls'], told), 5],
    [() => endOf(stage, agentStart, told), 1],
    [() => endOf(stage, agentStart, { ...told, ...other }), 1],
  ] as const) {
    const before = front.connections();
    const ended = await begin();
    expect(ended.code, ended.output).toBe(code);
    expect(ended.output).toMatch(/https:\/\/127\.0\.0\.1:\d+: its certificate .* not trusted .*DROVER_CA_FILE, --ca-file of an agent, or NODE_EXTRA_CA_CERTS/);
    expect(ended.output.trim().split('\n')).toHaveLength(1);
    expect(front.connections() - before).toBe(1);
  }
  const unusable = { DROVER_CA_FILE: stage.file('empty.pem', 'nothing\n') };
  for (const ended of [await stage.drover(['status'], { ...told, ...unusable }), await endOf(stage, agentStart, { ...told, ...unusable })]) {
    expect(ended.code).not.toBe(0);
    expect(ended.output).toMatch(/ca_file: .*empty\.pem holds no certificate/);
  }
});

async function endOf(stage: Stage, words: readonly [string, ...string[]], env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const program = stage.start(words, env);
  const { code } = await program.exited;
  return { code, output: program.output() };
}

test('a plain server behind HTTP_PROXY: agent, job and commands go through it', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'proxied');
  const proxy = await startForwardProxy(stage, { 'drover.test': Number(new URL(server.url).port) });
  // The name is known to the proxy only.
  const url = 'http://drover.test';
  const env = { ...ONE_TRY, HTTP_PROXY: proxy.url, HTTPS_PROXY: 'http://127.0.0.1:1' };
  await stage.agent({ experiments: ['proxied'], url, key: server.key, env });
  await experiment.add({ command: `python3 ${stage.file('job.py', JOB)}` });
  await ranToItsEnd(server, experiment, 'hello\nsent\n');
  const paths = new Set(proxy.seen.map((line) => line.replace(/\?.*/, '')));
  const api = `${url}/api/v1`;
  expect([...paths]).toEqual(expect.arrayContaining([`POST ${api}/agents`, `PUT ${api}/attempt/artifacts/result.txt`]));
  expect(proxy.seen.filter((line) => line.startsWith('CONNECT'))).toEqual([]);
  const told = { ...env, DROVER_URL: url, DROVER_API_KEY: server.key };
  const log = await stage.drover(['job', 'log', '-e', 'proxied', '1'], told);
  expect(log).toMatchObject({ code: 0, output: 'hello\nsent\n' });
  await proxy.stop();
  const refused = await stage.drover(['status'], told);
  expect(refused).toMatchObject({ code: 5 });
  expect(refused.output).toMatch(/through the proxy 127\.0\.0\.1:\d+ \(.*ECONNREFUSED.*\)\. It comes from HTTP_PROXY or HTTPS_PROXY/);
});

test('NO_PROXY leads around it', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'direct');
  const { port } = new URL(server.url);
  const proxy = await startForwardProxy(stage, { '0.0.0.0': Number(port) });
  // This machine, by an address that does not look like it.
  const url = `http://0.0.0.0:${port}`;
  const env = { ...ONE_TRY, HTTP_PROXY: proxy.url };
  const direct = { ...env, NO_PROXY: 'example.org,0.0.0.0' };
  const agent = await stage.agent({ experiments: ['direct'], url, key: server.key, env: direct });
  await experiment.add({ command: `python3 ${stage.file('job.py', JOB)}` });
  await ranToItsEnd(server, experiment, 'hello\nsent\n');
  const told = { DROVER_URL: url, DROVER_API_KEY: server.key };
  expect(await stage.drover(['status'], { ...direct, ...told })).toMatchObject({ code: 0 });
  await agent.stop();
  expect(proxy.seen).toEqual([]);
  // It would have been used.
  expect(await stage.drover(['status'], { ...env, ...told })).toMatchObject({ code: 0 });
  expect(proxy.seen).toHaveLength(1);
});

test('a TLS server behind HTTPS_PROXY: through tunnels, also after the proxy was away in the middle of a job', async (context) => {
  skipFor(context, whyNoAuthority());
  const stage = openStage(context);
  const script = stage.file(
    'job.py',
    `
import os, time
print("before", flush=True)
while not os.path.exists(${JSON.stringify(stage.path('proxy-is-gone'))}):
    time.sleep(0.02)
${JOB}
open(${JSON.stringify(stage.path('over'))}, "w").close()
`,
  );
  const server = await stage.server();
  const experiment = await createExperiment(server, 'tunnelled');
  const authority = createAuthority(stage, ['DNS:drover.test']);
  const front = await startTlsFront(stage, authority, server.url);
  const proxy = await startForwardProxy(stage, { 'drover.test': front.port });
  const url = 'https://drover.test';
  const env = { ...ONE_TRY, HTTPS_PROXY: proxy.url, HTTP_PROXY: 'http://127.0.0.1:1', DROVER_CA_FILE: authority.ca_file };
  await stage.agent({ experiments: ['tunnelled'], url, key: server.key, env });
  await experiment.add({ command: `python3 ${script}` });
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('before\n'));
  await proxy.stop();
  stage.file('proxy-is-gone', '');
  await eventually(() => statSync(stage.path('over')));
  expect((await experiment.log(1)).toString()).toBe('before\n');
  await proxy.start();
  await ranToItsEnd(server, experiment, 'before\nhello\nqueued\n');
  // By the job itself as well.
  await experiment.add({ command: `python3 ${stage.file('second.py', JOB)}` });
  await experiment.reaches(2, 'done');
  await eventually(async () => expect((await experiment.log(2)).toString()).toBe('hello\nsent\n'));
  expect(new Set(proxy.seen)).toEqual(new Set(['CONNECT drover.test:443']));
  const told = { ...env, DROVER_URL: url, DROVER_API_KEY: server.key };
  expect(await stage.drover(['job', 'log', '-e', 'tunnelled', '2'], told)).toMatchObject({ code: 0, output: 'hello\nsent\n' });
});

const MIB = 2 ** 20;
/** Agents begin to give space back at 64 MiB; the server keeps 100 MB, so nothing may be missing from this. */
const LOG_BYTES = 88 * MIB;

test('what was shipped of a long log is given back to the disk, and the log is whole', async (context) => {
  const stage = openStage(context);
  skipFor(context, whyNoHoles(stage));
  const script = stage.file(
    'long.py',
    `
import os, sys, time
with open(${JSON.stringify(stage.path('attempt'))}, "w") as place:
    place.write(os.environ["JD_ATTEMPT_DIR"])
for number in range(${LOG_BYTES} // 64):
    sys.stdout.write("%063d\\n" % number)
sys.stdout.flush()
while not os.path.exists(${JSON.stringify(stage.path('go-on'))}):
    time.sleep(0.05)
print("the end", flush=True)
`,
  );
  const server = await stage.server();
  const experiment = await createExperiment(server, 'long');
  const agent = await stage.agent({ experiments: ['long'], url: server.url, key: server.key });
  // In large pieces, not line by line.
  await experiment.add({ command: `PYTHONUNBUFFERED= python3 ${script}` });
  const file = (): ReturnType<typeof statSync> & { blocks: number } => statSync(`${stage.read('attempt')}/stdout`);
  await eventually(() => expect(file().size).toBe(LOG_BYTES), { within: 60_000 });
  await eventually(() => expect(file().blocks * 512).toBeLessThan(LOG_BYTES - 48 * MIB), { within: 60_000 });
  expect(file().size).toBe(LOG_BYTES);
  // Whoever takes the attempt over must not ship holes as if they were what the job printed.
  await agent.kill9();
  await agent.start();
  stage.file('go-on', '');
  expect(await experiment.ends({ within: 60_000 })).toMatchObject([{ status: 'done', attempts: 1 }]);
  const expected = createHash('sha256');
  for (let number = 0; number < LOG_BYTES / 64; number += 1) expected.update(`${String(number).padStart(63, '0')}\n`);
  const wanted = expected.update('the end\n').digest('hex');
  await eventually(
    async () => {
      const { bytes, dropped } = await experiment.logWithHoles(1);
      expect({ dropped, size: bytes.length }).toEqual({ dropped: 0, size: LOG_BYTES + 8 });
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(wanted);
    },
    { within: 60_000, every: 1_000 },
  );
});

/** Null where the disk of this stage takes holes; else why not. */
function whyNoHoles(stage: Stage): string | null {
  const probe = stage.path('probe');
  writeFileSync(probe, Buffer.alloc(MIB, 1), { flush: true });
  try {
    execFileSync('fallocate', ['-p', '-o', '0', '-l', String(MIB), probe], { stdio: 'pipe' });
  } catch (error) {
    return `this disk takes no holes: ${(error as Error).message.trim()}`;
  }
  return statSync(probe).blocks === 0 ? null : 'this disk keeps the space of holes';
}

// A job that means harm, under a real agent: it looks for secrets, and puts pipes, links and nonsense where the agent's files were.
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type TestContext } from 'vitest';

import { openStage, type Stage, type TestAgent, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';
import { commandLine, environment, processesWith } from '../support/program.ts';

interface Scene {
  readonly stage: Stage;
  readonly server: TestServer;
  readonly agent: TestAgent;
  readonly experiment: TestExperiment;
}

async function openScene(context: TestContext): Promise<Scene> {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'hostile');
  const agent = await stage.agent({ experiments: ['hostile'], url: server.url, key: server.key, workers: 3, env: { STAGE: stage.directory } });
  return { stage, server, agent, experiment };
}

/** Waits until the test opens the gate. */
const WAIT = 'while [ ! -e "$STAGE/gate" ]; do sleep 0.02; done';

const SECRET = /\bjd[akls]?_[A-Za-z0-9_-]{20,}/g;

test('finds no key in its environment, and nobody finds one in a command line', async (context) => {
  const { stage, server, agent, experiment } = await openScene(context);
  await experiment.add({ command: `env; tr '\\0' '\\n' </proc/$PPID/environ; echo complete; ${WAIT}` });
  const told = await eventually(async () => {
    const text = (await experiment.log(1)).toString();
    expect(text).toContain('complete\n');
    return text;
  });
  expect(told).toContain('JD_JOB_ID=1\n');
  expect(told.match(SECRET)).toBeNull();
  expect(told).not.toContain('DROVER_API_KEY');
  const token = /^JD_WORKER_TOKEN=jdt_[0-9.]+\.(\S+)$/m.exec(told)![1]!;
  const { pin } = await server.api.experiments.pin({ params: { experiment: 'hostile' } });
  const { secret } = JSON.parse(readFileSync(registryFiles(stage)[0]!, 'utf8')) as { secret: string };
  expect(secret).toMatch(/^jda_/);

  // Server, agent, launcher, shim and job.
  const processes = processesWith('HOME', stage.env['HOME']!);
  expect(processes).toEqual(expect.arrayContaining([server.pid, agent.pid]));
  const lines = processes.map((pid) => commandLine(pid).join(' '));
  expect(lines).toEqual(expect.arrayContaining([expect.stringContaining('launcher.py'), expect.stringContaining('__drover_pid')]));
  for (const line of lines) for (const word of [server.key, secret, token, pin]) expect(line).not.toContain(word);
  // Of the agent's children only the job has a secret in its environment: its own token.
  for (const pid of processes.filter((each) => each !== server.pid && each !== agent.pid)) {
    expect(environment(pid).join('\n').match(SECRET), commandLine(pid).join(' ')).toBeNull();
  }
  stage.file('gate', '');
  await experiment.reaches(1, 'done');
});

const registryFiles = (stage: Stage): string[] =>
  readdirSync(stage.env['JD_CACHE_PATH']!, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^\.cache\/.*\.json$/.test(name))
    .map((name) => join(stage.env['JD_CACHE_PATH']!, name));

test('leaves to other users of the machine nothing to read', async (context) => {
  const { stage, server, experiment } = await openScene(context);
  await experiment.add({ command: `echo hello; echo result >"$JD_WORKER_JOB_DIR/result"; ${WAIT}` });
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('hello\n'));
  // As wide open as a home directory or a shared disk may be.
  for (const path of ['', 'home', 'workspace', 'cache']) chmodSync(stage.path(path), 0o755);
  const all = readdirSync(stage.directory, { recursive: true, encoding: 'utf8' });
  const kept = ['.config/drover/config.json', 'lease.json', 'stdout', 'drover.db', 'server.key', '.sock', '/1/result'];
  expect(kept.filter((ending) => !all.some((path) => path.endsWith(ending)))).toEqual([]);
  // The script library is the same for everybody.
  expect(openToOthers(stage.directory).filter((path) => !/\/jd\/\w+\.py$|\/py\.typed$/.test(path))).toEqual([]);
  expect(registryFiles(stage)).toHaveLength(1);
  for (const path of registryFiles(stage)) {
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect(lstatSync(path.replace(/json$/, 'sock')).mode & 0o777).toBe(0o600);
  }
  expect(lstatSync(server.data_dir).mode & 0o777).toBe(0o700);
  stage.file('gate', '');
  await experiment.reaches(1, 'done');
});

/** Files, sockets and the like that somebody who is neither their owner nor of their group could open. */
function openToOthers(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) return (stat.mode & 0o005) === 0o005 ? openToOthers(path) : [];
    return !stat.isSymbolicLink() && (stat.mode & 0o006) !== 0 ? [path] : [];
  });
}

const put = {
  pipe: (name: string): string => `rm -rf ${name}; mkfifo ${name}`,
  link: (name: string, target: string): string => `rm -rf ${name}; ln -s ${target} ${name}`,
  folder: (name: string): string => `rm -rf ${name}; mkdir ${name}`,
};
const UPLOAD = '1767225600000-0a0a0a0a.json';
const described = (file: string): string => `echo '{"key":"k","name":"mine","kind":"artifact","file":"${file}","size":9}' >uploads/${UPLOAD}`;

/** What a job does in its attempt directory. Afterwards it ends well, as far as it knows. */
const HARM: Readonly<Record<string, string>> = {
  'pipes for all files': ['status', 'pid', 'lease.json', 'state.json', 'stdout', 'stderr', 'metrics.jsonl', 'params.json'].map(put.pipe).join('; '),
  'a pipe for its status': put.pipe('status'),
  'a pipe for its lease': put.pipe('lease.json'),
  'links to an endless device': ['status', 'stdout', 'metrics.jsonl', 'lease.json'].map((name) => put.link(name, '/dev/zero')).join('; '),
  'a link to the secret of the agent for its output': put.link('stdout', '"$REGISTRY"'),
  'links to nowhere and to themselves': `${put.link('stdout', 'stdout')}; ${put.link('stderr', '/nowhere')}; ${put.link('uploads', 'uploads')}`,
  'folders for files': ['status', 'stdout', 'metrics.jsonl', 'state.json'].map(put.folder).join('; '),
  'a pipe for the description of an upload': `mkdir -p uploads; ${put.pipe(`uploads/${UPLOAD}`)}`,
  'a pipe for an upload': `mkdir -p uploads; ${put.pipe('uploads/data')}; ${described('data')}`,
  'a link to the secret of the agent as an upload': `mkdir -p uploads; ${put.link('uploads/data', '"$REGISTRY"')}; ${described('data')}`,
  'a path as the name of an upload': `mkdir -p uploads; ${described('../lease.json')}`,
  'a huge description': `mkdir -p uploads; truncate -s 100G uploads/${UPLOAD}`,
  'a huge status': 'truncate -s 100G status lease.json',
  'nothing at all': 'rm -rf "$JD_ATTEMPT_DIR"',
  'a link for the whole directory': 'cd ..; rm -rf "$JD_ATTEMPT_DIR"; ln -s / "$JD_ATTEMPT_DIR"',
};

/** The harm is done while the job runs; then it waits, or ends. */
const command = (harm: string, waits: boolean): string => `(cd "$JD_ATTEMPT_DIR"; ${harm}) 2>/dev/null; : >"$STAGE/harmed-$JD_JOB_ID"; ${waits ? WAIT : ':'}`;

async function addAll(experiment: TestExperiment, harms: readonly (readonly [string, string])[], waits: boolean): Promise<number[]> {
  const numbers: number[] = [];
  for (const [what, harm] of harms) numbers.push(await experiment.add({ command: command(harm, waits), params: { what } }));
  return numbers;
}

/** The same agent takes and ends an ordinary job, and delivers what it printed. */
async function agentIsWell(experiment: TestExperiment): Promise<void> {
  const number = await experiment.add({ command: 'echo well' });
  expect(await experiment.reaches(number, 'done')).toMatchObject({ attempts: 1, exit_code: 0 });
  await eventually(async () => expect((await experiment.log(number)).toString()).toBe('well\n'));
}

async function toldNobody(scene: Scene, numbers: readonly number[]): Promise<void> {
  const { server, experiment, stage } = scene;
  const { secret } = JSON.parse(readFileSync(registryFiles(stage)[0]!, 'utf8')) as { secret: string };
  for (const number of numbers) {
    for (const stream of ['stdout', 'stderr'] as const) expect((await experiment.log(number, stream)).includes(secret)).toBe(false);
    const { artifacts } = await server.api.results.artifacts({ params: { experiment: 'hostile', number } });
    expect([number, artifacts]).toEqual([number, []]);
  }
}

async function openWideScene(context: TestContext): Promise<Scene> {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'hostile');
  const env = { STAGE: stage.directory, REGISTRY: stage.path('registry') };
  const agent = await stage.agent({ experiments: ['hostile'], url: server.url, key: server.key, workers: 20, env });
  symlinkSync(registryFiles(stage)[0]!, stage.path('registry'));
  return { stage, server, agent, experiment };
}

test('spoils what belongs to it and nothing else: each ends, and the agent goes on', async (context) => {
  const scene = await openWideScene(context);
  const { experiment } = scene;
  const numbers = await addAll(experiment, Object.entries(HARM), false);
  await agentIsWell(experiment);
  const ended = await experiment.ends();
  expect(ended.filter(({ status, attempts }) => attempts !== 1 || !['done', 'aborted'].includes(status))).toEqual([]);
  await toldNobody(scene, numbers);
  await agentIsWell(experiment);
});

test('spoils what the next agent finds, and nothing else', async (context) => {
  const scene = await openWideScene(context);
  const { experiment, agent, stage } = scene;
  // Without its lease an attempt is unknown to the next agent, and the job is given out again after half a minute.
  const harms = Object.entries(HARM).filter(([, harm]) => !/lease\.json|rm -rf "\$JD_ATTEMPT_DIR"/.test(harm));
  const numbers = await addAll(experiment, harms, true);
  await eventually(() => expect(numbers.filter((number) => !existsSync(stage.path(`harmed-${number}`)))).toEqual([]));
  await agent.kill9();
  await agent.start();
  await agentIsWell(experiment);
  stage.file('gate', '');
  const ended = await experiment.ends();
  expect(ended.filter(({ attempts }) => attempts !== 1)).toEqual([]);
  await toldNobody(scene, numbers);
  await agentIsWell(experiment);
});

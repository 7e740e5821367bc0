import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { contract } from '../contract/index.ts';
import { userFilePath } from '../runtime/config.ts';
import type { CliDependencies, ServeOptions } from './dependencies.ts';
import { createStage, problem, startContractServer, type Call, type Reply, type Stage } from './stage.suite.ts';
import type { AgentOptions } from '../runtime/local-agents.ts';

const experiment = contract.experiments.get.example.reply as Record<string, unknown>;
const status = contract.server.status.example.reply as { server: object };

/** What happened, in order: calls of the launchers and of the API that matter here. */
let happened: string[];
let stored: { exists: boolean; counts: object };
let keys: string[];
let closeServer: () => Promise<void>;
let served: ServeOptions[];
let agents: AgentOptions[];
let packageRoot: string;

beforeEach(() => {
  happened = [];
  served = [];
  agents = [];
  keys = [];
  stored = { exists: false, counts: counts(0, 0) };
  packageRoot = mkdtempSync(join(tmpdir(), 'drover package-'));
  mkdirSync(join(packageRoot, 'examples/digits'), { recursive: true });
  mkdirSync(join(packageRoot, 'bin'));
  writeFileSync(join(packageRoot, 'examples/digits/train.py'), '');
  writeFileSync(join(packageRoot, 'bin/python3'), '');
  chmodSync(join(packageRoot, 'bin/python3'), 0o755);
});

afterEach(async () => {
  await closeServer();
  rmSync(packageRoot, { recursive: true });
});

function counts(done: number, total: number) {
  return { pending: total - done, running: 0, done, aborted: 0, total, created: total, expanding: 0 };
}

function answer({ path, method, headers }: Call): Reply | null {
  if (!keys.includes(String(headers.authorization).replace('Bearer ', ''))) return problem('unauthenticated', 401, 'Who are you?');
  if (path === '/session') return { json: contract.access.whoami.example.reply };
  if (path === '/status') return { json: { ...status, experiments: stored.exists ? [{ name: 'digits-tune', counts: stored.counts }] : [] } };
  if (method === 'GET' && path === '/experiments') return { json: { experiments: [] } };
  if (method === 'GET' && path === '/experiments/digits-tune')
    return stored.exists ? { json: { ...experiment, counts: stored.counts } } : problem('experiment_not_found', 404, 'There is no such experiment.');
  if (method === 'POST' && path === '/experiments') {
    stored = { exists: true, counts: counts(0, 0) };
    happened.push('experiment created');
    return { status: 201, json: experiment };
  }
  if (method === 'POST' && path === '/experiments/digits-tune/jobs') {
    stored = { exists: true, counts: counts(0, 27) };
    happened.push('jobs created');
    return { status: 201, json: contract.jobs.create.example.reply };
  }
  return null;
}

async function stageUp(overrides: Partial<CliDependencies> = {}): Promise<{ stage: Stage; calls: readonly Call[] }> {
  const server = await startContractServer(answer);
  closeServer = () => server.close();
  const serve: CliDependencies['serve'] = (options) => {
    served.push(options);
    let ended = (): void => {};
    const closed = new Promise<void>((resolve) => (ended = resolve));
    return Promise.resolve({
      url: server.url,
      store_id: 'store-1',
      database: 'sqlite',
      createLocalKey() {
        happened.push('key created');
        keys.push(`jd_local_${keys.length}`);
        return Promise.resolve({ key: keys.at(-1)! });
      },
      loginLink: () => Promise.resolve(`${server.url}/login#link=jdl_x`),
      pin: () => Promise.resolve('402913'),
      stop() {
        happened.push('server stopped');
        ended();
        return Promise.resolve();
      },
      closed,
    });
  };
  const unused = () => Promise.reject(new Error('not used here'));
  const agent: CliDependencies['agent'] = {
    ...{ start: unused, run: unused, list: unused, stop: unused, drain: unused, restart: unused, scale: unused, prune: unused },
    spawnForeground(options) {
      agents.push(options);
      return Promise.resolve({
        pid: 1,
        worker_ids: ['host_egg_0', 'host_egg_1'],
        exited: new Promise<number>(() => {}),
        stop() {
          happened.push('agent stopped');
          return Promise.resolve();
        },
      });
    },
  };
  const stage = createStage({ env: { PATH: join(packageRoot, 'bin') }, overrides: { serve, agent, package_root: packageRoot, ...overrides } });
  return { stage, calls: server.calls };
}

async function upUntil(stage: Stage, ready: () => boolean, ...words: string[]) {
  const running = stage.drover('up', ...words);
  await expect.poll(ready, { timeout: 15_000 }).toBe(true);
  stage.interrupt();
  return running;
}

test('the example is created once, the key is kept, and Ctrl-C stops the agent before the server', async () => {
  const { stage, calls } = await stageUp();
  const first = await upUntil(stage, () => calls.some(({ path }) => path === '/status'), '--example', 'digits', '--port', '0');
  expect(first.code).toBe(0);
  expect(happened).toEqual(['key created', 'experiment created', 'jobs created', 'agent stopped', 'server stopped']);
  expect(first.stdout).toMatch(
    /Drover 1\.2\.3[^]*Dashboard +http:\/\/127\.0\.0\.1:\d+\/login#link=jdl_x[^]*PIN +402913[^]*Data +\/[^]*Workers +host_egg_0 host_egg_1[^]*Ctrl-C[^]*Stopped\./,
  );
  const body = calls.find(({ method, path }) => method === 'POST' && path.endsWith('/jobs'))!.body as { command: string; matrix: Record<string, unknown[]> };
  expect(body.command).toBe(
    `python3 '${packageRoot}/examples/digits/train.py' --learning_rate {learning_rate} --hidden_units {hidden_units} --dropout {dropout}`,
  );
  expect(Object.values(body.matrix).map((values) => values.length)).toEqual([3, 3, 3]);
  expect(served[0]).toMatchObject({ port: 0, host: '127.0.0.1', data_dir: join(stage.home, '.drover'), database: null, log_level: 'warn' });
  expect(agents[0]).toMatchObject({ experiments: null, workers: 2, parent_pipe: true, api_key: 'jd_local_0' });

  happened = [];
  const seen = calls.length;
  await upUntil(stage, () => calls.slice(seen).some(({ path }) => path === '/status'), '--example', 'digits', '--workers', '3');
  expect(happened).toEqual(['agent stopped', 'server stopped']);
  expect(agents[1]).toMatchObject({ workers: 3, api_key: 'jd_local_0' });
});

test('the commands of this user find the key in a file that only they can read', async () => {
  const { stage, calls } = await stageUp();
  await upUntil(stage, () => calls.some(({ path }) => path === '/status'), '--no-agent');
  const path = userFilePath({}, stage.home);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(Object.values((JSON.parse(readFileSync(path, 'utf8')) as { servers: object }).servers)).toEqual([{ api_key: 'jd_local_0', store_id: 'store-1' }]);
  expect(agents).toEqual([]);
});

test('a kept key that no longer opens the store is replaced', async () => {
  const { stage, calls } = await stageUp();
  await upUntil(stage, () => calls.some(({ path }) => path === '/status'), '--no-agent');
  keys = ['jd_unrelated'];
  const seen = calls.length;
  await upUntil(stage, () => calls.slice(seen).some(({ path }) => path === '/status'), '--no-agent');
  expect(happened.filter((fact) => fact === 'key created')).toHaveLength(2);
});

test('a sweep whose creation was interrupted is completed by the next start', async () => {
  const { stage, calls } = await stageUp();
  stored = { exists: true, counts: counts(0, 0) };
  await upUntil(stage, () => calls.some(({ path }) => path === '/status'), '--example', 'digits');
  expect(happened).toContain('jobs created');
  expect(happened).not.toContain('experiment created');
});

test('when everything is done it says so, with the next step, and keeps running', async () => {
  const { stage, calls } = await stageUp();
  stored = { exists: true, counts: counts(27, 27) };
  const looks = (): number => calls.filter(({ path }) => path === '/status').length;
  const { code, stdout } = await upUntil(stage, () => looks() > 1, '--example', 'digits');
  expect(code).toBe(0);
  expect(stdout.match(/All 27 jobs are done\./g)).toHaveLength(1);
  expect(stdout).toContain('drover job ls -e digits-tune');
});

test('a second Ctrl-C leaves at once', async () => {
  let left: number | null = null;
  const { stage, calls } = await stageUp({ exit: (code) => void (left = code) });
  const running = stage.drover('up', '--no-agent');
  await expect.poll(() => calls.some(({ path }) => path === '/status'), { timeout: 15_000 }).toBe(true);
  stage.interrupt();
  stage.interrupt();
  await running;
  expect(left).toBe(130);
});

test('a taken port names the flag and the variable, and whether Drover holds it', async () => {
  const { stage } = await stageUp({ serve: () => Promise.reject(Object.assign(new Error('listen'), { code: 'EADDRINUSE' })) });
  const { code, stderr } = await stage.drover('up', '--port', '9');
  expect(code).toBe(1);
  expect(stderr).toContain('Port 9 on 127.0.0.1 is taken: another program listens there. Choose another one with --port N or DROVER_PORT=N.');
});

test('without python3 the example says so before anything is started', async () => {
  rmSync(join(packageRoot, 'bin/python3'));
  const { stage } = await stageUp();
  const { code, stderr } = await stage.drover('up', '--example', 'digits');
  expect(code).toBe(1);
  expect(stderr).toContain('The example needs python3, which is not on the PATH');
  expect(served).toEqual([]);
});

test('an empty start says what to do next', async () => {
  const { stage, calls } = await stageUp();
  const { stdout } = await upUntil(stage, () => calls.some(({ path }) => path === '/status'));
  expect(stdout).toContain('drover experiment create my-tune');
  expect(stdout).toContain('drover up --example digits');
});

// Bad input through the real command line and over real HTTP: refused at once with words that help, or passed on untouched.
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { expect, test } from 'vitest';

import { contract, type Endpoint } from '../../src/contract/index.ts';
import { apiOf, openStage, type Stage, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { openJd } from '../support/jd.ts';

interface Answer {
  readonly status: number;
  readonly body: { code?: string; detail?: string; [name: string]: unknown };
}

/** As a client that was written by somebody else sends it: nothing is checked or escaped on the way. */
async function raw(
  server: TestServer,
  method: string,
  path: string,
  options: { body?: string | Buffer; key?: string | null; type?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  const { body, key = server.key, type = 'application/json' } = options;
  const headers = {
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers }, (reply) => {
      const pieces: Buffer[] = [];
      reply.on('data', (piece: Buffer) => pieces.push(piece));
      reply.on('error', reject);
      reply.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        resolve({ status: reply.statusCode ?? 0, body: text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : { text } });
      });
    });
    // A refusal may come, and the connection close, before a large body is through.
    sent.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' || error.code === 'ECONNRESET' ? undefined : reject(error)));
    sent.end(body);
  });
}

test('a matrix that cannot be: refused before anything is made, over HTTP and from the command line', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'matrix');
  const jobs = (body: string) => raw(server, 'POST', '/api/v1/experiments/matrix/jobs', { body });
  const ten = JSON.stringify(Array.from({ length: 10 }, (_, index) => index));
  const billion = `{${Array.from({ length: 9 }, (_, index) => `"p${index}":${ten}`).join(',')}}`;
  for (const [body, status, words] of [
    ['{"matrix":{"lr":[]},"command":"true"}', 422, ['lr']],
    ['{"matrix":{"lr":0.1},"command":"true"}', 422, ['lr']],
    ['{"matrix":{"lr":{"a":1}},"command":"true"}', 422, ['lr']],
    ['{"matrix":[1,2],"command":"true"}', 422, []],
    ['{"matrix":{},"command":"true"}', 422, []],
    ['{"matrix":{"lr":[1],"lr":[2]},"command":"true"}', 422, ['lr']],
    ['{"jobs":[{"params":{"a":1,"a":2}}],"command":"true"}', 422, ['a']],
    ['{"jobs":[{"params":{"a":12345678901234567890}}],"command":"true"}', 422, ['12345678901234567890']],
    [`{"matrix":${billion},"command":"true"}`, 422, ['1,000,000,000', '1,000,000']],
    ['{"matrix":', 400, []],
    ['{"jobs":[{"params":{"lr":1}}],"command":"train --lr {lr} --units {units}"}', 422, ['units']],
    ['{"jobs":[{"params":{"lr":1}}],"command":"echo $(echo {lr})"}', 422, ['lr']],
  ] as const) {
    const answer = await jobs(body);
    expect([answer.status, body]).toEqual([status, body]);
    for (const word of words) expect(answer.body.detail).toContain(word);
  }
  const cli = (...words: string[]) => stage.drover(['matrix', 'add', '-e', 'matrix', ...words], { DROVER_URL: server.url });
  const unknown = await cli('lr=1,2', '--', 'train {units}');
  expect([unknown.code, unknown.output]).toEqual([3, expect.stringContaining('{units}')]);
  for (const [file, word] of [
    ['{"lr": []}', 'lr'],
    ['{"lr": 1}', 'lr'],
    ['{"lr": [1], "lr": [2]}', 'lr'],
    [billion, '1,000,000,000'],
    ['not json', 'JSON'],
  ] as const) {
    const { code, output } = await cli('--file', stage.file('grid.json', file), '--', 'true');
    expect([code === 2 || code === 3, output]).toEqual([true, expect.stringContaining(word)]);
  }
  expect(await experiment.all()).toEqual([]);
});

test('params arrive in the job as they were given, byte for byte, whatever is in them', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'params');
  await stage.agent({ experiments: ['params'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  const print = `python3 -c 'import os, sys; sys.stdout.buffer.write(b"|".join(os.fsencode(word) for word in sys.argv[1:]))'`;
  const values = [
    `it's "quoted" \\ and \\\\`,
    '$(rm -rf "$HOME") `rm -rf /` $HOME ${HOME} ; rm x & | > < * ? [a] ~ !! #',
    'two\nlines\r\n\tand a tab\n',
    '🧪 emoji, ümläut, 漢字, \u200b',
    '{name} {{name}} }} %s %n',
    '',
    '-n --help',
  ];
  for (const value of values) await experiment.add({ command: `${print} {value} '{value}' "{value}" {value}{value}`, params: { value } });
  const jobs = await experiment.ends({ within: 60_000 });
  expect(jobs.map(({ status, message }) => [status, message])).toEqual(values.map(() => ['done', null]));
  for (const [index, value] of values.entries()) {
    expect((await experiment.job(index + 1)).params['value']).toBe(value);
    const told = Buffer.from([value, value, value, value + value].join('|'));
    await eventually(async () => expect((await experiment.log(index + 1)).equals(told), `value ${index}`).toBe(true));
  }
  // As large as the system lets one argument be; beyond, this job alone fails and says what to do instead.
  const large = `it's ${'x'.repeat(100_000)}`;
  const fits = await experiment.add({ command: `${print} {value}`, params: { value: large } });
  const tooLarge = await experiment.add({ command: `${print} {value}{value}`, params: { value: large } });
  expect(await experiment.reaches(tooLarge, 'aborted')).toMatchObject({
    outcome: 'failed',
    message: expect.stringContaining('longer than this system allows') as string,
  });
  await experiment.reaches(fits, 'done');
  await eventually(async () => expect((await experiment.log(fits)).toString()).toBe(large));
  // The same through the command line.
  const value = values[0]! + values[1]! + values[3]!;
  const added = await stage.drover(['job', 'add', '-e', 'params', '-p', `value=${value}`, '--', `${print} {value}`], { DROVER_URL: server.url });
  expect(added.code, added.output).toBe(0);
  const all = await experiment.ends();
  await eventually(async () => expect((await experiment.log(all.length)).toString()).toBe(value));
});

/** A job that has its own token and waits; what a script may do to the server, the test does in its place. */
async function runningJob(stage: Stage, server: TestServer, name: string) {
  const experiment = await createExperiment(server, name);
  await stage.agent({ experiments: [name], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  await experiment.add({ command: 'printf %s "$JD_WORKER_TOKEN" >"$STAGE/token"; echo begun; while [ ! -e "$STAGE/gate" ]; do sleep 0.02; done' });
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('begun\n'));
  return { experiment, token: stage.read('token') };
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}

test('uploads: too large is refused and leaves nothing behind, names never become paths', async (context) => {
  const stage = openStage(context);
  const server = await stage.server({ args: ['--artifact-limit-mb', '1'] });
  const { experiment, token } = await runningJob(stage, server, 'uploads');
  const type = 'application/octet-stream';
  const put = (name: string, body: Buffer) => raw(server, 'PUT', `/api/v1/attempt/artifacts/${name}`, { body, key: token, type });
  const before = filesBelow(`${server.data_dir}/blobs`);
  expect(await put('large.bin', Buffer.alloc(2_000_000))).toMatchObject({ status: 413, body: { code: 'too_large' } });
  // Without saying its length in advance: it is cut when it has become too large.
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
  });
  const cut = await fetch(`${server.url}/api/v1/attempt/artifacts/endless.bin`, {
    ...{ method: 'PUT', body: endless, duplex: 'half', headers: { authorization: `Bearer ${token}`, 'content-type': type } },
  } as RequestInit).then(
    ({ status }) => status,
    () => 'cut',
  );
  expect([413, 'cut']).toContain(cut);
  await eventually(() => expect(filesBelow(`${server.data_dir}/blobs`)).toEqual(before));

  const outside = filesBelow(stage.directory).filter((path) => !path.startsWith(server.data_dir) && !path.includes('/jd_data/'));
  const content = Buffer.from('mine');
  for (const name of ['..%2f..%2fescaped', '%2fetc%2fpasswd', '..', '%2e%2e', '..%5cescaped', 'a%2fb', '%00', 'a%0ab', '.']) {
    const answer = await put(name, content);
    expect([name, answer.status >= 400 && answer.status < 500]).toEqual([name, true]);
  }
  expect(await put('fine%20name%20%F0%9F%A7%AA.txt', content)).toMatchObject({ status: 200, body: { success: true, filename: 'fine name 🧪.txt' } });
  const { artifacts } = await server.api.results.artifacts({ params: { experiment: 'uploads', number: 1 } });
  expect(artifacts.map(({ name, size_bytes: size }) => [name, size])).toEqual([['fine name 🧪.txt', 4]]);
  expect(filesBelow(stage.directory).filter((path) => !path.startsWith(server.data_dir) && !path.includes('/jd_data/'))).toEqual(outside);
  for (const path of ['/..%2f..%2fdrover.db', '/assets/..%2f..%2f..%2fpackage.json', '/%2e%2e/%2e%2e/etc/passwd', '//etc/passwd']) {
    const answer = await raw(server, 'GET', path, { key: null });
    expect(JSON.stringify(answer.body)).not.toMatch(/root:|SQLite format|"devDependencies"/);
  }
  stage.file('gate', '');
  await experiment.reaches(1, 'done');
});

test('tokens that are expired, foreign, malformed or meant for something else open nothing', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const { token } = await runningJob(stage, server, 'tokens');
  const other = await stage.server({ data_dir: stage.path('other-data') });
  const expired = await server.api.access.createKey({ body: { name: 'short', expires_at: new Date(Date.now() + 300).toISOString() } });
  const deleted = await server.api.access.createKey({ body: { name: 'deleted' } });
  await server.api.access.deleteKey({ params: { id: deleted.id } });
  const { secret } = await server.api.agents.register({
    body: { host: 'h', instance: 'w', experiments: ['tokens'], workers: 1, total: { cpus: 1, memory_bytes: 1, gpus: 0 }, version: '0.1.0' },
  });
  await eventually(async () => expect((await raw(server, 'GET', '/api/v1/status', { key: expired.key })).status).toBe(401));
  const bad = [
    '',
    'jd_',
    'jd_unknown',
    other.key,
    deleted.key,
    expired.key,
    `${server.key}x`,
    server.key.slice(0, -1),
    'x'.repeat(10_000),
    '\u00e9',
    token.slice(0, -1),
    'jdt_1.1.0.',
    'jdt_999999999999999999.1.0.x',
  ];
  for (const key of bad) {
    for (const path of ['/api/v1/status', '/api/v1/experiments/tokens/jobs', '/api/v1/attempt/checkpoint']) {
      const { status, body } = await raw(server, 'GET', path, { key });
      expect([key.slice(0, 20), path, [400, 401, 431].includes(status), JSON.stringify(body).includes('begun')]).toEqual([key.slice(0, 20), path, true, false]);
    }
  }
  // Right ones in the wrong place: a job's token is no key, an agent's secret no admin, and a viewer may only look.
  for (const [method, path] of [
    ['GET', '/api/v1/keys'],
    ['POST', '/api/v1/experiments'],
    ['GET', '/api/v1/experiments/tokens/jobs'],
  ] as const) {
    for (const key of [token, secret]) expect([401, 403]).toContain((await raw(server, method, path, { key, body: '{"name":"mine"}' })).status);
  }
  const viewer = await server.api.access.createKey({ body: { name: 'viewer', role: 'viewer', experiments: ['tokens'] } });
  const viewing = apiOf(server.url, viewer.key);
  expect((await viewing.jobs.list({ params: { experiment: 'tokens' } })).jobs).toHaveLength(1);
  await expect(viewing.jobs.create({ params: { experiment: 'tokens' }, body: { jobs: [{}], command: 'true' } })).rejects.toMatchObject({ code: 'forbidden' });
  expect((await raw(server, 'GET', '/api/v1/status', { key: null })).status).toBe(401);
});

const WRONG: readonly unknown[] = [null, true, -1, 1.5, 'text', [], {}, [[1]], { a: { b: 1 } }, 1e308, '\u0000', 'x'.repeat(5_000)];

/** The example of an endpoint with one of its fields replaced. */
function* spoiled(example: unknown): Generator<unknown> {
  yield* WRONG;
  if (typeof example !== 'object' || example === null || Array.isArray(example)) return;
  for (const name of Object.keys(example)) for (const wrong of WRONG) yield { ...example, [name]: wrong };
  yield { ...example, no_such_field: 1 };
}

test('wrong types on every endpoint: a refusal in words, never a mistake of the server', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  await createExperiment(server, 'digits-tune');
  const endpoints = Object.entries(contract as unknown as Record<string, Record<string, Endpoint>>).flatMap(([group, entries]) =>
    Object.entries(entries).map(([name, endpoint]) => ({ name: `${group}.${name}`, endpoint })),
  );
  const { secret } = await server.api.agents.register({
    body: { host: 'h', instance: 'w', experiments: ['digits-tune'], workers: 1, total: { cpus: 1, memory_bytes: 1, gpus: 0 }, version: '0.1.0' },
  });
  let tries = 0;
  for (const { name, endpoint } of endpoints) {
    if (endpoint.transport === 'stream' || endpoint.method === 'GET' || endpoint.transport === 'upload') continue;
    const { params = {}, body = {} } = endpoint.example as { params?: Record<string, unknown>; body?: unknown };
    const path = `/api/v1${endpoint.path.replace(/:([a-z_]+)/g, (_, field: string) => encodeURIComponent(String(params[field])))}`;
    for (const wrong of spoiled(body)) {
      const answer = await raw(server, endpoint.method, path, { body: JSON.stringify(wrong), key: endpoint.access === 'agent' ? secret : server.key });
      tries += 1;
      expect([name, JSON.stringify(wrong).slice(0, 200), answer.status < 500, answer.body.detail ?? '']).toEqual([
        name,
        JSON.stringify(wrong).slice(0, 200),
        true,
        answer.body.detail ?? '',
      ]);
      if (answer.status >= 400) expect([name, typeof answer.body.code, typeof answer.body.detail]).toEqual([name, 'string', 'string']);
    }
  }
  for (const { name, endpoint } of endpoints.filter((each) => each.endpoint.method === 'GET' && each.endpoint.transport !== 'stream')) {
    const { params = {}, query = {} } = endpoint.example as { params?: Record<string, unknown>; query?: Record<string, unknown> };
    for (const wrong of ['', '-1', 'x', '1e99', '%00', '%ff', '[]', randomBytes(200).toString('hex'), '9'.repeat(30)]) {
      for (const field of [...new Set([...Object.keys(query), 'limit', 'cursor', 'sort', 'from', 'number'])]) {
        const path = endpoint.path.replace(/:([a-z_]+)/g, (_, part: string) => encodeURIComponent(String(params[part])));
        const answer = await raw(server, 'GET', `/api/v1${path}?${field}=${wrong}`);
        tries += 1;
        expect([name, field, wrong.slice(0, 30), answer.status < 500]).toEqual([name, field, wrong.slice(0, 30), true]);
      }
      const path = endpoint.path.replace(/:[a-z_]+/g, wrong === '' ? '%20' : wrong);
      expect([name, path, (await raw(server, 'GET', `/api/v1${path}`)).status < 500]).toEqual([name, path, true]);
    }
  }
  expect(tries).toBeGreaterThan(1_000);
  expect(server.log()).not.toMatch(/level":"error|ERROR/);
});

test.skipIf(process.platform !== 'linux')('a place where no directory can be made is refused by name, not tried for ever', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  await createExperiment(server, 'digits-tune');
  stage.file('work/train.py', '');
  const jd = openJd(stage, server.url);
  for (const [variable, what] of [
    ['JD_CACHE_PATH', 'the registry of workers'],
    ['JD_WORKSPACE_PATH', 'the data of jobs'],
    ['JD_LOG_DIR', 'the logs of workers'],
  ] as const) {
    const asked = await jd('expId=digits-tune entry_script=train.py', { env: { [variable]: '/proc/x/y' } });
    const settings = variable === 'JD_LOG_DIR' ? 'log_dir=' : variable;
    expect(asked.code).toBe(3);
    expect(asked.output).toMatch(new RegExp(`^jd_worker_cli: .*/proc[ ,].* ${what}\\. ${settings} names another place\\.\n$`));
    const words = [stage.program[0], stage.agent_file, 'start', '--experiment', 'digits-tune', '--url', server.url] as const;
    const agent = stage.start(words, { [variable]: '/proc/x', DROVER_API_KEY: server.key });
    expect((await agent.exited).code).toBe(1);
    expect(agent.output()).toMatch(
      new RegExp(`^/proc/x\\S* cannot be made \\(ENOENT\\), and is to hold ${what}\\. Set DROVER_\\w+ or ${variable} to a directory that can\\.$`, 'm'),
    );
  }
  const second = await stage.drover(['server', '--port', '0', '--data-dir', '/proc/x/y']);
  expect([second.code === 0, second.output]).toEqual([
    false,
    expect.stringContaining('The data directory /proc/x/y cannot be made (ENOENT). Choose another one'),
  ]);
});

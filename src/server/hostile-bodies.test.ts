// Texts and JSON that mean harm, sent to every endpoint: too deep, aimed at the prototypes of objects, with names that every object has,
// with line ends for headers. Answered in words, and nothing of it comes to life.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { API_ROOT, contract, type ContractTable, type Endpoint } from '../contract/index.ts';

import { EXPERIMENT, JOB, NOW, openRunningJob, type RunningJob } from './handlers/running-job.suite.ts';
import { attachment } from './downloads.ts';
import { expectProblem } from './test-app.suite.ts';

let running: RunningJob;

beforeEach(async () => {
  running = await openRunningJob();
});
afterEach(() => running.server.close());

const tokenOf = ({ attempt: { job_id, attempt, rank, token } }: RunningJob): string => `jdt_${job_id}.${attempt}.${rank}.${token}`;

const withBody = Object.entries(contract as ContractTable).flatMap(([group, entries]) =>
  Object.entries(entries)
    .filter(([, { method, transport }]) => method !== 'GET' && method !== 'DELETE' && transport !== 'upload')
    .map(([name, endpoint]) => ({ name: `${group}.${name}`, endpoint })),
);

function send(endpoint: Endpoint, text: string): Promise<Response> {
  const params = { ...(endpoint.example.params as Record<string, unknown> | undefined), experiment: EXPERIMENT, number: 42 };
  const path = endpoint.path.replace(/:([a-z_]+)/g, (_, name: string) => encodeURIComponent(String((params as Record<string, unknown>)[name])));
  const key = endpoint.access === 'none' ? null : endpoint.access === 'agent' ? running.agent_key : running.server.key;
  return running.server.send(API_ROOT + path, { method: endpoint.method, key, text });
}

/** The example of an endpoint with `poison`, which is JSON, in the place of each of its values, and beside them. */
function* poisoned(value: unknown, poison: string): Generator<string> {
  yield poison;
  if (typeof value !== 'object' || value === null) return;
  const isList = Array.isArray(value);
  const entries = Object.entries(value).map(([name, inner]) => [isList ? '' : `${JSON.stringify(name)}:`, inner] as const);
  const whole = (parts: readonly string[]): string => (isList ? `[${parts.join()}]` : `{${parts.join()}}`);
  for (const [index, [, inner]] of entries.entries()) {
    for (const text of poisoned(inner, poison)) yield whole(entries.map(([name, other], at) => name + (at === index ? text : JSON.stringify(other))));
  }
  const all = entries.map(([name, inner]) => name + JSON.stringify(inner));
  if (!isList) for (const name of ['__proto__', 'constructor', 'prototype']) yield whole([...all, `"${name}":${poison}`]);
}

/** Nobody waits for the reply of a sync. */
function withoutWait(body: object): object {
  return 'wait_seconds' in body ? { ...body, wait_seconds: 0 } : body;
}

const DEEP = 20_000;
const POISONS = {
  'nested lists': '['.repeat(DEEP) + ']'.repeat(DEEP),
  'nested objects': '{"a":'.repeat(DEEP) + '1' + '}'.repeat(DEEP),
  'a prototype': '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
};

describe.each(Object.entries(POISONS))('%s', (_name, poison) => {
  it.each(withBody)('in the body of $name', async ({ endpoint }) => {
    for (const text of poisoned(withoutWait(endpoint.example.body ?? {}), poison)) {
      const { status } = await send(endpoint, text);
      expect([status < 500, text.slice(0, 200)]).toEqual([true, text.slice(0, 200)]);
    }
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
    expect(([] as { polluted?: true }).polluted).toBeUndefined();
  });
});

describe('names that every object has', () => {
  const NAMES = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'] as const;

  it('are params like others', async () => {
    const client = running.server.client();
    await client.experiments.create({ body: { name: 'constructor' } });
    const params = Object.fromEntries(NAMES.map((name, index) => [name, index]));
    const command = NAMES.map((name) => `{${name}}`).join(' ');
    await client.jobs.create({ params: { experiment: 'constructor' }, body: { jobs: [{ params }], command } });
    for (const name of NAMES) {
      const missing = await running.server.send(`${API_ROOT}/experiments/constructor/jobs`, { body: { jobs: [{}], command: `echo {${name}}` } });
      expect((await expectProblem(missing, 422, 'invalid_input')).detail).toContain(name);
    }
    const total = { cpus: 1, memory_bytes: 1e9, gpus: 0 };
    const body = { host: 'h', instance: 'owl', experiments: ['constructor'], workers: 1, total, version: '0.4.2' };
    const agent = running.server.client((await client.agents.register({ body })).secret);
    const sync = { incarnation: '1', sync_seq: 1, sent_at: NOW, free_slots: [0], free: total, running: [], finished: [] };
    const [lease] = (await agent.agents.sync({ body: sync })).leases;
    expect(lease).toMatchObject({ experiment: 'constructor', command: "'0' '1' '2' '3'", params });
    const found = await client.jobs.list({ params: { experiment: 'constructor' }, query: { search: 'constructor=0' } });
    expect(found.jobs.map((job) => job.params)).toEqual([params]);
  });

  it('are metrics and machine metrics like others', async () => {
    const names = [...NAMES, '__proto__'];
    const points = names.map((name, index) => ({ offset: index, name, value: index, step: 0, at: NOW }));
    const agent = running.server.client(running.agent_key).agents;
    await agent.metrics({ body: { sent_at: NOW, batches: [{ ...running.attempt, from: 0, to: names.length, points }] } });
    const { metrics } = await running.server.client().results.metricNames({ params: { experiment: EXPERIMENT, number: 42 } });
    expect(Object.fromEntries(metrics.map(({ name, last }) => [`=${name}`, last]))).toEqual(
      Object.fromEntries(names.map((name, index) => [`=${name}`, index])),
    );
  });

  it('are query fields that are not there', async () => {
    for (const name of [...NAMES, '__proto__', '__proto__[polluted]']) {
      expect((await running.server.send(`${API_ROOT}/experiments/${EXPERIMENT}/jobs?${name}=1`)).status).toBeOneOf([200, 422]);
    }
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });
});

describe('headers', () => {
  const NAMES = [
    'a";filename="b.html',
    "it's; filename*=UTF-8''x.html",
    'é 💥 %0d%0aset-cookie: a=b',
    '\u202etxt.exe',
    'a\\b"c'.replace('\\', '%5c'),
    '.htaccess',
    '-rf',
  ];

  it('of a download hold one name, whatever is in it, and nothing else', async () => {
    for (const name of NAMES) {
      const path = encodeURIComponent(name);
      const put = await running.server.send(`${API_ROOT}/attempt/artifacts/${path}`, { method: 'PUT', key: tokenOf(running), text: '<script>1</script>' });
      expect([name, put.status]).toEqual([name, 200]);
      const { headers, status } = await running.server.send(`${JOB}/artifacts/${path}`);
      expect(status).toBe(200);
      const disposition = headers.get('content-disposition')!;
      expect(disposition).toBe(attachment(name));
      const parsed = /^attachment; filename="([^"\\]*)"; filename\*=UTF-8''([A-Za-z0-9%!#$&+.^_`|~-]*)$/.exec(disposition);
      expect([name, parsed?.[2] === undefined ? null : decodeURIComponent(parsed[2])]).toEqual([name, name]);
      expect(Object.fromEntries(headers)).toMatchObject({ 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" });
      expect(headers.get('set-cookie')).toBeNull();
    }
  });

  it('take no line ends from names', async () => {
    for (const name of ['a\r\nset-cookie: a=b', 'a\nb', 'a\u0000b', 'a\u2028b', '../up', 'a/b', 'a\\b', '..', '.']) {
      const path = `${API_ROOT}/attempt/artifacts/${encodeURIComponent(name).replaceAll('.', '%2e')}`;
      const { status } = await running.server.send(path, { method: 'PUT', key: tokenOf(running), text: 'x' });
      expect([name, status]).toEqual([name, expect.toBeOneOf([404, 405, 422])]);
    }
  });

  it.each([
    'page.html',
    'drawing.svg',
    'drawing.SVG',
    'page.xhtml',
    'page.htm.',
    'script.js',
    'style.css',
    'mathml.xml',
    'x.shtml',
    'no-name',
    'book.pdf',
    'x.swf',
  ])('of %s say that it is bytes to be saved', async (name) => {
    await running.server.send(`${API_ROOT}/attempt/artifacts/${name}`, { method: 'PUT', key: tokenOf(running), text: '<svg onload="alert(1)"/>' });
    const { headers } = await running.server.send(`${JOB}/artifacts/${name}`);
    expect(headers.get('content-type')).toBe('application/octet-stream');
    expect(headers.get('content-disposition')).toMatch(/^attachment; /);
  });

  it('of logs and problems say that they are no page', async () => {
    const log = await running.server.send(`${JOB}/log`);
    expect(Object.fromEntries(log.headers)).toMatchObject({
      ...{ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" },
    });
    const problem = await running.server.send(`${API_ROOT}/%3Cscript%3Ealert(1)%3C/script%3E`);
    expect(problem.headers.get('x-content-type-options')).toBe('nosniff');
    expect(problem.headers.get('content-type')).toBe('application/problem+json');
  });
});

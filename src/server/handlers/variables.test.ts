// Variables over the API: what commands take of them when jobs are made, and what reaches the agent that starts them.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { LeaseShape } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { expandNextChunk, EXPANDED_AT_ONCE } from '../../store/matrices.ts';
import { cookieOf, expectProblem, openTestApp, type TestApp } from '../test-app.suite.ts';

const experiment = 'tune';
const total = { cpus: 8, memory_bytes: 1e9, gpus: 0 };

let app: TestApp;
let agentKey: string;
let seq: number;

beforeEach(async () => {
  app = await openTestApp();
  await app.newExperiment(experiment);
  const body = { host: 'gpunode', instance: 'egg', experiments: [experiment], workers: 50, total, version: '0.4.2' };
  agentKey = (await app.client().agents.register({ body })).secret;
  seq = 0;
});
afterEach(() => app.close());

const set = (name: string, value: string, secret = false) => app.client().variables.set({ params: { experiment, name }, body: { value, secret } });
const setShared = (name: string, value: string, secret = false) => app.client().variables.setShared({ params: { name }, body: { value, secret } });
const create = (body: object) => app.client().jobs.create({ params: { experiment }, body });
const refused = async (body: object): Promise<string> =>
  (await expectProblem(await app.send(`/api/v1/experiments/${experiment}/jobs`, { body }), 422, 'invalid_input')).detail;
const shown = async (number: number) => (await app.client().jobs.get({ params: { experiment, number } })).variables;

/** What an agent is given that offers this many slots. */
async function claim(count = 50, more: object = { takes_secrets: true }): Promise<LeaseShape[]> {
  seq += 1;
  const sent_at = new Date(app.clock.now()).toISOString();
  const slots = Array.from({ length: count }, (_, slot) => slot);
  const body = { incarnation: `i${seq}`, sync_seq: seq, sent_at, free_slots: slots, free: total, running: [], finished: [], ...more };
  return (await app.client(agentKey).agents.sync({ body })).leases;
}

describe('jobs', () => {
  it('keep the values of the moment in which they were made; what is set, changed or removed later does not touch them', async () => {
    await set('DATA', '/data/one');
    await set('OPTS', `it's "$HOME"`);
    await create({ jobs: [{ params: { lr: 1 } }, { params: { lr: 2, DATA: 'own' } }], command: 'train {DATA} {lr} "{OPTS}"' });
    await set('DATA', '/data/two');
    await app.client().variables.remove({ params: { experiment, name: 'OPTS' } });
    expect(await shown(1)).toEqual({ DATA: '/data/one', OPTS: `it's "$HOME"` });
    const leases = await claim();
    expect(leases.map((lease) => lease.command)).toEqual([`train '/data/one' '1' "it's \\"\\$HOME\\""`, `train 'own' '2' "it's \\"\\$HOME\\""`]);
    expect(leases.map((lease) => lease.secrets)).toEqual([undefined, undefined]);
  });

  it('take their own experiment’s before a shared one, and a param before both', async () => {
    await setShared('A', 'shared');
    await setShared('B', 'shared');
    await set('A', 'own');
    const { variables } = await create({ jobs: [{ params: { C: 'param' } }], command: 'echo {A} {B} {C}' });
    expect(variables).toEqual({ A: 'own', B: 'shared' });
    expect((await claim())[0]!.command).toBe(`echo 'own' 'shared' 'param'`);
  });

  it('of a matrix that is expanded later have what the matrix was made with, and its values come first', async () => {
    await set('DATA', 'first');
    await set('lr', 'of the variable');
    const values = Array.from({ length: EXPANDED_AT_ONCE + 1 }, (_, index) => index);
    await create({ matrix: { lr: values }, command: 'train {DATA} {lr}' });
    await set('DATA', 'second');
    while (await app.store.write((tx) => expandNextChunk(tx)));
    expect(await shown(1)).toEqual({ DATA: 'first' });
    expect(await shown(EXPANDED_AT_ONCE + 1)).toEqual({ DATA: 'first' });
    expect((await claim(1))[0]!.command).toBe(`train 'first' '0'`);
  });

  it('are refused, with their old ones left alone, when a name is neither param nor variable', async () => {
    await create({ jobs: [{ params: { a: 1 } }], command: 'run {a}', held: true });
    const missing = { jobs: [{ params: { a: 1 } }, { params: {} }], command: 'run {a} {NOWHERE}' };
    expect(await refused(missing)).toContain('{a}, {NOWHERE}');
    expect(await refused({ jobs: [{}], command: 'run {NOWHERE}' })).toContain('drover var set NOWHERE');
    expect(await refused({ ...missing, dry_run: true })).toContain('{NOWHERE}');
    expect(await refused({ ...missing, replace_pending: true })).toContain('{NOWHERE}');
    expect(await refused({ matrix: { a: [1] }, command: 'run {NOWHERE}' })).toContain('{NOWHERE}');
    expect(await refused({ jobs: [{ params: { a: 1 } }, { params: {} }], command: 'run {a}' })).toContain('{a}');
    expect((await app.client().jobs.list({ params: { experiment } })).jobs.map((job) => job.number)).toEqual([1]);
    await set('NOWHERE', 'x');
    await set('a', 'y');
    expect((await create({ ...missing, dry_run: true })).variables).toEqual({ NOWHERE: 'x', a: 'y' });
  });

  it('are made once with one idempotency key, though a variable is gone by then', async () => {
    await set('DATA', 'x');
    const client = app.client();
    const send = () =>
      client.jobs.create({ params: { experiment }, body: { jobs: [{}], command: 'run {DATA}', replace_pending: true } }, { idempotency_key: 'once' });
    const made = await send();
    await client.variables.remove({ params: { experiment, name: 'DATA' } });
    expect(await send()).toEqual(made);
  });

  it('that are edited take the variables of now for a new command, and otherwise keep theirs', async () => {
    await set('A', 'old');
    await create({ jobs: [{ params: { p: 1 } }], command: 'run {A} {p}' });
    await set('A', 'new');
    await set('p', 'variable');
    const { jobs } = app.client();
    const edit = (body: object) => jobs.edit({ params: { experiment, number: 1 }, body });
    await edit({ priority: 3 });
    await edit({ command: 'run {A} {p}' });
    expect(await shown(1)).toEqual({ A: 'old' });
    await edit({ params: {} });
    expect(await shown(1)).toEqual({ A: 'old', p: 'variable' });
    await edit({ command: 'go {A}', params: { p: 1 } });
    expect(await shown(1)).toEqual({ A: 'new' });
    await edit({ command: 'go' });
    expect(await shown(1)).toEqual({});
    await expectProblem(
      await app.send(`/api/v1/experiments/${experiment}/jobs/1`, { method: 'PATCH', body: { command: 'go {NOWHERE}' } }),
      422,
      'invalid_input',
    );
  });
});

describe('secrets', () => {
  it('reach only the agent, beside the command, as they are at the start', async () => {
    await set('TOKEN', 'ghp_first', true);
    await create({ jobs: [{ params: {} }, { params: { TOKEN: 'a param' } }], command: `push {TOKEN} "{TOKEN}" '{TOKEN}'` });
    expect(await shown(1)).toEqual({ TOKEN: null });
    await set('TOKEN', 'ghp_second', true);
    const leases = await claim();
    expect(leases.map(({ command, secrets }) => ({ command, secrets }))).toEqual([
      { command: `push "\${JD_SECRET_TOKEN}" "\${JD_SECRET_TOKEN}" ''"\${JD_SECRET_TOKEN}"''`, secrets: { TOKEN: 'ghp_second' } },
      { command: `push 'a param' "a param" 'a param'`, secrets: undefined },
    ]);
  });

  it('are in no reply of any endpoint that a person may read', async () => {
    const value = 'ghp_never_shown';
    const reply = await set('TOKEN', value, true);
    await setShared('OTHER', value, true);
    await create({ jobs: [{ params: {} }], command: 'push {TOKEN} {OTHER}' });
    await claim();
    const paths = ['variables', 'jobs', 'jobs/1', 'events', 'matrices', 'jobs/export?format=json'].map((path) => `/api/v1/experiments/${experiment}/${path}`);
    const texts = await Promise.all([...paths, '/api/v1/variables'].map(async (path) => (await app.send(path)).text()));
    expect(JSON.stringify(reply) + texts.join('')).not.toContain(value);
    expect(texts[0]).toContain('TOKEN');
    expect(texts[3]).toContain('variable_set');
  });

  it('that are gone fail their job alone, and say so; so does an agent that does not know them', async () => {
    await set('TOKEN', 'ghp_first', true);
    await create({ jobs: [{}], command: 'push {TOKEN}' });
    await create({ jobs: [{}], command: 'push nothing' });
    await app.client().variables.remove({ params: { experiment, name: 'TOKEN' } });
    const [gone, other] = await claim(2);
    expect(gone!.command).toMatch(/^printf .*secret variable TOKEN is not there any more.*drover var set TOKEN --secret.*exit 127$/s);
    expect([gone!.secrets, other!.command]).toEqual([undefined, 'push nothing']);
    await set('TOKEN', 'ghp_first', true);
    await create({ jobs: [{}], command: 'push {TOKEN}' });
    const [old] = await claim(50, {});
    expect(old!.command).toMatch(/agent of this worker does not know.*exit 127$/s);
    expect(JSON.stringify(old)).not.toContain('ghp_first');
  });

  it('that are too much for one environment fail their job, and say so', async () => {
    const names = ['A', 'B', 'C', 'D', 'E'];
    for (const name of names) await set(name, 'x'.repeat(LIMITS.variable_bytes.value), true);
    await create({ jobs: [{}], command: `push {${names.join('} {')}}` });
    const [lease] = await claim();
    expect(lease!.command).toMatch(/^printf .*bytes together.*exit 127$/s);
    expect(lease!.secrets).toBeUndefined();
  });

  it('take the place of a plain one for new jobs only', async () => {
    await set('TOKEN', 'was plain');
    await create({ jobs: [{}], command: 'push {TOKEN}' });
    await set('TOKEN', 'is secret', true);
    expect(await shown(1)).toEqual({ TOKEN: 'was plain' });
    expect((await claim())[0]!.command).toBe(`push 'was plain'`);
  });
});

describe('who may', () => {
  it('a PIN session lists them, sets none, and puts no param in the place of one that a command uses', async () => {
    await set('URL', 'https://example.org');
    await create({ jobs: [{ params: { a: 1 } }], command: 'send {URL} {a}' });
    const login = await app.send('/api/v1/login', { key: null, body: { experiment, pin: '402913' } });
    const cookie = cookieOf(login);
    const headers = { 'drover-csrf': '1' };
    const path = `/api/v1/experiments/${experiment}`;
    expect((await app.send(`${path}/variables`, { cookie })).status).toBe(200);
    await expectProblem(await app.send(`${path}/variables/X`, { method: 'PUT', cookie, headers, body: { value: 'x' } }), 403, 'forbidden');
    await expectProblem(await app.send(`${path}/variables/URL`, { method: 'DELETE', cookie, headers }), 403, 'forbidden');
    const edit = (params: object) => app.send(`${path}/jobs/1`, { method: 'PATCH', cookie, headers, body: { params } });
    expect((await edit({ a: 2 })).status).toBe(200);
    await expectProblem(await edit({ a: 2, URL: 'https://evil.example' }), 403, 'forbidden');
  });

  it('secrets are the owner’s, also to overwrite or remove', async () => {
    await set('TOKEN', 'ghp_first', true);
    const operator = app.client(await app.newKey('operator', [1]));
    const params = { experiment, name: 'TOKEN' };
    for (const secret of [true, false])
      await expect(operator.variables.set({ params, body: { value: 'x', secret } })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(operator.variables.remove({ params })).rejects.toMatchObject({ code: 'forbidden' });
    await operator.variables.set({ params: { experiment, name: 'DATA' }, body: { value: 'x' } });
    const owner = app.client(await app.newKey('owner', [1]));
    await owner.variables.set({ params, body: { value: 'ghp_second', secret: true } });
    await owner.variables.remove({ params });
  });

  it('names and values that cannot be are refused', async () => {
    const put = (name: string, body: object) => app.send(`/api/v1/experiments/${experiment}/variables/${name}`, { method: 'PUT', body });
    for (const name of ['MACHINE', '__proto__', '2a', 'a-b']) await expectProblem(await put(name, { value: 'x' }), 422, 'invalid_input');
    for (const body of [{ value: 'a\0b' }, { value: '', secret: true }, { value: 1 }, {}, { value: 'x', colour: 'red' }])
      await expectProblem(await put('A', body), 422, 'invalid_input');
    expect((await (await put('A', { value: 'ghp_\0', secret: true })).text()).includes('ghp_')).toBe(false);
  });
});

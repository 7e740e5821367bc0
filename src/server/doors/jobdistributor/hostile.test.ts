// Who may not pass the door: without a token, with another's, with one that was forged, ended, or made for a key that is gone; and what breaks no form.
import { createHmac } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { manualClock } from '../../../../test/support/manual-clock.ts';
import { OldClient, type OldReply } from '../../../../test/support/old-client.ts';
import { LIMITS } from '../../../core/limits.ts';
import { openStore, type Store } from '../../../store/store.ts';
import type { Sent } from '../../test-app.suite.ts';

import type { OpenWorkers } from './caller.ts';
import { DOOR_ROUTES } from './mount.ts';
import { type DoorScene, EXPERIMENT, openDoorScene } from './scene.suite.ts';

let scene: DoorScene;
let store: Store;

async function open(open_workers?: OpenWorkers): Promise<void> {
  const clock = manualClock();
  store = await openStore({ engine: { kind: 'sqlite', directory: ':memory:', clock, read_threads: 0 }, directory: null, clock });
  scene = await openDoorScene({ store, clock }, open_workers);
}

beforeEach(() => open());
afterEach(() => store.close());

const OTHER = 'other-work';
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Everything that a worker may ask, as requests that are right but for the caller. */
const WORKER_CALLS: readonly (readonly [string, Sent])[] = [
  ['/worker/heartbeat', { body: { worker_id: 'gpunode_egg_0', reported_status: 'idle', current_job_id: null, applied_version: 0 } }],
  ['/update_job_status', { body: { job_id: 1, status: 'DONE', message: '' } }],
  [
    '/upload',
    { text: '--b\r\nContent-Disposition: form-data; name="job_id"\r\n\r\n1\r\n--b--\r\n', headers: { 'content-type': 'multipart/form-data; boundary=b' } },
  ],
  ['/checkpoint', { text: '--b--\r\n', headers: { 'content-type': 'multipart/form-data; boundary=b' } }],
  ['/checkpoint/latest?job_id=1', {}],
  ['/workers/cli/stop', { body: { worker_id: 'gpunode_egg_0', action: 'stop' } }],
  ['/workers/cli/clear_all', { body: { workers: [] } }],
  ['/job_counts', {}],
];
const LIBRARY_CALLS: readonly (readonly [string, Sent])[] = [
  ['/api/jobs/create', { body: { jobs: [{}] } }],
  ['/api/jobs', {}],
  ['/api/jobs/statuses?ids=1', {}],
  ['/api/jobs/1/uploads', {}],
  ['/api/jobs/1/uploads/download?filename=a.txt', {}],
];
const KEY_CALLS: readonly (readonly [string, Sent])[] = [
  ['/api/worker/token', { body: { experiment_name: EXPERIMENT } }],
  ['/api/experiments', { body: { name: 'new-one' } }],
  [`/api/experiments/${EXPERIMENT}`, {}],
  [`/api/experiments/${EXPERIMENT}`, { method: 'DELETE' }],
];

async function errorOf(response: Response): Promise<string> {
  expect(response.headers.get('content-type')).toBe('application/json');
  return ((await response.json()) as { error: string }).error;
}

describe('a caller at the door', () => {
  it('is asked of by these calls wherever the door has a route', () => {
    const paths = new Set([...WORKER_CALLS, ...LIBRARY_CALLS, ...KEY_CALLS].map(([path]) => path.replace(/\?.*/, '')));
    for (const { path } of DOOR_ROUTES) expect(paths).toContain(path.replace(':id', '1').replace(':name', EXPERIMENT));
  });

  it('without a token is nobody, wherever it comes from', async () => {
    for (const [path, sent] of [...WORKER_CALLS, ...LIBRARY_CALLS, ...KEY_CALLS]) {
      const reply = await scene.server.send(path, { ...sent, key: null, from: '127.0.0.1' });
      expect([path, reply.status]).toEqual([path, 401]);
      expect(await errorOf(reply)).not.toBe('');
    }
  });

  it('with any credential of another kind is nobody', async () => {
    const token = await scene.token();
    for (const [path, sent] of [...WORKER_CALLS, ...LIBRARY_CALLS]) expect([path, (await scene.server.send(path, sent)).status]).toEqual([path, 401]);
    for (const [path, sent] of KEY_CALLS) expect([path, (await scene.server.send(path, { ...sent, key: token })).status]).toEqual([path, 401]);
  });

  it('with a token that is forged, changed or ended is nobody', async () => {
    const token = await scene.token();
    const [head, claims, signature] = token.split('.') as [string, string, string];
    const told = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
    const sign = (text: string, secret: Buffer | string): string => createHmac('sha256', secret).update(text).digest('base64url');
    const own = store.key.derive('drover worker tokens of the jobdistributor door');
    const signed = (header: unknown, payload: unknown, secret: Buffer | string = own): string => {
      const text = `${part(header)}.${part(payload)}`;
      return `${text}.${sign(text, secret)}`;
    };
    const right = { alg: 'HS256', typ: 'JWT' };
    expect((await scene.server.send('/job_counts', { key: signed(right, told) })).status).toBe(200);
    const bad = {
      'alg none': `${part({ alg: 'none', typ: 'JWT' })}.${claims}.`,
      'alg none with the signature': `${part({ alg: 'none', typ: 'JWT' })}.${claims}.${signature}`,
      'alg none, signed': signed({ alg: 'none', typ: 'JWT' }, told),
      'another algorithm, signed': signed({ alg: 'HS512', typ: 'JWT' }, told),
      'a header of its own, signed': signed({ ...right, kid: '../../dev/null' }, told),
      'the wrong key': signed(right, told, 'secret'),
      'an empty key': signed(right, told, ''),
      'no signature': `${head}.${claims}.`,
      'another experiment': `${head}.${part({ ...told, exp_name: OTHER })}.${signature}`,
      'the last bits changed': `${head}.${claims}.${signature.slice(0, -1)}${String.fromCharCode(signature.charCodeAt(42) + 1)}`,
      ended: signed(right, { ...told, exp: 1 }),
      'without an end': signed(right, { ...told, exp: undefined }),
      'with an end that is text': signed(right, { ...told, exp: '99999999999' }),
      'with a claim too many': signed(right, { ...told, admin: true }),
      'not a worker': signed(right, { ...told, sub: 'admin' }),
      'a key that is not there': signed(right, { ...told, user_id: 4_711 }),
      'claims that are a list': signed(right, [told]),
      'very long': `${head}.${'a'.repeat(100_000)}.${signature}`,
    };
    for (const [name, forged] of Object.entries(bad)) expect([name, (await scene.server.send('/job_counts', { key: forged })).status]).toEqual([name, 401]);
  });

  it('is let in until its token ends, or its key is deleted', async () => {
    const key = await scene.server.newKey('operator');
    const token = await scene.token(key);
    await scene.pass((LIMITS.worker_token_seconds.value - 1) * 1000);
    expect((await scene.server.send('/job_counts', { key: token })).status).toBe(200);
    await scene.pass(1_000);
    expect((await scene.server.send('/job_counts', { key: token })).status).toBe(401);
    const second = await scene.token(key);
    const { keys } = await scene.server.client().access.listKeys({});
    await scene.server.client().access.deleteKey({ params: { id: keys.at(-1)!.id } });
    expect((await scene.server.send('/job_counts', { key: second })).status).toBe(401);
  });

  it('has the rights of its key, now: a viewer reads, and works for nobody', async () => {
    await scene.addJobs(1);
    const token = await scene.token(await scene.server.newKey('viewer'));
    expect((await scene.server.send('/api/jobs', { key: token })).status).toBe(200);
    expect((await scene.server.send('/job_counts', { key: token })).status).toBe(200);
    for (const [path, sent] of [...WORKER_CALLS.filter(([path]) => path !== '/job_counts'), LIBRARY_CALLS[0]!])
      expect([path, (await scene.server.send(path, { ...sent, key: token })).status]).toEqual([path, 403]);
    for (const [path, sent] of [KEY_CALLS[1]!, KEY_CALLS[3]!])
      expect([path, (await scene.server.send(path, { ...sent, key: await scene.server.newKey('viewer') })).status]).toEqual([path, 403]);
  });

  it('of another experiment sees and touches nothing of this one', async () => {
    await scene.server.newExperiment(OTHER);
    await scene.addJobs(1);
    const own = scene.client('gpunode_egg_0', await scene.token());
    await own.heartbeat();
    await own.upload(1, 'a.txt', Buffer.from('secret'));
    const key = await scene.server.newKey('operator', [
      (await scene.server.store.sql.all<{ id: number }>('select id from experiment where name = ?', [OTHER]))[0]!.id,
    ]);
    expect((await scene.server.send('/api/worker/token', { key, body: { experiment_name: EXPERIMENT } })).status).toBe(404);
    expect((await scene.server.send('/api/worker/token', { key, body: { experiment_name: '__api_key_validation__' } })).status).toBe(404);
    expect((await scene.server.send(`/api/experiments/${EXPERIMENT}`, { key })).status).toBe(404);
    const thief = scene.client('gpunode_egg_0', await scene.token(key, OTHER));
    expect((await thief.heartbeat(1)).body).toMatchObject({ job: null });
    expect((await thief.done(1)).status).toBe(404);
    expect((await thief.upload(1, 'a.txt', Buffer.from('mine'))).status).toBe(404);
    expect((await thief.send('GET', '/checkpoint/latest?job_id=1')).status).toBe(404);
    expect((await thief.send('GET', '/api/jobs/1/uploads')).status).toBe(404);
    expect((await thief.stopped('stop', 1)).body).toMatchObject({ job_aborted: false });
    expect(await scene.job(1)).toMatchObject({ job: { status: 'running', worker_id: 'gpunode_egg_0' } });
  });

  it('of the same experiment, but with another token, does not speak for the job of another', async () => {
    await scene.addJobs(1);
    await scene.client('gpunode_egg_0', await scene.token()).heartbeat();
    const thief = scene.client('gpunode_owl_0', await scene.token());
    expect((await thief.heartbeat(1)).status).toBe(200);
    expect((await thief.done(1)).status).toBe(400);
    expect((await thief.aborted(1)).status).toBe(400);
    expect((await thief.upload(1, 'a.txt', Buffer.from('mine'))).status).toBe(400);
    expect((await thief.checkpoint(1, Buffer.from('mine'))).status).toBe(400);
    expect((await thief.send('GET', '/checkpoint/latest?job_id=1')).status).toBe(400);
    expect(await scene.job(1)).toMatchObject({ job: { status: 'running' }, attempts: [{ outcome: null, evidence: null }] });
  });

  it('that was revoked is not heard, and its job goes back when its term is over', async () => {
    await scene.addJobs(1);
    const client = scene.client('gpunode_egg_0', await scene.token());
    await client.heartbeat();
    await client.heartbeat(1);
    await scene.server.client().workers.revoke({ params: { experiment: EXPERIMENT, agent: 'gpunode_egg' } });
    expect((await client.heartbeat(1)).status).toBe(403);
    expect((await client.done(1)).status).toBe(403);
    expect((await client.upload(1, 'a.txt', Buffer.from('a'))).status).toBe(403);
    expect(await scene.job(1)).toMatchObject({ job: { status: 'running' } });
    await scene.pass(601_000);
    await scene.sweep();
    expect(await scene.job(1)).toMatchObject({ job: { status: 'pending' } });
  });
});

describe('open workers', () => {
  const plain = { host: '127.0.0.1:5000' };
  const beat = (sent: Sent): Promise<Response> =>
    scene.server.send('/worker/heartbeat', { ...WORKER_CALLS[0]![1], key: null, ...sent, headers: { ...plain, ...sent.headers } });

  it('are those of this machine only, and get jobs of one experiment', async () => {
    await store.close();
    await open({ experiment: EXPERIMENT, from: [] });
    await scene.addJobs(1);
    expect((await beat({ from: '192.0.2.9' })).status).toBe(401);
    expect((await beat({ from: '' })).status).toBe(401);
    for (const from of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) expect([from, (await beat({ from })).status]).toEqual([from, 200]);
    const client = scene.client('gpunode_egg_0', null, '127.0.0.1');
    expect((await client.done(1)).status).toBe(200);
    expect((await client.send('GET', '/job_counts')).body).toMatchObject({ DONE: 1 });
  });

  it('may not read or add jobs, nor come with a bad token', async () => {
    await store.close();
    await open({ experiment: EXPERIMENT, from: [] });
    for (const [path, sent] of [...LIBRARY_CALLS, ...KEY_CALLS])
      expect([path, (await scene.server.send(path, { ...sent, key: null, from: '127.0.0.1', headers: { ...sent.headers, ...plain } })).status]).toEqual([
        path,
        401,
      ]);
    expect((await beat({ from: '127.0.0.1', key: 'jd_guessed' })).status).toBe(401);
    expect((await beat({ from: '127.0.0.1', key: '' })).status).toBe(401);
  });

  it('do not come through a proxy on this machine, nor from a page in a browser', async () => {
    await store.close();
    await open({ experiment: EXPERIMENT, from: [] });
    const from = '127.0.0.1';
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'])
      expect([name, (await beat({ from, headers: { [name]: '127.0.0.1' } })).status]).toEqual([name, 401]);
    const pages = { origin: 'http://127.0.0.1:5000', 'sec-fetch-site': 'same-origin', cookie: 'a=b', host: 'evil.example:5000' };
    for (const [name, value] of Object.entries(pages)) expect([name, (await beat({ from, headers: { [name]: value } })).status]).toEqual([name, 401]);
  });

  it('come from other machines only where the server was told so', async () => {
    await store.close();
    await open({ experiment: EXPERIMENT, from: ['10.1.0.0/16'] });
    expect((await beat({ from: '10.1.2.3', headers: { host: '10.1.0.1:5000' } })).status).toBe(200);
    expect((await beat({ from: '10.2.2.3' })).status).toBe(401);
    expect((await beat({ from: '127.0.0.1' })).status).toBe(401);
  });

  it('of an experiment that is not there yet are told so', async () => {
    await store.close();
    await open({ experiment: 'not-yet', from: [] });
    const reply = await beat({ from: '127.0.0.1' });
    expect(reply.status).toBe(404);
    expect(await errorOf(reply)).toContain('drover experiment create not-yet');
  });
});

describe('a body at the door', () => {
  it('that is not as it should be is refused in words, and is never a mistake of the server', async () => {
    await scene.addJobs(1);
    const client = scene.client('gpunode_egg_0', await scene.token());
    await client.heartbeat();
    const heartbeats: unknown[] = [
      ...[null, [], 'text', 7, {}, { worker_id: 7 }, { worker_id: '' }, { worker_id: '../../etc_passwd_0' }, { worker_id: 'a_b_c' }],
      ...[
        { worker_id: 'a_b_0', current_job_id: 'one' },
        { worker_id: 'a_b_0', current_job_id: 1.5 },
        { worker_id: 'a_b_0', applied_version: '1' },
      ],
      ...[
        { worker_id: 'a_b_0', applied_version: -1 },
        { worker_id: 'a_b_0', system_metrics: [] },
        { worker_id: 'a_b_0', system_metrics: 'high' },
      ],
    ];
    for (const body of heartbeats) expect([body, (await client.json('/worker/heartbeat', body)).status]).toEqual([body, 400]);
    for (const body of [
      {},
      { job_id: '1', status: 'DONE' },
      { job_id: 1, status: 'PENDING' },
      { job_id: -1, status: 'DONE' },
      { job_id: 1e300, status: 'DONE' },
    ])
      expect([body, (await client.json('/update_job_status', body)).status]).toEqual([body, 400]);
    expect((await client.send('POST', '/worker/heartbeat', { type: 'application/json', bytes: '{' })).status).toBe(400);
    expect((await client.send('POST', '/worker/heartbeat', { type: 'application/json', bytes: `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}` })).status).toBe(
      400,
    );
    expect(
      (await client.json('/worker/heartbeat', { worker_id: 'a_b_0', reported_status: { a: 1 }, system_metrics: { cpu_util: 'NaN', 'a b': 1, x: { y: 2 } } }))
        .status,
    ).toBe(200);
    for (const path of [
      '/checkpoint/latest',
      '/checkpoint/latest?job_id=x',
      '/api/jobs/statuses',
      '/api/jobs?page=0',
      '/api/jobs?per_page=1001',
      '/api/jobs?ids=a',
    ])
      expect([path, (await client.send('GET', path)).status]).toEqual([path, 400]);
  });

  it('that is a form is read strictly, and no name in it becomes a path', async () => {
    await scene.addJobs(1);
    const client = scene.client('gpunode_egg_0', await scene.token());
    await client.heartbeat();
    const form = (bytes: string, type = 'multipart/form-data; boundary=b'): Promise<OldReply> => client.send('POST', '/upload', { type, bytes });
    const job = '--b\r\nContent-Disposition: form-data; name="job_id"\r\n\r\n1\r\n';
    const file = (name: string): string => `--b\r\nContent-Disposition: form-data; name="file"; ${name}\r\n\r\nbytes\r\n`;
    expect((await form(`${job}${file('filename="a.txt"')}--b--\r\n`)).status).toBe(200);
    expect((await form(`before\r\n${job}${file("filename*=utf-8''na%C3%AFve.csv")}--b--`)).body).toMatchObject({ filename: 'naïve.csv' });
    expect((await form(`${job}${file('filename="a\\"b%22c.txt"')}--b--\r\n`)).body).toMatchObject({ filename: 'a"b"c.txt' });
    expect((await form(`${job}${file('filename="..\\\\..\\\\x.TXT"')}--b--\r\n`)).body).toMatchObject({ filename: 'x.txt' });
    expect((await form(`${job}${file(`filename="${'x'.repeat(500)}.npz"`)}--b--\r\n`)).body['filename']).toHaveLength(184);
    const broken = {
      'no boundary': await form(`${job}${file('filename="a"')}--b--`, 'multipart/form-data'),
      'another boundary': await form(`${job}${file('filename="a"')}--b--`, 'multipart/form-data; boundary=c'),
      'not a form': await form('{}', 'application/json'),
      'cut off in the file': await form(`${job}--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nbyt`),
      'cut off in a head': await form(`${job}--b\r\nContent-Dispo`),
      'no file': await form(`${job}--b--\r\n`),
      'no job': await form(`${file('filename="a"')}--b--\r\n`),
      'the job behind the file': await form(`${file('filename="a"')}${job}--b--\r\n`),
      'two files': await form(`${job}${file('filename="a"')}${file('filename="b"')}--b--\r\n`),
      'another field': await form(`${job}${file('filename="a"').replace('name="file"', 'name="data"')}--b--\r\n`),
      'a job that is none': await form(`${job.replace('\r\n1\r\n', '\r\n../1\r\n')}${file('filename="a"')}--b--\r\n`),
      'very long texts': await form(`${job.replace('\r\n1\r\n', `\r\n${'1'.repeat(100_000)}\r\n`)}${file('filename="a"')}--b--\r\n`),
      'a very long head': await form(`${job}--b\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`),
      'very many parts': await form(`${job.repeat(50)}${file('filename="a"')}--b--\r\n`),
      empty: await form(''),
    };
    for (const [name, reply] of Object.entries(broken)) expect([name, reply.status]).toEqual([name, 400]);
    // Nothing is left of them.
    const { artifacts } = await scene.server.client().results.artifacts({ params: { experiment: EXPERIMENT, number: 1 }, query: {} });
    expect(artifacts).toHaveLength(5);
    let blobs = 0;
    for await (const _ of store.blobs.list()) blobs += 1;
    expect(blobs).toBeGreaterThanOrEqual(1);
    expect(blobs).toBeLessThanOrEqual(5);
  });

  it('that comes byte by byte is the same file', async () => {
    await scene.addJobs(1);
    const client = scene.client('gpunode_egg_0', await scene.token());
    await client.heartbeat();
    const content = Buffer.from('\r\n--b\r\n--bound\r\n\r\n-\r\n--boundar\r\n');
    const slowly = new OldClient(
      async ({ method, path, headers, body }) => {
        const bytes = Buffer.from(body as Uint8Array);
        const stream = new ReadableStream({
          start(controller) {
            for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
            controller.close();
          },
        });
        const response = await scene.server.app.request(path, { method, headers, body: stream, duplex: 'half' } as RequestInit, { address: '192.0.2.7' });
        return { status: response.status, body: (await response.json()) as Record<string, unknown>, bytes: new Uint8Array() };
      },
      client.worker_id,
      client.token,
    );
    expect(await slowly.upload(1, 'odd.bin', content)).toMatchObject({ status: 200, body: { size_bytes: content.length } });
    const file = await client.send('GET', '/api/jobs/1/uploads/download?filename=odd.bin');
    expect(Buffer.from(file.bytes)).toEqual(content);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { API_ROOT } from '../../contract/index.ts';
import { sweepLiveness } from '../../store/sweep.ts';
import { cookieOf, expectProblem, openTestApp, type TestApp } from '../test-app.suite.ts';

let server: TestApp;
let digits: number;

beforeEach(async () => {
  server = await openTestApp();
  digits = await server.newExperiment('digits-tune');
});

afterEach(() => server.close());

interface Agent {
  /** `{host}_{instance}`. */
  readonly name: string;
  readonly secret: string;
  readonly worker: string;
}

async function agentFor(experiments: string[] | null, instance: string): Promise<Agent> {
  const body = { host: 'gpunode', instance, experiments, workers: 1, total: { cpus: 1, memory_bytes: 1e9, gpus: 0 }, version: '0.4.2' };
  const { secret, host, worker_ids } = await server.client().agents.register({ body });
  return { name: `${host}_${instance}`, secret, worker: worker_ids[0]! };
}

const syncs = new Map<string, number>();

function sync(agent: Agent, more: object = {}): Promise<Response> {
  const sync_seq = (syncs.get(agent.secret) ?? 0) + 1;
  syncs.set(agent.secret, sync_seq);
  const body = {
    ...{ incarnation: '1-a', sync_seq, sent_at: new Date(server.clock.now()).toISOString(), wait_seconds: 0, free_slots: [0] },
    ...{ free: { cpus: 1, memory_bytes: 1e9, gpus: 0 }, running: [], finished: [], ...more },
  };
  return server.send(`${API_ROOT}/agent/sync`, { key: agent.secret, body });
}

const command = (key: string, experiment: string, body: object = { action: 'pause' }): Promise<Response> =>
  server.send(`${API_ROOT}/experiments/${experiment}/workers/command`, { key, body });

const desired = async (): Promise<Record<string, string>> => {
  const rows = await server.store.sql.all<{ id: string; desired_state: string }>('select id, desired_state from worker order by id');
  return Object.fromEntries(rows.map(({ id, desired_state }) => [id, desired_state]));
};

describe('a worker that serves several experiments', () => {
  it('obeys only who may operate all of them', async () => {
    const other = await server.newExperiment('other');
    const own = await agentFor(['digits-tune'], 'egg');
    const shared = await agentFor(['digits-tune', 'other'], 'fox');
    const narrow = await server.newKey('operator', [digits]);

    const refused = await expectProblem(await command(narrow, 'digits-tune', { action: 'stop', workers: { worker_ids: [shared.worker] } }), 403, 'forbidden');
    expect(refused.detail).toContain(`${shared.worker} also serves experiments that you may not operate`);
    expect(refused.detail).toContain('drover experiment hold digits-tune');
    expect(await (await command(narrow, 'digits-tune')).json()).toEqual({ matched: 2, changed: 1, busy: 0, refused: 1, workers: [own.worker] });
    expect(await desired()).toEqual({ [own.worker]: 'pause', [shared.worker]: 'run' });

    const both = await server.newKey('operator', [digits, other]);
    expect(await (await command(both, 'digits-tune')).json()).toMatchObject({ changed: 1, refused: 0, workers: [shared.worker] });
    await expectProblem(
      await server.send(`${API_ROOT}/experiments/digits-tune/workers/cancel-command`, { key: narrow, body: { workers: { worker_ids: [shared.worker] } } }),
      403,
      'forbidden',
    );
    expect(await desired()).toEqual({ [own.worker]: 'pause', [shared.worker]: 'pause' });
  });

  it('serves what exists now: whoever has the only experiment may command it', async () => {
    const agent = await agentFor(null, 'egg');
    const cookie = cookieOf(await server.send(`${API_ROOT}/login`, { key: null, body: { experiment: 'digits-tune', pin: '402913' } }));
    const pause = (action: string): Promise<Response> =>
      server.send(`${API_ROOT}/experiments/digits-tune/workers/command`, { cookie, headers: { 'drover-csrf': '1' }, body: { action } });
    expect(await (await pause('pause')).json()).toMatchObject({ changed: 1, workers: [agent.worker] });
    await server.newExperiment('other');
    await expectProblem(await pause('run'), 403, 'forbidden');
    await server.client().experiments.remove({ params: { experiment: 'other' }, query: { confirm: 'other' } });
    expect((await pause('run')).status).toBe(200);
  });
});

describe('an agent that is revoked', () => {
  const revoke = (agent: string, sent: { key?: string; cookie?: string } = {}, experiment = 'digits-tune'): Promise<Response> =>
    server.send(`${API_ROOT}/experiments/${experiment}/agents/${agent}/revoke`, { method: 'POST', headers: { 'drover-csrf': '1' }, ...sent });

  it('is one whose experiment the caller owns', async () => {
    const other = await server.newExperiment('other', '111111');
    const agent = await agentFor(['digits-tune'], 'egg');
    const cookie = cookieOf(await server.send(`${API_ROOT}/login`, { key: null, body: { experiment: 'digits-tune', pin: '402913' } }));
    await expectProblem(await revoke(agent.name, { cookie }), 403, 'forbidden');
    await expectProblem(await revoke(agent.name, { key: await server.newKey('operator') }), 403, 'forbidden');
    const foreigner = await server.newKey('owner', [other]);
    await expectProblem(await revoke(agent.name, { key: foreigner }), 404, 'experiment_not_found');
    await expectProblem(await revoke(agent.name, { key: foreigner }, 'other'), 404, 'not_found');
    expect((await sync(agent)).status).toBe(200);
    const done = await revoke(agent.name, { key: await server.newKey('owner', [digits]) });
    expect(await done.json()).toEqual({ agent: agent.name, revoked_at: new Date(server.clock.now()).toISOString(), running_jobs: 0 });
    expect((await revoke(agent.name)).status).toBe(200);
    expect(await server.store.sql.all(`select actor from event where kind = 'agent_revoked'`)).toHaveLength(1);
  });

  it('is told so at once, also when its sync hangs, and by every other call', async () => {
    const agent = await agentFor(['digits-tune'], 'egg');
    const hanging = sync(agent, { wait_seconds: 25 });
    await server.store.write(async () => {});
    await revoke(agent.name);
    const problem = await expectProblem(await hanging, 403, 'agent_revoked');
    expect(problem.detail).toContain('drover worker start');
    await expectProblem(await sync(agent), 403, 'agent_revoked');
    await expectProblem(await server.send(`${API_ROOT}/agent/leave`, { key: agent.secret, body: { incarnation: '1-a' } }), 403, 'agent_revoked');
    await expectProblem(await server.send(`${API_ROOT}/agent/sync`, { key: 'jda_unknown', body: {} }), 401, 'unauthenticated');
  });

  it('loses its jobs as a silent one does, and they run elsewhere', async () => {
    const agent = await agentFor(['digits-tune'], 'egg');
    await server.client().jobs.create({ params: { experiment: 'digits-tune' }, body: { command: 'true', jobs: [{ params: {} }] } });
    const { leases } = (await (await sync(agent)).json()) as { leases: { job_id: number; attempt: number; rank: number; token: string; slot: number }[] };
    const started_at = new Date(server.clock.now()).toISOString();
    await sync(agent, { free_slots: [], running: leases.map((lease) => ({ ...lease, started_at })) });
    const sweep = (): Promise<void> => server.store.write((tx) => sweepLiveness(tx, { swept_at: tx.now - 5_000, monotonic_elapsed: 5_000, idle: 5_000 }));
    await sweep();
    expect(await (await revoke(agent.name)).json()).toMatchObject({ running_jobs: 1 });
    await sweep();
    const second = await agentFor(['digits-tune'], 'fox');
    expect(await (await sync(second)).json()).toMatchObject({ leases: [] });
    for (let seconds = 0; seconds <= 600; seconds += 5) {
      server.clock.advance(5_000);
      await sweep();
    }
    expect(await (await sync(second)).json()).toMatchObject({ leases: [{ number: 1, attempt: 2 }] });
    const { attempts } = await server.client().jobs.get({ params: { experiment: 'digits-tune', number: 1 } });
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['lost', null]);
    const { workers } = await server.client().workers.list({ params: { experiment: 'digits-tune' } });
    expect(workers.map(({ worker_id }) => worker_id)).toEqual([second.worker]);
  });
});

describe('one worker', () => {
  it('is told of with its machine and whom it serves, as far as the caller may see that', async () => {
    const agent = await agentFor(['digits-tune', (await server.newExperiment('other'), 'other')], 'egg');
    const get = async (key: string) => server.client(key).workers.get({ params: { experiment: 'digits-tune', worker: agent.worker } });
    expect(await get(server.key)).toMatchObject({
      ...{ worker_id: agent.worker, machine: 'gpunode', total: { cpus: 1, memory_bytes: 1e9, gpus: 0 }, agent_workers: 1, revoked_at: null },
      ...{ experiments: ['digits-tune', 'other'], other_experiments: 0 },
    });
    expect(await get(await server.newKey('viewer', [digits]))).toMatchObject({ experiments: ['digits-tune'], other_experiments: 1 });
  });

  it('keeps from who may not see an experiment which of its jobs ran there, and who commanded for it', async () => {
    await server.newExperiment('other');
    const agent = await agentFor(null, 'egg');
    await server.client().jobs.create({ params: { experiment: 'other' }, body: { jobs: [{}], command: 'true' } });
    expect((await sync(agent)).status).toBe(200);
    server.clock.advance(1);
    await command(server.key, 'other');
    const read = async (key: string, query = {}) => server.client(key).workers.history({ params: { experiment: 'digits-tune', worker: agent.worker }, query });
    const whole = await read(server.key);
    expect(whole.entries).toMatchObject([
      { what: 'event', kind: 'worker_commanded', data: { action: 'pause', workers: [agent.worker] } },
      { what: 'job', job: { experiment: 'other', number: 1, attempt: 1 }, outcome: null },
      { what: 'event', kind: 'agent_registered' },
    ]);
    const narrow = await server.newKey('viewer', [digits]);
    const first = await read(narrow, { limit: 2 });
    expect(first.entries).toMatchObject([
      { what: 'event', kind: 'worker_commanded', actor: null, data: { action: 'pause' } },
      { what: 'job', job: null, outcome: null },
    ]);
    expect(JSON.stringify(first)).not.toContain('other');
    const second = await read(narrow, { cursor: first.next_cursor });
    expect([second.entries.length, second.next_cursor]).toEqual([1, null]);
    const path = `${API_ROOT}/experiments/digits-tune/workers/${agent.worker}/history?cursor=`;
    for (const cursor of ['1', '1.2.x', '-1.2.3', '1.2.3.4']) await expectProblem(await server.send(path + cursor), 422, 'invalid_input');
  });
});

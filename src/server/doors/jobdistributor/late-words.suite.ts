// Replies and reports that were lost, come late or twice, or come from somebody else: what JobDistributor's client may say at a bad moment.
import { describe, expect, it } from 'vitest';

import { storePerTest } from '../../../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../../../test/support/stores.ts';
import { LIMITS } from '../../../core/limits.ts';

import { type DoorScene, EXPERIMENT, openDoorScene } from './scene.suite.ts';

const params = { experiment: EXPERIMENT };
const COPY_MS = LIMITS.old_report_seconds.value * 1000 + 1;
const LOST_MS = 601_000;

export function lateWordsSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`a client of JobDistributor on ${name}, at a bad moment,`, () => {
    let scene: DoorScene;
    let token: string;

    storePerTest(make, async (store, clock) => {
      scene = await openDoorScene({ store, clock });
      token = await scene.token();
    });

    const given = (client = scene.client('gpunode_egg_0', token)) => scene.given(client);
    const worker = (id = 'gpunode_egg_0') => scene.worker(id);
    const events = async (kind: string) => (await scene.server.store.sql.all<{ n: number }>('select count(*) as n from event where kind = ?', [kind]))[0]!.n;

    it('is offered the same job again when the reply that gave it was lost, as the same attempt', async () => {
      await scene.addJobs(2);
      await given();
      await scene.pass(180_000);
      const again = await given();
      expect(again.job?.job_id).toBe(1);
      expect(await scene.job(1)).toMatchObject({ job: { status: 'running' }, attempts: [{ attempt: 1 }] });
      expect(await scene.counts()).toEqual({ pending: 1, running: 1, done: 0, aborted: 0 });
    });

    it('that was heard of with its job and says that it is idle has lost it: never guessed to be done', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      await client.heartbeat(1);
      const first = await given(client);
      expect(first.reply.body).toMatchObject({ job: null, heartbeat_interval: 10 });
      expect(await scene.job(1)).toMatchObject({ job: { status: 'running' } });
      await scene.pass(10_000);
      expect((await given(client)).job).toBeNull();
      expect(await scene.job(1)).toMatchObject({ job: { status: 'pending' }, attempts: [{ outcome: 'lost' }] });
      // Its report was only late.
      expect((await client.done(1)).status).toBe(200);
      expect(await scene.job(1)).toMatchObject({ job: { status: 'done' }, attempts: [{ outcome: 'succeeded' }] });
    });

    it('that has lost its job gets another one, not the same: its report may be under way', async () => {
      await scene.addJobs(2);
      const { worker: client } = await given();
      await client.heartbeat(1);
      await given(client);
      await scene.pass(10_000);
      expect((await given(client)).job?.job_id).toBe(2);
      expect(await scene.job(1)).toMatchObject({ job: { status: 'pending' }, attempts: [{ outcome: 'lost' }] });
      expect((await client.done(1)).status).toBe(200);
      expect(await scene.job(1)).toMatchObject({ job: { status: 'done' }, attempts: [{ outcome: 'succeeded' }] });
    });

    it('a clock that is set forward does not shorten the time in which a copy of a report may still come', async (context) => {
      if (scene.server.store.dialect === 'postgres') return context.skip('its clock cannot be set here');
      await scene.server.client().experiments.change({ params, body: { settings: { max_attempts: 2, backoff_base_seconds: 0 } } });
      await scene.addJobs(1);
      const { worker: client } = await given();
      expect((await client.aborted(1)).status).toBe(200);
      scene.server.clock.jump(COPY_MS);
      await scene.sweep();
      expect((await given(client)).job).toBeNull();
      await scene.pass(COPY_MS);
      expect((await given(client)).job?.job_id).toBe(1);
    });

    it('a late copy of an idle heartbeat takes no job away', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      await client.heartbeat(1);
      await client.heartbeat();
      await scene.pass(57_000);
      await client.heartbeat(1);
      await client.heartbeat();
      expect(await scene.job(1)).toMatchObject({ job: { status: 'running' }, attempts: [{ outcome: null }] });
      expect((await client.done(1)).status).toBe(200);
    });

    it('an upload tells that the job has begun', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      await client.upload(1, 'a.txt', Buffer.from('a'));
      expect((await given(client)).reply.body).toMatchObject({ job: null, heartbeat_interval: 10 });
    });

    it('sleeps idle and works busy without ever being suspect; beyond its term it is lost, and its job goes to others', async () => {
      await scene.addJobs(1);
      const idle = scene.client('gpunode_egg_1', token);
      const { worker: client } = await given();
      await given(idle);
      for (let round = 0; round < 4; round += 1) {
        await scene.pass(57_000);
        await client.heartbeat(1);
        await scene.sweep();
      }
      expect((await worker()).liveness).toBe('alive');
      expect((await worker('gpunode_egg_1')).liveness).toBe('alive');
      expect(await events('agent_suspect')).toBe(0);
      await scene.pass(LOST_MS);
      await scene.sweep();
      expect(await worker()).toMatchObject({ status: 'disabled', liveness: 'lost' });
      expect(await scene.job(1)).toMatchObject({ job: { status: 'pending' }, attempts: [{ outcome: 'lost' }] });
      // Whoever lost it may still report it with this token.
      expect((await given(idle)).job).toBeNull();
      expect(await scene.server.client().jobs.wait({ params: { ...params, number: 1 } })).toMatchObject({ wait: { reason: 'barred' } });
      const other = scene.client('other_owl_0', await scene.token());
      expect((await given(other)).job?.job_id).toBe(1);
      const late = await client.done(1);
      expect(late).toMatchObject({ status: 400, body: { error: expect.stringContaining('evidence') } });
      expect(await scene.job(1)).toMatchObject({
        job: { status: 'running' },
        attempts: [{ outcome: 'lost', evidence: { outcome: 'succeeded' } }, { outcome: null }],
      });
      expect((await client.upload(1, 'late.txt', Buffer.from('late'))).status).toBe(200);
      const { artifacts } = await scene.server.client().results.artifacts({ params: { ...params, number: 1 }, query: {} });
      expect(artifacts).toMatchObject([{ name: 'late.txt', attempt: 1, superseded: true }]);
      expect((await other.done(1)).status).toBe(200);
    });

    it('a late success counts if nobody has the job and nobody edited it', async () => {
      await scene.addJobs(2);
      const { worker: client } = await given();
      await client.heartbeat(1);
      await scene.pass(LOST_MS);
      await scene.sweep();
      expect((await client.done(1)).status).toBe(200);
      expect(await scene.job(1)).toMatchObject({ job: { status: 'done' } });
      const second = await given(client);
      await second.worker.heartbeat(2);
      await scene.pass(LOST_MS);
      await scene.sweep();
      await scene.server.client().jobs.edit({ params: { ...params, number: 2 }, body: { params: { index: 7 } } });
      expect((await client.done(2)).status).toBe(400);
      expect(await scene.job(2)).toMatchObject({ job: { status: 'pending' } });
    });

    it('takes its job back when it was only silent', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      await client.heartbeat(1);
      await scene.pass(LOST_MS);
      await scene.sweep();
      await client.heartbeat(1);
      expect(await scene.job(1)).toMatchObject({ job: { status: 'running' }, attempts: [{ attempt: 1, outcome: null }] });
      expect((await client.done(1)).status).toBe(200);
    });

    it('with the token of the holder, but another name in its report, is refused', async () => {
      await scene.addJobs(2);
      const { worker: client } = await given();
      const other = await given(scene.client('gpunode_egg_1', token));
      expect(other.job?.job_id).toBe(2);
      expect((await client.done(2)).status).toBe(400);
      expect(await scene.job(2)).toMatchObject({ job: { status: 'running' } });
      expect((await other.worker.done(2)).status).toBe(200);
      expect((await client.done(99)).status).toBe(404);
    });

    it('keeps its own id where it can: not that of a worker of another experiment or of an agent', async () => {
      await scene.server.newExperiment('other-work');
      const elsewhere = await scene.token(scene.server.key, 'other-work');
      await given();
      await given(scene.client('gpunode_egg_1', token));
      const same = await given(scene.client('gpunode_egg_0', elsewhere));
      expect(same.reply.status).toBe(200);
      const { workers } = await scene.server.client().workers.list({ params: { experiment: 'other-work' }, query: {} });
      expect(workers).toHaveLength(1);
      expect(workers[0]!.worker_id).toMatch(/^gpunode_[a-z0-9]+_0$/);
      expect(workers[0]!.worker_id).not.toBe('gpunode_egg_0');
      expect((await scene.server.client().workers.list({ params, query: {} })).workers.map((one) => one.worker_id)).toEqual(['gpunode_egg_0', 'gpunode_egg_1']);
    });

    it('goes on from a checkpoint that an agent of ours stored, and the other way round', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      await client.checkpoint(1, Buffer.from('half way'));
      await client.stopped('stop', 1);
      const total = { cpus: 1, memory_bytes: 1, gpus: 0 };
      const facts = { workers: 1, machine_class: null, has_script: true, total, version: '0.4.2', process_id: 1, platform: 'test' };
      const agent = await scene.server.client().agents.register({ body: { ...facts, host: 'm', instance: 'fox', experiments: null } });
      const own = scene.server.client(agent.secret);
      const said = { incarnation: 'a', sent_at: new Date(scene.server.clock.now()).toISOString(), free: total, has_script: true, wait_seconds: 0 };
      const { leases } = await own.agents.sync({ body: { ...said, sync_seq: 1, free_slots: [0], running: [], finished: [] } });
      const [lease] = leases;
      const job = scene.server.client(`jdt_${lease!.job_id}.${lease!.attempt}.${lease!.rank}.${lease!.token}`);
      expect(await (await job.results.latestCheckpoint({})).text()).toBe('half way');
      await scene.server.send('/api/v1/attempt/checkpoint', {
        method: 'PUT',
        key: `jdt_${lease!.job_id}.${lease!.attempt}.${lease!.rank}.${lease!.token}`,
        text: 'further',
      });
      await own.agents.sync({
        body: {
          ...said,
          sync_seq: 2,
          free_slots: [],
          running: [],
          finished: [
            { ...lease!, outcome: 'released', exit_code: null, signal: null, message: null, started_at: null, finished_at: said.sent_at, duration_ms: null },
          ],
        },
      });
      await scene.pass(COPY_MS);
      const next = await given(scene.client('gpunode_owl_0', token));
      expect(next.job?.job_id).toBe(1);
      expect(Buffer.from((await next.worker.latest(1))!).toString()).toBe('further');
    });
  });
}

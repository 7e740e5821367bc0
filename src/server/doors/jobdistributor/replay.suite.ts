// The request sequences of JobDistributor's client, replayed against a whole server on every engine.
import { describe, expect, it } from 'vitest';

import { storePerTest } from '../../../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../../../test/support/stores.ts';
import { LIMITS } from '../../../core/limits.ts';

import { type DoorScene, EXPERIMENT, openDoorScene } from './scene.suite.ts';

const params = { experiment: EXPERIMENT };
const COPY_MS = LIMITS.old_report_seconds.value * 1000 + 1;

export function replaySuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`a client of JobDistributor on ${name}`, () => {
    let scene: DoorScene;
    let token: string;

    storePerTest(make, async (store, clock) => {
      scene = await openDoorScene({ store, clock });
      token = await scene.token();
    });

    const given = (client = scene.client('gpunode_egg_0', token)) => scene.given(client);
    const worker = (id = 'gpunode_egg_0') => scene.worker(id);
    const tell = (action: 'run' | 'pause' | 'drain' | 'stop') => scene.server.client().workers.command({ params, body: { action } });

    it('runs once with a job, and once without', async () => {
      await scene.addJobs(1);
      const { worker: client, reply, job } = await given();
      expect(reply.status).toBe(200);
      expect(reply.body).toMatchObject({
        desired_state: 'run',
        desired_version: 0,
        applied_version: 0,
        pending: false,
        heartbeat_interval: 57,
        poll_interval: 57,
      });
      expect(job).toEqual({ job_id: 1, parameters: { index: 0 }, status: 'SERVED' });
      expect(await scene.counts()).toMatchObject({ running: 1 });
      const report = await client.done(1);
      expect(report).toMatchObject({ status: 200, body: { job_id: 1, status: 'DONE' } });
      expect(await scene.job(1)).toMatchObject({ job: { status: 'done', outcome: 'succeeded', exit_code: 0, worker_id: 'gpunode_egg_0' } });
      expect((await client.heartbeat()).body).toMatchObject({ job: null, heartbeat_interval: 180, control_chunk: 60, status_retry_count: 8 });
    });

    it('is a worker like any other: class, version, metrics, history', async () => {
      await scene.addJobs(1);
      await given();
      expect(await worker()).toMatchObject({
        status: 'busy',
        liveness: 'alive',
        machine_class: 'worker',
        agent_version: 'jd-worker 1.29.0',
        job: { number: 1 },
      });
      expect((await worker()).metrics).toMatchObject({
        cpu_percent: 12.5,
        load_1: 0.5,
        memory_total_bytes: 16 * 2 ** 30,
        memory_used_bytes: 8 * 2 ** 30,
        cpu_cores: 4,
      });
      const { total, has_script } = await scene.server.client().workers.get({ params: { ...params, worker: 'gpunode_egg_0' } });
      expect({ total, has_script }).toEqual({ total: { cpus: 0, memory_bytes: 0, gpus: 0 }, has_script: true });
    });

    it('gets only jobs without a command and without resources, of its class, in the order of the queue', async () => {
      await scene.addJobs(1, { command: 'true' });
      await scene.addJobs(1, { resources: { cpus: 1 } });
      await scene.addJobs(1, { machine_class: 'gpu' });
      await scene.addJobs(1);
      await scene.addJobs(1, { priority: 5, machine_class: 'worker' });
      const first = await given();
      expect(first.job?.job_id).toBe(5);
      await first.worker.done(5);
      expect((await given()).job?.job_id).toBe(4);
      await first.worker.done(4);
      expect((await given()).job).toBeNull();
    });

    it('reports a failing script: the policy of the experiment decides about another try', async () => {
      await scene.server.client().experiments.change({ params, body: { settings: { max_attempts: 2, backoff_base_seconds: 0 } } });
      await scene.addJobs(1);
      const { worker: client } = await given();
      expect((await client.aborted(1)).status).toBe(200);
      expect(await scene.job(1)).toMatchObject({
        job: { status: 'pending' },
        attempts: [{ outcome: 'failed', exit_code: 3, message: expect.stringContaining('ValueError') }],
      });
      // A copy of the report may still be under way, so the job waits before it goes to somebody with the same token.
      expect((await given()).job).toBeNull();
      expect((await client.aborted(1)).status).toBe(200);
      await scene.pass(COPY_MS);
      await scene.sweep();
      expect((await given()).job?.job_id).toBe(1);
      await client.aborted(1, 'Job failed with exit code -9');
      expect(await scene.job(1)).toMatchObject({
        job: { status: 'aborted', outcome: 'failed', signal: 'SIGKILL' },
        attempts: [{ attempt: 1 }, { attempt: 2 }],
      });
    });

    it('another token gets the failed job at once', async () => {
      await scene.server.client().experiments.change({ params, body: { settings: { max_attempts: 2, backoff_base_seconds: 0 } } });
      await scene.addJobs(2);
      const { worker: client } = await given();
      await client.aborted(1);
      await scene.sweep();
      // Behind the job that it must not be given stands another one.
      expect((await given(client)).job?.job_id).toBe(2);
      expect((await given(scene.client('other_owl_0', await scene.token()))).job?.job_id).toBe(1);
    });

    it('uploads files and checkpoints, and takes the checkpoint up again', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      expect(await client.latest(1)).toBeNull();
      const bytes = Buffer.from([0x80, 0x05, 0, 255, 13, 10, 45, 45]);
      const stored = await client.checkpoint(1, bytes);
      expect(stored).toMatchObject({
        status: 200,
        body: { success: true, version: 1, size_bytes: bytes.length, filename: expect.stringMatching(/^checkpoint_v1_\d{10}\.pt$/) },
      });
      expect(Buffer.from((await client.latest(1))!)).toEqual(bytes);
      expect((await client.upload(1, 'out/../Result.CSV', Buffer.from('a,b\n'))).body).toEqual({
        success: true,
        filename: 'Result.csv',
        version: 0,
        size_bytes: 4,
      });
      expect((await client.upload(1, 'Result.CSV', Buffer.from('a,b\n'))).body).toMatchObject({ filename: 'Result.csv', version: 0 });
      expect((await client.upload(1, 'Result.CSV', Buffer.from('a,c\n'))).body).toMatchObject({ filename: 'Result_v1.csv', version: 1 });
      expect((await client.upload(1, 'Result.CSV', Buffer.from('a,b\n'))).body).toMatchObject({ filename: 'Result_v2.csv', version: 2 });
      expect((await client.upload(1, 'weights', Buffer.alloc(0))).body).toMatchObject({ filename: 'weights.bin', version: 0, size_bytes: 0 });
      const { artifacts } = await scene.server.client().results.artifacts({ params: { ...params, number: 1 }, query: {} });
      expect(artifacts.map(({ kind, name, version }) => `${kind} ${name} ${version}`).sort()).toEqual([
        'artifact Result.csv 0',
        'artifact Result.csv 1',
        'artifact Result.csv 2',
        'artifact weights.bin 0',
        'checkpoint checkpoint 0',
      ]);
    });

    it('refuses a file that is too large, and takes one of exactly the limit', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      expect((await client.upload(1, 'big.bin', Buffer.alloc(64 * 1024, 1))).status).toBe(200);
      expect((await client.upload(1, 'huge.bin', Buffer.alloc(64 * 1024 + 1, 1))).status).toBe(413);
    });

    it('is stopped while idle: it says that it has heard, and is gone', async () => {
      const { worker: client } = await given();
      await tell('stop');
      expect(await worker()).toMatchObject({ command_waits: true });
      expect((await client.heartbeat()).body).toMatchObject({ desired_state: 'stop', desired_version: 1, applied_version: 0, pending: true, job: null });
      client.applied_version = 1;
      expect((await client.heartbeat()).body).toMatchObject({ desired_state: 'stop', applied_version: 1, pending: false });
      expect(await worker()).toMatchObject({ status: 'disabled', disabled_reason: 'stopped', applied_version: 1 });
      // Its last word once more changes nothing.
      await client.heartbeat();
      expect(await worker()).toMatchObject({ status: 'disabled' });
    });

    it('a new process of the same name does not inherit the stop', async () => {
      const { worker: client } = await given();
      await tell('stop');
      await client.heartbeat();
      client.applied_version = 1;
      await client.heartbeat();
      await scene.addJobs(1);
      const next = await given();
      expect(next.reply.body).toMatchObject({ desired_state: 'run', desired_version: 0, pending: false });
      expect(next.job?.job_id).toBe(1);
      await tell('pause');
      expect((await next.worker.heartbeat(1)).body).toMatchObject({ desired_state: 'pause', desired_version: 1, pending: true });
    });

    it('is stopped while busy: it finishes its job first', async () => {
      await scene.addJobs(2);
      const { worker: client } = await given();
      await tell('stop');
      expect((await client.heartbeat(1)).body).toMatchObject({ desired_state: 'drain', desired_version: 1, pending: true });
      client.applied_version = 1;
      expect((await client.heartbeat(1)).body).toMatchObject({ desired_state: 'drain', applied_version: 1, pending: false });
      expect(await worker()).toMatchObject({ status: 'busy', desired_state: 'stop', command_waits: false });
      expect((await client.done(1)).status).toBe(200);
      expect(await scene.job(1)).toMatchObject({ job: { status: 'done' } });
      expect(await worker()).toMatchObject({ status: 'disabled', disabled_reason: 'stopped' });
      expect(await scene.job(2)).toMatchObject({ job: { status: 'pending' } });
    });

    it('pauses and resumes', async () => {
      await given();
      await tell('pause');
      await scene.addJobs(1);
      const { worker: client, reply, job } = await given();
      expect(reply.body).toMatchObject({ desired_state: 'pause', desired_version: 1, heartbeat_interval: 180 });
      expect(job).toBeNull();
      client.applied_version = 1;
      expect((await given(client)).job).toBeNull();
      await tell('run');
      expect((await given(client)).reply.body).toMatchObject({ desired_state: 'run', desired_version: 2, pending: true, job: null });
      client.applied_version = 2;
      expect((await given(client)).job?.job_id).toBe(1);
    });

    it('a command that was taken back is not applied', async () => {
      const { worker: client } = await given();
      await tell('stop');
      await scene.server.client().workers.cancelCommand({ params, body: {} });
      expect((await client.heartbeat()).body).toMatchObject({ desired_state: 'run', desired_version: 2 });
    });

    it('drains: busy after its job, idle at once', async () => {
      await scene.addJobs(1);
      const busy = await given();
      const idle = await given(scene.client('gpunode_egg_1', token));
      await tell('drain');
      expect((await busy.worker.heartbeat(1)).body).toMatchObject({ desired_state: 'drain', desired_version: 1 });
      busy.worker.applied_version = 1;
      await busy.worker.heartbeat(1);
      await busy.worker.done(1);
      expect(await worker()).toMatchObject({ status: 'disabled', disabled_reason: 'drained' });
      // Idle, such a client goes on either word, but says so only on this one.
      expect((await idle.worker.heartbeat()).body).toMatchObject({ desired_state: 'stop', desired_version: 1 });
      idle.worker.applied_version = 1;
      await idle.worker.heartbeat();
      expect(await worker('gpunode_egg_1')).toMatchObject({ status: 'disabled', disabled_reason: 'drained' });
    });

    it('is ended with its job when the job is cancelled', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      await client.heartbeat(1);
      await scene.server.client().jobs.cancel({ params: { ...params, number: 1 }, body: {} });
      expect(await scene.job(1)).toMatchObject({ job: { status: 'running' } });
      expect((await client.heartbeat(1)).body).toMatchObject({ desired_state: 'stop', desired_version: 1 });
      expect((await client.heartbeat(1)).body).toMatchObject({ desired_state: 'stop', desired_version: 1 });
      client.applied_version = 1;
      expect((await client.aborted(1, 'Job aborted by dashboard stop command')).status).toBe(200);
      expect(await scene.job(1)).toMatchObject({ job: { status: 'aborted', outcome: 'cancelled' } });
      await client.heartbeat();
      expect(await worker()).toMatchObject({ status: 'disabled', disabled_reason: 'stopped' });
    });

    it('is ended when its job was cancelled by force, also after it was told to finish it', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      await tell('stop');
      await client.heartbeat(1);
      client.applied_version = 1;
      await client.heartbeat(1);
      await scene.server.client().jobs.cancel({ params: { ...params, number: 1 }, body: { force: true } });
      expect((await client.heartbeat(1)).body).toMatchObject({ desired_state: 'stop', desired_version: 2 });
      expect((await client.aborted(1)).status).toBe(400);
      expect(await scene.job(1)).toMatchObject({ job: { status: 'aborted', outcome: 'cancelled' } });
    });

    it('is stopped on its machine while busy: the job is given back, and the worker stays gone', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      await client.heartbeat(1);
      expect((await client.stopped('stop', 1)).body).toEqual({ success: true, worker_id: 'gpunode_egg_0', recorded: true, job_aborted: true });
      expect(await scene.job(1)).toMatchObject({ job: { status: 'pending' }, attempts: [{ outcome: 'released' }] });
      expect(await worker()).toMatchObject({ status: 'disabled', disabled_reason: 'stop on the command line of gpunode' });
      // A last message of the process that is being ended.
      expect((await client.heartbeat(1)).body).toMatchObject({ desired_state: 'stop', job: null });
      expect(await worker()).toMatchObject({ status: 'disabled' });
      expect((await given(scene.client('gpunode_owl_0', token))).job).toBeNull();
      await scene.pass(COPY_MS);
      expect((await given(scene.client('gpunode_owl_0', token))).job?.job_id).toBe(1);
      expect((await client.stopped('stop')).body).toMatchObject({ recorded: true, job_aborted: false });
      expect((await scene.client('nobody_egg_0', token).stopped('stop')).body).toMatchObject({ recorded: false, job_aborted: false });
    });

    it('clears all workers of a machine', async () => {
      await scene.addJobs(1);
      const { worker: client } = await given();
      await given(scene.client('gpunode_egg_1', token));
      const workers = [{ worker_id: 'gpunode_egg_0', job_id: 1 }, { worker_id: 'gpunode_egg_1', job_id: null }, { worker_id: 'gpunode_egg_2' }];
      const reply = await client.json('/workers/cli/clear_all', { source: 'gpunode', workers });
      expect(reply).toMatchObject({
        status: 200,
        body: { success: true, processed: 2, workers: [{ job_aborted: true }, { job_aborted: false }, { recorded: false }] },
      });
      expect(await worker('gpunode_egg_1')).toMatchObject({ status: 'disabled', disabled_reason: 'clear_all on the command line of gpunode' });
    });

    it('goes on with another token when its own is about to end', async () => {
      await scene.addJobs(2);
      const { worker: client } = await given();
      await client.heartbeat(1);
      const early = await scene.token();
      client.token = early;
      // Another token of the same key, made long before the end of the first, is somebody else's.
      expect((await client.done(1)).status).toBe(400);
      await scene.pass((LIMITS.worker_token_seconds.value - LIMITS.worker_token_margin_seconds.value + 10) * 1000);
      // As the holder's heartbeats would have kept it.
      client.token = await scene.token();
      expect(await client.done(1)).toMatchObject({ status: 200 });
      expect(await scene.job(1)).toMatchObject({ job: { status: 'done' } });
    });
  });
}

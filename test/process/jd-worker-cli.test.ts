// `jd_worker_cli` with real servers, workers and jobs: everything that the documents of the original say of its commands.
import { existsSync, readFileSync, statSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { openStage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { openJd } from '../support/jd.ts';
import { isAlive } from '../support/program.ts';

/** Waits at a gate, so that the test decides when a job ends. */
const TRAIN = `
import argparse, json, os, sys, time
from jd import jd_job_dir
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
args = parser.parse_args()
print("learning with", args.lr, flush=True)
print("a warning", file=sys.stderr, flush=True)
gate = os.environ["GATES"] + "/" + os.environ["JD_JOB_ID"]
while not os.path.exists(gate):
    time.sleep(0.02)
(jd_job_dir() / "result.json").write_text(json.dumps({"lr": args.lr}))
sys.exit(int(open(gate).read() or 0))
`;

interface Worker {
  readonly worker_id: string;
  readonly pid: number;
  readonly status: string;
  readonly job: { readonly number: number } | null;
}

async function open(lifetime: Parameters<typeof openStage>[0], name = 'digits-tune') {
  const stage = openStage(lifetime);
  const server = await stage.server();
  const experiment = await createExperiment(server, name, { grace_seconds: 5 });
  stage.file('work/train.py', TRAIN);
  stage.file('gates/.here', '');
  stage.env['GATES'] = stage.path('gates');
  const jd = openJd(stage, server.url);
  const workers = () => jd.json<Worker[]>(`expId=${name} worker-list`);
  const openGate = (job: number, code = 0): string => stage.file(`gates/${job}`, String(code));
  /** Resolves when so many jobs run. */
  const busy = (count: number) =>
    eventually(async () => {
      const now = await workers();
      expect(now.filter(({ job }) => job !== null)).toHaveLength(count);
      return now;
    });
  return { stage, server, experiment, jd, workers, openGate, busy };
}

describe('launching', () => {
  test('in the background: ids and process of each worker, logs at their place, everything in them', async (lifetime) => {
    const { stage, experiment, jd, workers, openGate, busy } = await open(lifetime);
    for (const lr of [0.1, 0.2]) await experiment.add({ params: { lr } });
    const said = await jd.ok('entry_script=train.py expId=digits-tune num_workers=2 machine_type=gpu-a100');
    expect(said).toMatch(/^WORKER_ID +PID +LOG$/m);
    const started = await busy(2);
    expect(started.map(({ worker_id }) => worker_id)).toEqual([`${jd.instance()}_0`, `${jd.instance()}_1`]);
    expect(jd.instance()).toMatch(/^[a-z0-9]{1,12}_[a-z]{1,12}$/);
    for (const { worker_id, pid } of started) {
      expect(said).toMatch(new RegExp(`^${worker_id} +${pid} `, 'm'));
      expect(isAlive(pid)).toBe(true);
    }
    openGate(1);
    openGate(2, 3);
    expect((await experiment.ends()).map(({ status }) => status)).toEqual(['done', 'aborted']);
    const logs = started.map(({ worker_id }) => stage.path(`workspace/jd_data/digits-tune/jd_worker_logs/jd_worker_${worker_id}.log`));
    const failed = logs.map((path) => readFileSync(path, 'utf8')).find((text) => text.includes('job=digits-tune/2'))!;
    expect(failed).toMatch(
      / {2}INFO {6}job runs {2}job=digits-tune\/2 .*\n[^]* {2}OUT {7}learning with 0.2\n[^]*INFO {6}job ended {2}job=digits-tune\/2 .*exit_code=3/,
    );
    expect(failed).toMatch(/ {2}ERR {7}a warning\n/);
    expect(failed).not.toContain('learning with 0.1');
    expect(JSON.parse(stage.read('workspace/jd_data/digits-tune/1/result.json'))).toEqual({ lr: 0.1 });
    expect((await workers()).map(({ status }) => status)).toEqual(['idle', 'idle']);
    expect(await jd.ok('worker-logs {W}_0 expId=digits-tune lines=1')).toMatch(/^\S+Z {2}\S+ +.*\n$/);
    expect(await jd.ok('expId=digits-tune stop all')).toMatch(new RegExp(`Stopped ${jd.instance()}_0, ${jd.instance()}_1\\.`));
    expect(await workers()).toEqual([]);
    expect(await jd.ok('expId=digits-tune worker-logs {W}_1 lines=3')).toContain('agent ends');
  });

  test('foreground and once: one job with its output, then out; with no job at once', async (lifetime) => {
    const { stage, experiment, jd, openGate } = await open(lifetime);
    await experiment.add({ params: { lr: 0.5 } });
    openGate(1, 1);
    const said = await jd.ok('expId=digits-tune entry_script=train.py foreground=true once=true');
    expect(said).toContain('OUT       learning with 0.5');
    expect(said).toMatch(/job ended {2}job=digits-tune\/1 .*exit_code=1/);
    expect((await experiment.job(1)).status).toBe('aborted');
    // By variables, and nothing to do.
    const env = {
      JD_EXP_ID: 'digits-tune',
      JD_ENTRY_SCRIPT: 'train.py',
      JD_FOREGROUND: 'True',
      JD_ONCE: 'YES',
      JD_NUM_WORKERS: '2',
      JD_LOG_DIR: stage.path('own-logs'),
    };
    expect(await jd.ok('process_id=7', { env })).toContain('agent ends');
    expect(existsSync(stage.path(`own-logs/jd_worker_${/workers="(\S+) /.exec((await jd('process_id=7', { env })).output)![1]}.log`))).toBe(true);
  });

  test('a script that is missing, an experiment that is not there, a key that is wrong', async (lifetime) => {
    const { stage, jd } = await open(lifetime);
    const secret = `jd${'_'}${'k3v9aTt2fYc8'.repeat(3)}`;
    const wrong = async (line: string, env = {}) => {
      const { code, output } = await jd(line, { env });
      expect(code, output).not.toBe(0);
      expect(output).not.toContain(secret);
      return output;
    };
    expect(await wrong('expId=digits-tune entry_script=missing.py')).toContain('missing.py does not exist');
    expect(await wrong('expId=digit-tune entry_script=train.py')).toContain('Did you mean digits-tune?');
    expect(await wrong('entry_script=train.py')).toContain('Give expId=NAME or set JD_EXP_ID');
    expect(await wrong(`expId=digits-tune entry_script=train.py api_key=${secret}`)).toContain('JD_API_KEY');
    expect(await wrong('expId=digits-tune server-info', { JD_API_KEY: secret })).toContain('Set JD_API_KEY');
    expect(await wrong(`expId=digits-tune worker-status ${secret}`)).toContain('jd_[secret]');
    expect(await wrong('expId=digits-tune worker-lst')).toContain('Did you mean worker-list?');
    expect(await wrong('expId=Digits_Tune worker-list')).toContain('Did you mean digits-tune?');
    expect(await wrong('expId=digits-tun health')).toContain('Did you mean digits-tune?');
    expect(await wrong('expId=digits-tune entry_script=train.py', { JD_MACHINE_TYPE: 'gpu a100' })).toContain('"gpu a100" cannot be machine_type');
    expect(await wrong('expId=digits-tune entry_script=train.py', { JD_ONCE: 'maybe' })).toContain('JD_ONCE="maybe" is neither true nor false');
    expect(await wrong('expId=digits-tune entry_script=train.py', { JD_CACHE_PATH: stage.path('work/train.py') })).toMatch(
      /train\.py is a file, .* the registry of workers\. JD_CACHE_PATH names another place\.\n$/,
    );
    // As somebody who has neither a server nor a key.
    const newcomer = { HOME: stage.path('tmp') };
    for (const line of ['expId=digits-tune entry_script=train.py port=1', 'health port=1']) {
      const { code, output } = await openJd(stage, null)(line, { env: newcomer });
      expect(output).toMatch(/No server answers at http:\/\/127\.0\.0\.1:1 .* Start one with: drover up\./);
      expect(code).toBe(5);
    }
  });
});

describe('steering', () => {
  test('scale: up by more workers of the same word, down with the idle ones first; one that is drained leaves alone', async (lifetime) => {
    const { server, experiment, jd, workers, openGate, busy } = await open(lifetime);
    for (const lr of [1, 2]) await experiment.add({ params: { lr } });
    await jd.ok('expId=digits-tune entry_script=train.py num_workers=4');
    const running = (await busy(2)).filter(({ job }) => job !== null).map(({ worker_id }) => worker_id);
    expect(await jd.ok('expId=digits-tune scale num_workers=2')).toContain('from 4 to 2 workers');
    expect((await workers()).map(({ worker_id, status }) => [worker_id, status])).toEqual(running.map((id) => [id, 'busy']));
    await eventually(async () => {
      const { workers: known } = await server.api.workers.list({ params: { experiment: 'digits-tune' }, query: { state: 'disabled' } });
      expect(known.map(({ disabled_reason }) => disabled_reason)).toEqual(['stopped on its machine', 'stopped on its machine']);
    });
    expect(await jd.ok('expId=digits-tune scale num_workers=6')).toContain('from 2 to 6 workers');
    const more = await busy(2);
    expect(more.map(({ worker_id }) => worker_id)).toEqual([0, 1, 2, 3, 4, 5].map((slot) => `${jd.instance()}_${slot}`));
    await eventually(async () => expect((await experiment.attempts(1)).length).toBe(1));

    expect(await jd.ok(`expId=digits-tune drain ${running[0]}`)).toContain(`First ${running[0]} finishes job`);
    expect(await jd.ok('expId=digits-tune exp-status')).toMatch(/Draining +1 worker of 6\nWorkers +6 \(2 busy, 4 idle\)/);
    expect((await workers()).filter(({ status }) => status === 'draining').map(({ worker_id }) => worker_id)).toEqual([running[0]]);
    openGate(1);
    openGate(2);
    await experiment.ends();
    await eventually(async () => expect(await workers()).toHaveLength(5));
    await experiment.add({ params: { lr: 3 } });
    const third = (await busy(1)).find(({ job }) => job !== null)!;
    expect(third.worker_id).not.toBe(running[0]);

    // Who was sent away does not come back by a restart.
    expect((await jd.ok('expId=digits-tune restart all')).match(/_\d/g)).toHaveLength(5);
    const [again] = await busy(1);
    expect(await workers()).toHaveLength(5);
    expect(await jd.ok('expId=digits-tune drain')).toContain('they take no more jobs and leave');
    expect(await jd.ok('expId=digits-tune exp-status')).toMatch(/Draining +yes\nWorkers +1 \(1 busy, 0 idle\)/);
    openGate(3);
    await experiment.ends();
    await eventually(async () => expect(isAlive(again!.pid)).toBe(false));
    expect((await experiment.attempts(1)).map(({ outcome }) => outcome)).toEqual(['succeeded']);
  });

  test('stop by id, by job and of all; restart; the jobs go back into the queue', async (lifetime) => {
    const { stage, experiment, jd, workers, openGate, busy } = await open(lifetime);
    for (const lr of [1, 2, 3]) await experiment.add({ params: { lr } });
    await jd.ok('expId=digits-tune entry_script=train.py num_workers=3');
    const three = await busy(3);
    const of = (job: number): string => three.find((worker) => worker.job?.number === job)!.worker_id;
    expect(await jd.ok('expId=digits-tune stop job=2')).toContain(`Stopped ${of(2)}. Job 2 went back into the queue.`);
    expect(await jd.ok(`expId=digits-tune stop ${of(3)}`)).toContain(`Stopped ${of(3)}. Job 3 went back into the queue.`);
    expect((await workers()).map(({ worker_id }) => worker_id)).toEqual([of(1)]);
    expect((await experiment.attempts(2)).map(({ outcome }) => outcome)).toEqual(['released']);
    expect((await jd('expId=digits-tune stop job=2')).output).toContain('No worker of this machine runs job 2');

    expect(await jd.ok('expId=digits-tune scale num_workers=3')).toContain(`Started ${[of(2), of(3)].toSorted((x, y) => (x < y ? -1 : 1)).join(', ')}.`);
    await busy(3);
    expect(await jd.ok('expId=digits-tune restart all')).toMatch(/^WORKER_ID +PID$/m);
    const again = await busy(3);
    expect(again.map(({ worker_id }) => worker_id)).toEqual(three.map(({ worker_id }) => worker_id));
    expect(again[0]!.pid).not.toBe(three[0]!.pid);
    expect(await jd.ok(`expId=digits-tune restart ${again[1]!.worker_id}`)).toContain(String(again[1]!.pid));
    expect((await busy(3))[0]!.pid).toBe(again[0]!.pid);

    // By the name of a worker, with the other program.
    const stopped = await stage.drover(['worker', 'stop', again[2]!.worker_id]);
    expect([stopped.code, stopped.output]).toEqual([0, `Stopped ${again[2]!.worker_id}.\n`]);
    expect(await workers()).toHaveLength(2);

    expect((await jd('expId=digits-tune confirm-stop', { input: 'digits\n' })).code).toBe(3);
    expect(await workers()).toHaveLength(2);
    expect(await jd.ok('expId=digits-tune stop all confirm-stop=true', { input: 'digits-tune\n' })).toContain('Type digits-tune to go on');
    expect(isAlive(again[0]!.pid)).toBe(false);
    expect((await jd('expId=digits-tune stop all')).output).toContain('No workers of digits-tune run on this machine.');
    for (const job of [1, 2, 3]) openGate(job);
    // A new launch takes the dead one's place: same ids.
    await jd.ok('expId=digits-tune entry_script=train.py num_workers=3');
    expect((await workers()).map(({ worker_id }) => worker_id)).toEqual(three.map(({ worker_id }) => worker_id));
    expect((await experiment.ends()).map(({ status }) => status)).toEqual(['done', 'done', 'done']);
  });
});

describe('looking and tidying up', () => {
  test('every command that looks says what it is documented to say, for eyes and as JSON', async (lifetime) => {
    const { stage, server, experiment, jd, busy } = await open(lifetime);
    await createExperiment(server, 'other-tune');
    await experiment.add({ params: { lr: 1 } });
    await experiment.add({ params: { lr: 2 } });
    await jd.ok('expId=other-tune');
    await jd.ok('expId=digits-tune entry_script=train.py machine_type=gpu process_id=4');
    await busy(1);
    expect(await jd.ok('exp-list')).toMatch(/^EXPERIMENT +WORKERS\ndigits-tune +1\nother-tune +1\nTotal +2\n$/);
    expect(await jd.ok('worker-list expId=digits-tune')).toMatch(
      /^WORKER_ID +PID +STATUS +JOB +STARTED +ENTRY_SCRIPT\n\S+_0 +\d+ +busy +1 +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +\S+work\/train\.py\n$/,
    );
    expect(await jd.ok('expId=digits-tune exp-status')).toMatch(
      /^Experiment +digits-tune\nDraining +no\nWorkers +1 \(1 busy, 0 idle\)\n\nWORKER_ID +STATUS +JOB +PID\n/,
    );
    const status = await jd.ok('expId=digits-tune worker-status {W}_0');
    for (const line of [
      /^worker_id +\S+_0$/m,
      /^status +busy$/m,
      /^current_job +digits-tune\/1, attempt 1, for \d+s$/m,
      /^uptime +\d+s$/m,
      /^last_ping +\d+s ago$/m,
      /^log +\S+\.log$/m,
    ])
      expect(status).toMatch(line);
    const config = await jd.ok('expId=digits-tune show-config {W}_0');
    for (const line of [/^entry_script +\S+train\.py$/m, /^machine_type +gpu$/m, /^num_workers +1$/m, /^process_id +4$/m, /^api_key +not kept/m])
      expect(config).toMatch(line);
    expect(config).not.toMatch(/jda_/);
    expect(await jd.ok('expId=digits-tune server-info')).toMatch(/STATUS +COUNT\nPENDING +1\nSERVED +1\nDONE +0\nABORTED +0\nDELETED +0\nTotal +2\n$/);
    expect(await jd.ok('expId=digits-tune health')).toMatch(
      /^Server \(\S+\) +OK, Drover \S+\nAPI key +OK, .*\nExperiment digits-tune +OK, 1 busy and 0 idle workers\n$/,
    );
    expect(await jd.ok('expId=digits-tune where')).toContain(stage.path('workspace/jd_data/digits-tune/jd_worker_logs'));
    expect(await jd.ok('version')).toMatch(/^jd_worker_cli +\d+\.\d+\.\d+/);
    expect(await jd.ok('help')).toContain('worker-logs <worker-id> [lines=N] [follow=true]');

    const follow = jd.start('expId=digits-tune worker-logs {W}_0 follow=true');
    await eventually(() => expect(follow.output()).toContain('OUT       learning with 1'));
    stage.file('gates/1', '');
    await eventually(() => expect(follow.output()).toMatch(/job ended {2}job=digits-tune\/1/));
    follow.signal('SIGINT');
    expect((await follow.exited).code).toBe(0);

    for (const [line, shape] of [
      [
        'exp-list',
        {
          experiments: [
            { experiment: 'digits-tune', workers: 1 },
            { experiment: 'other-tune', workers: 1 },
          ],
          total: 2,
        },
      ],
      ['expId=digits-tune exp-status', { experiment: 'digits-tune', draining: false, workers: 1 }],
      ['expId=digits-tune worker-status {W}_0', { entry_script: stage.path('work/train.py'), machine_type: 'gpu' }],
      ['expId=digits-tune show-config {W}_0', { api_key: null, num_workers: 1 }],
      ['expId=digits-tune server-info', { experiment: 'digits-tune', total: 2 }],
      ['expId=digits-tune health', { ok: true }],
      ['expId=digits-tune where', { jd_data: stage.path('workspace/jd_data') }],
      ['expId=digits-tune worker-logs {W}_0 lines=2', { worker_id: `${jd.instance()}_0` }],
      ['version', { cache: stage.path('cache') }],
    ] as const)
      expect(await jd.json(line), line).toMatchObject(shape);
    expect(await jd.ok('stop all-experiments')).toContain('Stopped');
    expect((await jd('exp-list')).output).toBe('No workers run on this machine.\n');
  });

  test('prune removes the dead that have nothing to deliver, clear_all everything; both work without a server', async (lifetime) => {
    const { stage, server, experiment, jd, workers, busy } = await open(lifetime);
    await jd.ok('expId=digits-tune entry_script=train.py');
    await jd.ok('expId=digits-tune stop all');
    const entry = `cache/.cache/digits-tune/${jd.instance()}.json`;
    expect(statSync(stage.path(entry)).mode & 0o777).toBe(0o600);
    // A start looks through the registry too, and leaves what the next launch may take over.
    await jd.ok('exp-list');
    expect(stage.read(entry)).not.toBe('');
    expect(await jd.ok('prune')).toBe(`Removed ${jd.instance()}. Nothing is left of digits-tune.\n`);
    expect(stage.read(entry)).toBe('');
    expect(await jd.ok('prune')).toBe('The registry is empty.\n');

    await experiment.add({ params: { lr: 1 } });
    await jd.ok('expId=digits-tune entry_script=train.py num_workers=60');
    const [{ pid }] = (await busy(1)) as [Worker];
    await server.stop();
    expect((await jd('expId=digits-tune health')).code).toBe(5);
    expect((await jd('expId=digits-tune server-info')).output).toMatch(/No server answers at http\S+ .*server= and port=, or JD_SERVER/);
    // From fifty workers on, whoever looks at a terminal sees how far the look through the registry is.
    const seen = await jd.typed([['Looking through the registered workers: 60/60', '']], ['expId=digits-tune', 'exp-status']);
    expect(await jd.ok('exp-list')).not.toContain('Looking through');
    expect(seen).toMatch(/Workers +60 \(1 busy, 59 idle\)/);
    const unlooked = await jd.typed([['60 (1 busy', '']], ['expId=digits-tune', 'exp-status'], { JD_SKIP_REGISTRY_PRUNE: '1' });
    expect(unlooked).not.toContain('Looking through');
    const meant = await jd('expId=digits-tune stop al');
    expect([meant.code, meant.output]).toEqual([4, expect.stringContaining('Did you mean all?')]);
    expect((await jd('clear_all', { input: 'no\n' })).output).toContain('Nothing was changed.');
    expect(await workers()).toHaveLength(60);
    const cleared = await jd.ok('clear_all', { input: 'clear_all\n' });
    expect(cleared).toContain(`Kept: ${jd.instance()}, with results that the server has not got yet.`);
    expect(isAlive(pid)).toBe(false);
    // What was kept is delivered by the next launch; then nothing holds the entry any more.
    await server.start();
    await jd.ok('expId=digits-tune entry_script=train.py');
    await eventually(async () => expect((await experiment.attempts(1))[0]).toMatchObject({ outcome: 'released' }));
    stage.file('gates/1', '');
    await experiment.ends();
    expect(await jd.ok('clear_all confirm-clear-all=true')).toMatch(/^Stopped \S+_0\. Removed \S+\. Nothing is left of digits-tune\.\n$/);
  });
});

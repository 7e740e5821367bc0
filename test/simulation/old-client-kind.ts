// Machines with workers of JobDistributor: the client that its documents describe, over the simulated clock and network.
import { createHash } from 'node:crypto';

import { LIMITS } from '../../src/core/limits.ts';
import { nextWithinMs } from '../../src/core/old-client.ts';
import { OldClient, type OldJob, type OldProcess, type OldReply, type OldRequest, OldWorker } from '../support/old-client.ts';

import { SERVER_URL } from './agent-node.ts';
import { planOf } from './job-plan.ts';
import type { Life, Machine } from './machine.ts';
import type { Ground, Node, NodeKind } from './node.ts';
import type { OldRun } from './old-ledger.ts';
import type { Random } from './random.ts';

/** The client closes a connection after half a minute; what a network keeps of it is shorter than what the server waits for. */
const MOST_DELAY_MS = (LIMITS.old_report_seconds.value * 1000) / 2 - 1;
const CLIENT_TIMEOUT_MS = 30_000;
const RESTART_MS = { least: 1_000, most: 200_000 };
/** After so long somebody who sees jobs wait starts other workers. */
const LONG_MS = 3_600_000;
const WORDS = ['egg', 'owl', 'fig', 'oak', 'elm'];

export const oldClientKind: NodeKind = {
  prefix: 'o',
  count: (random, { has_old_clients, users }) => (has_old_clients ? users.experiments.length + random.fork('old clients').int(0, 1) : 0),
  isEnough: (left, { has_old_clients, users }) =>
    !has_old_clients || users.experiments.every((name) => left.some((node) => node instanceof OldClientNode && node.experiment === name)),
  make: (name, ground) => new OldClientNode(name, ground),
};

/** One launch: some workers that share a token, and that all go when one of them is told to. */
class OldClientNode implements Node {
  readonly name: string;
  readonly machine: Machine;
  retired = false;
  readonly #ground: Ground;
  readonly #random: Random;
  readonly experiment: string;
  #lives: { readonly worker_id: string; readonly life: Life }[] = [];
  /** No worker is refused for what it was before. */
  #calm = false;
  #launched_at = 0;
  /** What stands between it and the server sends some requests again. */
  readonly #copied: number;

  constructor(name: string, ground: Ground) {
    this.name = name;
    this.#ground = ground;
    this.#random = ground.world.random.fork(`old clients of ${name}`);
    this.machine = ground.makeMachine(name);
    this.#copied = this.#random.pick([0, 0.1, 0.3]);
    const { experiments } = ground.users;
    this.experiment = experiments[Number(name.slice(1)) % experiments.length]!;
  }

  start(): void {
    if (this.retired || this.#lives.some(({ life }) => !life.dead)) return;
    const { world } = this.#ground;
    const launcher = this.machine.start('launcher');
    this.#lives = [{ worker_id: '', life: launcher }];
    this.#launched_at = world.time;
    world.trace(`${this.name} workers are launched`);
    this.machine.deliver(launcher, 1, () => void this.#launch(launcher));
  }

  kill(back: boolean): void {
    if (this.#lives.length === 0) return;
    this.#ground.world.trace(`${this.name} workers are killed`);
    this.#gone();
    if (back) this.#startLater();
  }

  retire(): void {
    this.#ground.world.trace(`${this.name} is gone for good`);
    this.retired = true;
    this.#gone();
  }

  losePower(): void {
    this.kill(true);
  }

  recordRestored(): void {}

  calm(): void {
    this.#calm = true;
    this.start();
  }

  attend(): void {
    if (this.#lives.every(({ life }) => life.dead)) return this.start();
    // What these may not be given for a day, because one of them is gone without a word, another launch may.
    const isLong = this.#ground.world.time - this.#launched_at > LONG_MS;
    if (!isLong || this.#runs().length > 0) return;
    this.kill(false);
    this.start();
  }

  unfinished(): string | null {
    const running = this.#runs().length;
    return running === 0 ? null : `${this.name} still runs ${running} jobs`;
  }

  #runs(): OldRun[] {
    return this.#ground.old.runs.filter((run) => run.ended === null && this.#lives.some(({ worker_id }) => worker_id === run.worker_id));
  }

  #gone(): void {
    for (const run of this.#runs()) run.ended = this.#ground.world.time;
    for (const { life } of this.#lives) life.dead = true;
    this.#lives = [];
  }

  #startLater(): void {
    this.#ground.world.after(this.#random.spread(RESTART_MS.least, RESTART_MS.most), () => this.start());
  }

  async #launch(launcher: Life): Promise<void> {
    const token = await this.#token(launcher);
    const count = this.#random.int(1, 3);
    // Each has a word of its own; names come again.
    const first = this.#random.int(0, WORDS.length - 1);
    const workers = Array.from({ length: count }, (_, slot) => ({
      worker_id: `${this.name}_${WORDS[(first + slot) % WORDS.length]}_${slot}`,
      life: this.machine.start('worker'),
    }));
    launcher.dead = true;
    this.#lives = workers;
    for (const worker of workers) {
      this.#ground.old.knows(worker.worker_id);
      this.#ground.silence.knowsWorker(worker.worker_id, nextWithinMs(false));
      this.machine.deliver(worker.life, 1, () => void this.#work(worker, token));
    }
    if (this.#random.chance(0.3)) this.#stopLater(workers, token);
  }

  async #token(life: Life): Promise<string> {
    const clock = this.machine.clock(life);
    for (;;) {
      const body = JSON.stringify({ experiment_name: this.experiment });
      const headers = { authorization: `Bearer ${this.#ground.api_key}`, 'content-type': 'application/json' };
      const reply = await this.#request(life, { method: 'POST', path: '/api/worker/token', headers, body }).catch(() => null);
      if (reply?.status === 200) return reply.body['worker_token'] as string;
      await clock.sleep(this.#random.spread(1_000, 60_000));
    }
  }

  /** `jd_worker_cli stop` of one of them: the server is told, then the process ends. */
  #stopLater(workers: readonly { readonly worker_id: string; readonly life: Life }[], token: string): void {
    const { world } = this.#ground;
    const worker = this.#random.pick(workers);
    world.after(this.#random.spread(10_000, 1_200_000), () => {
      if (worker.life.dead || this.machine.isAsleep) return;
      world.trace(`${worker.worker_id} is stopped on its machine`);
      const cli = this.machine.start('cli');
      const client = new OldClient((request) => this.#request(cli, request), worker.worker_id, token);
      void client.stopped('stop').catch(() => null);
      this.machine.deliver(cli, this.#random.spread(100, 30_000), () => this.#ended(worker, 'stopped'));
    });
  }

  async #work(worker: { readonly worker_id: string; readonly life: Life }, token: string): Promise<void> {
    const { life } = worker;
    const clock = this.machine.clock(life);
    const client = new OldClient((request) => this.#request(life, request, (status) => this.#refused(status, worker)), worker.worker_id, token);
    const why = await new OldWorker(client, {
      sleep: (ms) => clock.sleep(ms),
      run: (job, sender) => this.#run(worker, job, sender),
      onReport: (job, answer) => this.#answered(worker, job, answer),
    }).loop();
    this.#ended(worker, why);
  }

  /** Revoked, or its key is gone: a person starts anew. */
  #refused(status: number, worker: { readonly worker_id: string; readonly life: Life }): void {
    if (status === 401 || status === 403) this.machine.deliver(worker.life, 1, () => this.#ended(worker, 'refused'));
  }

  #ended(worker: { readonly worker_id: string; readonly life: Life }, why: string): void {
    if (worker.life.dead) return;
    const { world } = this.#ground;
    world.trace(`${worker.worker_id} ends: ${why}`);
    for (const run of this.#runs()) if (run.worker_id === worker.worker_id) run.ended = world.time;
    worker.life.dead = true;
    if (this.#lives.every(({ life }) => life.dead)) this.#startLater();
  }

  #run(worker: { readonly worker_id: string; readonly life: Life }, job: OldJob, client: OldClient): OldProcess {
    const { world, old, watcher, silence } = this.#ground;
    const name = `${this.experiment}/${job.job_id}`;
    const now = watcher.snapshot.leases.find((lease) => lease.worker_id === worker.worker_id);
    const row = now === undefined ? undefined : watcher.snapshot.jobs.get(now.job_id);
    const run: OldRun = {
      ...{ worker_id: worker.worker_id, job: name, attempt: row?.number === job.job_id ? now!.attempt : null, started: world.time },
      ...{ ended: null, status: null, answer: null, uploads: new Map() },
    };
    old.runs.push(run);
    world.trace(`${worker.worker_id} begins ${name}`);
    const random = this.#random.fork(`job ${old.runs.length}`);
    const plan = planOf(random, `work ${Math.round(random.spread(1_000, this.#calm ? 60_000 : 300_000))} -`);
    const life = this.machine.start('job');
    let finish: (status: number) => void = () => undefined;
    const ended = new Promise<number>((resolve) => (finish = resolve));
    const end = (status: number): void => {
      if (life.dead || worker.life.dead) return;
      life.dead = true;
      ({ ended: run.ended, status: run.status } = { ended: world.time, status });
      world.stir();
      finish(status);
    };
    for (const step of plan.steps) {
      if (step.kind !== 'upload') continue;
      this.machine.deliver(life, step.at, () => {
        if (worker.life.dead) return;
        const sha256 = createHash('sha256').update(step.bytes).digest('hex');
        const told = { name: step.name, kind: step.upload, stored: false };
        run.uploads.set(sha256, told);
        const send = step.upload === 'artifact' ? client.upload(job.job_id, step.name, step.bytes) : client.checkpoint(job.job_id, step.bytes);
        void send.then(
          (reply) => {
            told.stored = reply.status === 200;
            if (told.stored) silence.heard(worker.worker_id, world.time);
          },
          () => undefined,
        );
      });
    }
    const status = plan.end?.status ?? 1;
    this.machine.deliver(life, plan.end?.at ?? 1_000, () => end(status === 'vanish' ? -9 : status));
    return { ended, end: () => this.machine.deliver(life, random.spread(1, 2_000), () => end(-15)) };
  }

  #answered(worker: { readonly worker_id: string }, job: OldJob, answer: number): void {
    const name = `${this.experiment}/${job.job_id}`;
    const run = this.#ground.old.runs.findLast((one) => one.worker_id === worker.worker_id && one.job === name);
    if (run !== undefined) run.answer = answer;
  }

  async #request(life: Life, { method, path, headers, body }: OldRequest, onStatus: (status: number) => void = () => undefined): Promise<OldReply> {
    const { network } = this.#ground;
    const given = new AbortController();
    const timer = this.machine.clock(life).after(CLIENT_TIMEOUT_MS, () => given.abort());
    const send = network.fetchFrom({ machine: this.machine, life, most_delay_ms: MOST_DELAY_MS, copied: this.#calm ? 0 : this.#copied });
    const bytes = typeof body === 'string' || body === undefined ? body : once(body);
    try {
      const reply = await send(SERVER_URL + path, { method, headers, signal: given.signal, ...(bytes === undefined ? {} : { body: bytes }) } as never);
      const text = await reply.text();
      onStatus(reply.status);
      return { status: reply.status, bytes: new Uint8Array(), body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
    } finally {
      timer.cancel();
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

// The processes of a simulated machine: what the launcher starts, what the host sees, and jobs that behave as their seed says.
import { createHash } from 'node:crypto';
import { basename, posix } from 'node:path';

import type { Host, ProcessIdentity } from '../../src/agent/host.ts';
import type { Launcher, ProcessRequest, StartedProcess } from '../../src/agent/launcher.ts';

import type { Disk } from './disk.ts';
import { planOf, type Plan, type Step } from './job-plan.ts';
import type { Execution, Ledger } from './ledger.ts';
import type { Life, Machine } from './machine.ts';
import type { Random } from './random.ts';
import { Killed, type World } from './world.ts';

interface Job {
  readonly pid: number;
  readonly start_time: string;
  readonly boot: number;
  readonly request: ProcessRequest;
  readonly execution: Execution;
  readonly plan: Plan;
  /** The shell around the job; its group leader. */
  readonly life: Life;
  /** A child that the job left behind ends then. */
  child_until: number;
  terminated: boolean;
  onEnd: (end: { readonly signal: string | null }) => void;
}

export interface ProcessParts {
  readonly world: World;
  readonly machine: Machine;
  readonly disk: Disk;
  readonly ledger: Ledger;
  /** Called before an agent signals a job: was there a reason? */
  readonly onSignal: (execution: Execution, name: string) => void;
}

const SIGNALS = { SIGTERM: 15, SIGKILL: 9 } as const;
/** In front of the job's own command: the shell, its program, and what it is told. */
const SHIM_WORDS = 7;
const START_MS = { least: 0.5, most: 20 };

export class Processes {
  readonly #parts: ProcessParts;
  readonly #random: Random;
  readonly #jobs = new Map<number, Job>();
  /** A process of its own: it starts a job even if the agent that asked for it dies meanwhile, but not without power. */
  #launcher: Life;
  #nextPid = 1_000;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    this.#random = parts.world.random.fork(`processes of ${parts.machine.name}`);
    this.#launcher = parts.machine.start('launcher');
  }

  running(): Execution[] {
    return [...this.#jobs.values()].filter((job) => !job.life.dead).map((job) => job.execution);
  }

  /** As the operating system shows it to an agent. */
  host(agent: Life): Host {
    const { machine } = this.#parts;
    const boot_id = `boot-${machine.name}-${machine.boot}`;
    const identify = (pid: number): ProcessIdentity | null => {
      const job = this.#jobs.get(pid);
      return job === undefined || job.life.dead ? null : { pid, start_time: job.start_time, boot_id, pid_namespace: 'pid:[1]' };
    };
    const alive = (): void => {
      this.#parts.world.stir();
      if (agent.dead) throw new Killed();
    };
    return {
      name: machine.name,
      boot_id,
      pid_namespace: 'pid:[1]',
      identify(pid) {
        alive();
        return identify(pid);
      },
      see(identity) {
        alive();
        if (identity.boot_id !== boot_id) return 'elsewhere';
        return identify(identity.pid)?.start_time === identity.start_time ? 'alive' : 'dead';
      },
      age: ({ pid }) => {
        alive();
        const job = this.#jobs.get(pid);
        return job === undefined ? null : machine.monotonic() - job.execution.monotonic_start;
      },
      groupLives: (group) => {
        alive();
        const job = this.#jobs.get(group);
        return job !== undefined && (!job.life.dead || job.child_until > this.#parts.world.time);
      },
      signal: (pid, name) => {
        alive();
        return this.#signal(Math.abs(pid), name as keyof typeof SIGNALS, 'agent');
      },
    };
  }

  launcher(agent: Life): Launcher {
    const { machine, world, disk } = this.#parts;
    return {
      start: (request) =>
        new Promise((resolve, reject) => {
          world.stir();
          if (agent.dead) return;
          const fate = this.#random.next();
          machine.deliver(this.#launcher, this.#random.spread(START_MS.least, START_MS.most), () => {
            const told = (tell: () => void): void => machine.deliver(agent, 0.1, tell);
            try {
              if (fate < 0.004) throw Object.assign(new Error('resource temporarily unavailable'), { code: 'EAGAIN' });
              if (fate < 0.006) return told(() => resolve('unknown'));
              const started = this.#start(request, disk, agent);
              // The launcher watches from the start: a short job may be over before an agent that stalls hears of its start.
              const answer = fate < 0.012 ? 'unknown' : { pid: started.pid, ended: this.#watch(started, agent, fate < 0.02) };
              told(() => resolve(answer));
            } catch (error) {
              told(() => reject(error as Error));
            }
          });
        }),
    };
  }

  /** kill -9 of one job from outside, with or without the shell around it. */
  kill(random: Random): void {
    const jobs = [...this.#jobs.values()].filter((job) => !job.life.dead);
    if (jobs.length === 0) return;
    const job = random.pick(jobs);
    this.#parts.world.trace(`${this.#parts.machine.name} somebody kills ${job.execution.experiment}/${job.execution.number}`);
    if (random.chance(0.5)) this.#end(job, 128 + 9);
    else this.#vanish(job, 'SIGKILL');
  }

  /** The machine has no power: everything is gone, and what was not synced is gone too. */
  losePower(): void {
    this.#launcher.dead = true;
    this.#launcher = this.#parts.machine.start('launcher');
    for (const job of this.#jobs.values()) {
      job.execution.powerless = true;
      job.child_until = 0;
      if (!job.life.dead) this.#vanish(job, null);
    }
    this.#jobs.clear();
  }

  #watch(job: Job, agent: Life, unwatched: boolean): StartedProcess['ended'] {
    const { machine, world } = this.#parts;
    return new Promise((resolve) => {
      job.onEnd = (end) => {
        world.stir();
        machine.deliver(agent, 0.1, () => resolve(unwatched ? 'unwatched' : end));
      };
      if (unwatched) machine.deliver(agent, 50, () => resolve('unwatched'));
    });
  }

  #start(request: ProcessRequest, disk: Disk, agent: Life): Job {
    const { world, machine, ledger } = this.#parts;
    for (const name of ['stdout', 'stderr', 'pid', 'status']) this.#touch(posix.join(request.directory, name));
    disk.write(disk.file(posix.join(request.directory, 'status')), 0, Buffer.from(request.status));
    const variables = request.variables;
    const token = variables['JD_WORKER_TOKEN']!;
    const [job_id = '0', attempt = '0'] = token.replace(/^jdt_/, '').split('.');
    const command = request.arguments.slice(SHIM_WORDS).join(' ');
    // What begins again does other things: whatever is left of the first time shows.
    const before = ledger.begunWith(token).length;
    const plan = planOf(world.random.fork(`job ${token}${before === 0 ? '' : ` ${before + 1}`}`), command);
    const pid = (this.#nextPid += 1);
    const execution: Execution = {
      ...{ token, experiment: variables['JD_EXP_ID']!, number: Number(variables['JD_JOB_ID']), attempt: Number(attempt), job_id: Number(job_id) },
      ...{ machine: machine.name, agent, started: world.time, ended: null, status: null, powerless: false, shim_killed: false },
      ...{
        stdout: Buffer.alloc(0),
        stderr: Buffer.alloc(0),
        metrics: [],
        uploads: [],
        monotonic_start: machine.monotonic(),
        timeout_at: plan.timeout_ms === null ? Infinity : machine.monotonic() + plan.timeout_ms,
      },
    };
    const job: Job = {
      pid,
      start_time: String(Math.round(world.time)),
      boot: machine.boot,
      request,
      execution,
      plan,
      life: machine.start(`job ${pid}`),
      child_until: 0,
      terminated: false,
      onEnd: () => undefined,
    };
    this.#jobs.set(pid, job);
    if (!ledger.begin(execution)) world.fail(new ExecutedTwice(execution));
    world.trace(`${machine.name} job ${execution.experiment}/${execution.number}.${attempt} starts as ${pid}`);
    machine.deliver(job.life, this.#random.spread(0.2, 8), () => this.#identify(job));
    for (const step of plan.steps) machine.deliver(job.life, step.at, () => this.#perform(job, step));
    if (plan.end !== null) {
      const { status } = plan.end;
      machine.deliver(job.life, plan.end.at, () => (status === 'vanish' ? this.#vanish(job, 'SIGKILL') : this.#end(job, status)));
    }
    return job;
  }

  #touch(path: string): void {
    const { disk } = this.#parts;
    if (disk.find(path) === null) disk.create(path);
  }

  /** What the shim writes first. A full disk keeps it from that, and it goes on. */
  #identify(job: Job): void {
    const { disk, machine } = this.#parts;
    const text = `${job.pid} ${job.start_time} boot-${machine.name}-${job.boot} pid:[1] ${basename(job.request.directory)}\n`;
    this.#attempt(() => disk.write(disk.file(posix.join(job.request.directory, 'pid')), 0, Buffer.from(text)));
  }

  #attempt(work: () => void): boolean {
    try {
      work();
      return true;
    } catch {
      return false;
    }
  }

  #perform(job: Job, step: Step): void {
    const { execution, request } = job;
    const { disk, world } = this.#parts;
    const path = (...names: string[]): string => posix.join(request.directory, ...names);
    world.stir();
    if (step.kind === 'print') {
      if (this.#attempt(() => disk.append(disk.file(path(step.stream)), step.bytes)))
        execution[step.stream] = Buffer.concat([execution[step.stream], step.bytes]);
    } else if (step.kind === 'metric') {
      const line = `${JSON.stringify({ t: this.#parts.machine.wall() / 1000, s: step.step, m: { [step.name]: step.value } })}\n`;
      const written = this.#attempt(() => {
        this.#touch(path('metrics.jsonl'));
        disk.append(disk.file(path('metrics.jsonl')), Buffer.from(line));
      });
      if (written) execution.metrics.push({ name: step.name, value: step.value, step: step.step });
    } else if (step.kind === 'upload') {
      if (!this.#attempt(() => this.#spool(job, step))) this.#end(job, 1);
    } else job.child_until = world.time + step.lives_ms;
  }

  /** As the script library does it: data, then its description under a temporary name, both synced. */
  #spool(job: Job, step: Step & { kind: 'upload' }): void {
    const { disk, machine } = this.#parts;
    const directory = posix.join(job.request.directory, 'uploads');
    disk.makeDirectory(directory, true);
    const last = disk
      .list(directory)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .at(-1);
    const moment = Math.max(machine.wall(), last === undefined ? 0 : Number(last.slice(0, 13)) + 1);
    const stem = `${String(moment).padStart(13, '0')}-${step.key.slice(0, 8)}`;
    const write = (name: string, bytes: Buffer): void => {
      const file = disk.create(posix.join(directory, name));
      disk.append(file, bytes);
      disk.sync(file);
    };
    write(`${stem}.data`, step.bytes);
    write(
      `${stem}.json.tmp`,
      Buffer.from(JSON.stringify({ key: step.key, name: step.name, kind: step.upload, file: `${stem}.data`, size: step.bytes.length })),
    );
    disk.rename(posix.join(directory, `${stem}.json.tmp`), posix.join(directory, `${stem}.json`));
    disk.sync(disk.get(directory));
    job.execution.uploads.push({ key: step.key, name: step.name, kind: step.upload, sha256: createHash('sha256').update(step.bytes).digest('hex') });
  }

  #signal(pid: number, name: keyof typeof SIGNALS, by: 'agent'): boolean {
    const { world, machine } = this.#parts;
    const job = this.#jobs.get(pid);
    if (job === undefined) return false;
    if (name === 'SIGKILL') job.child_until = 0;
    if (job.life.dead) return true;
    this.#parts.onSignal(job.execution, name);
    world.trace(`${machine.name} ${by} sends ${name} to ${job.execution.experiment}/${job.execution.number}`);
    if (name === 'SIGKILL') this.#vanish(job, 'SIGKILL');
    else if (!job.terminated && job.plan.on_term !== null) {
      job.terminated = true;
      const { after, status, saves } = job.plan.on_term;
      if (saves !== null) machine.deliver(job.life, after / 2, () => this.#perform(job, saves));
      machine.deliver(job.life, after, () => this.#end(job, status));
    }
    return true;
  }

  /** The job ends and its shell writes that down. */
  #end(job: Job, status: number): void {
    if (job.life.dead) return;
    const { disk, world, machine } = this.#parts;
    this.#attempt(() => {
      disk.write(disk.file(posix.join(job.request.directory, 'status')), 0, Buffer.from(`${status} ${basename(job.request.directory)}\n`));
      job.execution.status = status;
    });
    world.trace(`${machine.name} job ${job.execution.experiment}/${job.execution.number}.${job.execution.attempt} ends with ${status}`);
    this.#over(job, null);
  }

  /** The shell is gone with the job: nothing is written down. */
  #vanish(job: Job, signal: string | null): void {
    job.execution.shim_killed = true;
    this.#parts.world.trace(`${this.#parts.machine.name} job ${job.execution.experiment}/${job.execution.number}.${job.execution.attempt} is gone`);
    this.#over(job, signal);
  }

  #over(job: Job, signal: string | null): void {
    job.life.dead = true;
    job.execution.ended = this.#parts.world.time;
    job.onEnd({ signal });
  }
}

class ExecutedTwice extends Error {
  readonly job: string;

  constructor(execution: Execution) {
    super(`attempt ${execution.attempt} of ${execution.experiment}/${execution.number} was started twice with the same token`);
    this.job = `${execution.experiment}/${execution.number}`;
  }
}

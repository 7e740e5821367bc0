// People at work: they create experiments and jobs and change their minds at bad moments, through the API and a network that fails them.
import { ApiError, contract, createClient, type Client } from '../../src/contract/index.ts';

import { SERVER_URL } from './agent-node.ts';
import { jobName, type JobName, type Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Random } from './random.ts';
import { Killed, Violation, type World } from './world.ts';

/** Their order makes what a seed means. Tags and time limits change nothing that the simulation judges. */
const ACTIONS = ['cancel', 'requeue', 'hold', 'unhold', 'delete', 'set_priority'] as const;

export interface UserParts {
  readonly world: World;
  readonly machine: Machine;
  readonly network: Network;
  readonly ledger: Ledger;
  readonly api_key: string;
  readonly experiments: readonly UserExperiment[];
  /** The longest that a job takes, milliseconds. */
  readonly scale: number;
  /** Half of the jobs have no command: agents and clients of JobDistributor run their script. */
  readonly has_scripts: boolean;
  /** Jobs that went back to the queue: what people look at first. */
  readonly returned: () => readonly JobName[];
}

export interface UserExperiment {
  readonly name: string;
  readonly settings: {
    readonly max_attempts: number;
    readonly backoff_base_seconds: number;
    readonly timeout_seconds: number | null;
    readonly grace_seconds: number;
    readonly lost_after_seconds: number;
    readonly crash_limit: number;
  };
}

const MOST_TRIES = 400;
const RETRY_MS = 5_000;

export class Users {
  readonly #parts: UserParts;
  readonly #random: Random;
  readonly #client: Client;
  readonly #known: JobName[] = [];
  /** Things that somebody waits for. */
  #busy = 0;

  constructor(parts: UserParts) {
    this.#parts = parts;
    this.#random = parts.world.random.fork('users');
    const life = parts.machine.start('user');
    const headers = { authorization: `Bearer ${parts.api_key}` };
    this.#client = createClient(contract, { base_url: SERVER_URL, fetch: parts.network.fetchFrom({ machine: parts.machine, life }), headers });
    this.#sleep = (ms) => parts.machine.clock(life).sleep(ms);
  }

  readonly #sleep: (ms: number) => Promise<void>;

  get isBusy(): boolean {
    return this.#busy > 0;
  }

  /** Does something that must come true in the end, again and again. */
  insist(what: string, call: (client: Client) => Promise<unknown>, then: (reply: unknown, asked: number) => void = () => undefined): void {
    this.#busy += 1;
    const asked = this.#parts.world.time;
    const attempt = async (): Promise<void> => {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        try {
          const reply = await call(this.#client);
          this.#parts.world.trace(`user ${what}: done`);
          return then(reply, asked);
        } catch (error) {
          if (error instanceof Killed) return;
          if (!(error instanceof ApiError)) throw error;
          if (error.status >= 500 && error.code === 'internal') return this.#broken(what, error);
          if (!error.retryable && error.code !== 'unauthenticated') return this.#parts.world.trace(`user ${what}: ${error.code}`);
        }
        await this.#sleep(RETRY_MS);
      }
      this.#parts.world.fail(new Violation(`a user never got ${what} done`));
    };
    void attempt().finally(() => (this.#busy -= 1));
  }

  /** Does something once, whatever comes of it. */
  try(what: string, call: (client: Client) => Promise<unknown>): void {
    void call(this.#client).then(
      () => this.#parts.world.trace(`user ${what}: done`),
      (error: unknown) => {
        if (error instanceof Killed) return;
        const code = error instanceof ApiError ? error.code : String(error);
        if (code === 'internal') this.#broken(what, error as ApiError);
        else this.#parts.world.trace(`user ${what}: ${code}`);
      },
    );
  }

  #broken(what: string, error: ApiError): void {
    this.#parts.world.fail(new Violation(`${what} made the server fail: ${error.message}`));
  }

  settingsOf(experiment: string): UserExperiment['settings'] {
    return this.#parts.experiments.find(({ name }) => name === experiment)!.settings;
  }

  anyExperiment(random: Random): { readonly experiment: string; readonly params: { readonly experiment: string } } {
    const { name } = random.pick(this.#parts.experiments);
    return { experiment: name, params: { experiment: name } };
  }

  get experiments(): readonly string[] {
    return this.#parts.experiments.map(({ name }) => name);
  }

  begin(): void {
    for (const { name, settings } of this.#parts.experiments) {
      const idempotency_key = this.#random.bytes(6).toString('hex');
      this.insist(`create experiment ${name}`, (client) => client.experiments.create({ body: { name, settings } }, { idempotency_key }));
    }
  }

  createJobs(count: number): void {
    const random = this.#random;
    const { name } = random.pick(this.#parts.experiments);
    const idempotency_key = random.bytes(6).toString('hex');
    const timeout = random.chance(0.3) ? random.int(1, 40) : null;
    const hasScript = this.#parts.has_scripts && random.fork(`script ${idempotency_key}`).chance(0.6);
    const settings = {
      command: `work ${Math.round(random.spread(20, this.#parts.scale))} ${timeout ?? '-'}`,
      ...(timeout === null ? {} : { timeout_seconds: timeout }),
      ...(random.chance(0.3) ? { priority: random.int(-2, 2) } : {}),
      ...(random.chance(0.1) ? { held: true } : {}),
      ...(random.chance(0.2) ? { max_attempts: random.int(1, 3) } : {}),
      ...(random.chance(0.3) ? { grace_seconds: random.int(0, 5) } : {}),
      ...(random.chance(0.05) ? { replace_pending: true } : {}),
    };
    const many = random.chance(0.2)
      ? { matrix: { x: Array.from({ length: count }, (_, index) => index) } }
      : { jobs: Array.from({ length: count }, (_, index) => ({ params: { index } })) };
    // A timeout is the command's in these runs. What asks for this class only clients of JobDistributor have.
    if (hasScript) for (const key of ['command', 'timeout_seconds']) Reflect.deleteProperty(settings, key);
    if (hasScript && random.fork(`class ${idempotency_key}`).chance(0.7)) Object.assign(settings, { machine_class: 'worker' });
    if (settings.replace_pending === true) this.#giveUp(name);
    this.insist(
      `create ${count} jobs in ${name}`,
      (client) => client.jobs.create({ params: { experiment: name }, body: { ...settings, ...many } }, { idempotency_key }),
      (reply, asked) => this.#created(name, reply as { created: number; from: number; to: number }, { count, asked }),
    );
  }

  #created(experiment: string, { created, from, to }: { created: number; from: number; to: number }, { count, asked }: { count: number; asked: number }): void {
    const { ledger, world } = this.#parts;
    if (created !== count || to - from + 1 !== count) world.fail(new Violation(`${count} jobs were asked for in ${experiment}, ${from} to ${to} were made`));
    for (let number = from; number <= to; number += 1) {
      const name = jobName(experiment, number);
      const before = ledger.created.get(name);
      // A reply that was long on its way, from before the record was put back: the number is another job's by now.
      if (before !== undefined && ledger.forgotten(asked, world.time) && !ledger.forgotten(before.asked, before.told)) continue;
      if (before !== undefined && !ledger.forgotten(before.asked, before.told)) world.fail(new Violation(`${name} was made twice`, name));
      ledger.created.set(name, { asked, told: world.time });
      this.#known.push(name);
    }
  }

  /** All jobs of an experiment may be deleted or cancelled from now on. */
  #giveUp(experiment: string): void {
    const { ledger } = this.#parts;
    ledger.unwantedExperiments.add(experiment);
    for (const name of this.#known) if (name.startsWith(`${experiment}/`)) ledger.unwanted.add(name);
  }

  /** One of the many things that people do while jobs run. */
  meddle(): void {
    const random = this.#random;
    const returned = this.#parts.returned();
    const name = returned.length > 0 && random.chance(0.5) ? random.pick(returned) : this.#known.length === 0 ? null : random.pick(this.#known);
    const { name: experiment } = random.pick(this.#parts.experiments);
    const deeds: (() => void)[] = [() => this.#commandWorkers(experiment), () => this.#changeExperiment(experiment), () => this.#bulk(experiment)];
    if (name !== null) deeds.push(...Array.from({ length: 5 }, () => () => this.#changeJob(name)));
    random.pick(deeds)();
  }

  #changeJob(name: JobName): void {
    const random = this.#random;
    const { ledger } = this.#parts;
    const [experiment = '', number = ''] = name.split('/');
    const params = { experiment, number: Number(number) };
    const deed = random.pick(['cancel', 'cancel', 'force', 'requeue', 'requeue', 'hold', 'unhold', 'edit', 'remove', 'look'] as const);
    if (deed === 'cancel' || deed === 'force' || deed === 'remove') ledger.unwanted.add(name);
    this.try(`${deed} ${name}`, (client) => {
      switch (deed) {
        case 'cancel':
        case 'force':
          return client.jobs.cancel({ params, body: { force: deed === 'force' } });
        case 'requeue':
          return client.jobs.requeue({ params });
        case 'hold':
          return client.jobs.hold({ params });
        case 'unhold':
          return client.jobs.unhold({ params });
        case 'edit':
          return client.jobs.edit({ params, body: random.chance(0.5) ? { params: { index: random.int(0, 99) } } : { priority: random.int(-2, 2) } });
        case 'remove':
          return client.jobs.remove({ params });
        case 'look':
          return client.jobs.get({ params });
      }
    });
  }

  #bulk(experiment: string): void {
    const random = this.#random;
    const action = random.pick(ACTIONS);
    const filter = random.chance(0.5) ? { status: random.pick(['pending', 'running', 'done', 'aborted'] as const) } : { numbers: `1-${random.int(1, 30)}` };
    const idempotency_key = random.bytes(6).toString('hex');
    const other = random.fork(`other ${idempotency_key}`);
    if (other.chance(0.3)) return this.#cloneOrForget(experiment, other, idempotency_key);
    if (action === 'cancel' || action === 'delete') this.#giveUp(experiment);
    const body = {
      action,
      filter,
      ...(action === 'set_priority' ? { priority: random.int(-2, 2) } : {}),
      ...(action === 'cancel' && random.chance(0.3) ? { force: true } : {}),
    };
    this.insist(`${action} many in ${experiment}`, (client) => client.jobs.bulk({ params: { experiment }, body }, { idempotency_key }));
  }

  #cloneOrForget(experiment: string, random: Random, idempotency_key: string): void {
    const params = { experiment };
    const numbers = `1-${random.int(1, 8)}`;
    if (random.chance(0.6)) {
      const body = { action: random.pick(['forget', 'unforget'] as const), filter: { numbers, forgotten: 'too' as const } };
      return this.insist(`${body.action} ${numbers} of ${experiment}`, (client) => client.jobs.bulk({ params, body }, { idempotency_key }));
    }
    const body = { filter: { numbers }, times: random.int(1, 2), restart: random.chance(0.3) };
    if (body.restart) this.#giveUp(experiment);
    this.insist(
      `clone ${numbers} of ${experiment}`,
      (client) => client.jobs.clone({ params, body }, { idempotency_key }),
      (reply, asked) => {
        const made = reply as { created: number; from: number; to: number };
        this.#created(experiment, made, { count: made.created, asked });
      },
    );
  }

  #commandWorkers(experiment: string): void {
    const random = this.#random;
    const params = { experiment };
    if (random.chance(0.25)) return this.try(`take commands back in ${experiment}`, (client) => client.workers.cancelCommand({ params, body: {} }));
    const action = random.pick(['pause', 'run', 'run', 'drain', 'stop'] as const);
    const workers = random.chance(0.7) ? { instance: random.pick(['egg', 'owl', 'fig', 'oak', 'elm']) } : {};
    this.try(`tell workers to ${action}`, (client) => client.workers.command({ params, body: { action, workers } }));
  }

  /** Takes an agent's secret away for good. */
  revoke(agent: string, random: Random): void {
    const { params } = this.anyExperiment(random);
    this.try(`revoke ${agent}`, (client) => client.workers.revoke({ params: { ...params, agent } }));
  }

  #changeExperiment(experiment: string): void {
    const random = this.#random;
    const params = { experiment };
    if (random.chance(0.4))
      return this.try(`change the PIN of ${experiment}`, (client) =>
        client.experiments.changePin({ params, body: { new_pin: String(random.int(100_000, 999_999)) } }),
      );
    const held = random.chance(0.5);
    this.try(`${held ? 'hold' : 'unhold'} ${experiment}`, (client) => client.experiments.change({ params, body: { held } }));
  }

  /** Lets everything run that was kept from running. */
  release(): void {
    for (const { name } of this.#parts.experiments) {
      const params = { experiment: name };
      this.insist(`let ${name} run`, (client) => client.experiments.change({ params, body: { held: false } }));
      this.insist(`let all jobs of ${name} run`, (client) => client.jobs.bulk({ params, body: { action: 'unhold', filter: { held: true } } }));
      this.insist(`let all workers run`, (client) => client.workers.command({ params, body: { action: 'run' } }));
    }
  }
}

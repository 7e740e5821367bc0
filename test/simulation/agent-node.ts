// A machine with an agent: the real loops, stores and spools of src/agent over the simulated clock, disk, processes and network.
import { createAgent, type Agent, type AgentEnd } from '../../src/agent/agent.ts';
import { createAttemptStore } from '../../src/agent/attempt-store.ts';
import type { Machine as MachinePort } from '../../src/agent/machine.ts';
import { createProcessRunner } from '../../src/agent/process-runner.ts';
import { readInstance, writeInstance, type InstanceRecord } from '../../src/agent/registry.ts';
import { createSecretSeal } from '../../src/agent/secret-seal.ts';
import { createSequence } from '../../src/agent/sequence.ts';
import { createSpoolFiles } from '../../src/agent/spool-files.ts';
import { ApiError, contract, createClient, type Client, type ExecutionPlaceShape, type SyncReplyShape } from '../../src/contract/index.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { retry } from '../../src/runtime/retry.ts';

import { leftAttempts } from './attempt-files.ts';
import type { Disk } from './disk.ts';
import type { Ledger } from './ledger.ts';
import type { Life, Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Node } from './node.ts';
import type { Processes } from './processes.ts';
import type { Random } from './random.ts';
import { Killed, type World } from './world.ts';

/** As what its agent tells that jobs are run. */
const PLACE: ExecutionPlaceShape = {
  ...{ host: 'simulated', user: null, working_directory: '/', script: null, interpreter: null, interpreter_version: null, driver: null },
  ...{ agent_version: '0.1.0', platform: 'simulated', variables: {} },
};

export const VERSION = '0.1.0';
export const SERVER_URL = 'http://server';

export interface AgentNodeParts {
  readonly world: World;
  readonly machine: Machine;
  readonly disk: Disk;
  readonly processes: Processes;
  readonly network: Network;
  readonly ledger: Ledger;
  readonly api_key: string;
  readonly workers: number;
  /** Null: all. */
  readonly experiments: readonly string[] | null;
  readonly has_script: boolean;
  /** It has an identity, and this is how the server knows it. */
  readonly onIdentity: (credential: string, agent: string) => void;
  /** What it had in memory or on disk, or the server on record, is gone: it may really not have its jobs any more. */
  readonly onForget: (agent: string) => void;
  /** Each reply that arrived at this agent. */
  readonly onReply: (node: AgentNode, reply: SyncReplyShape) => void;
}

const RESTART_MS = { least: 50, most: 120_000 };

export class AgentNode implements Node {
  readonly parts: AgentNodeParts;
  readonly #random: Random;
  #life: Life | null = null;
  #agent: Agent | null = null;
  /** Told by a person, on its machine or the dashboard, to go: until it is started again. */
  told_to_leave = false;
  retired = false;
  agent_name: string | null = null;
  /** Its secret was revoked, or the server was put back to before this agent came. The next start gets it another one. */
  refused = false;

  constructor(parts: AgentNodeParts) {
    this.parts = parts;
    this.#random = parts.world.random.fork(`agent of ${parts.machine.name}`);
  }

  get name(): string {
    return this.parts.machine.name;
  }

  get machine(): Machine {
    return this.parts.machine;
  }

  get life(): Life | null {
    return this.#life;
  }

  get registryFile(): string {
    return `/sim/${this.name}/cache/.cache/_all/agent.json`;
  }

  start(): void {
    if (this.#life !== null || this.retired) return;
    const { machine, world, disk } = this.parts;
    const life = machine.start(`agent ${this.name}`);
    this.#life = life;
    disk.life = life;
    disk.onChange = null;
    this.told_to_leave = false;
    world.trace(`${this.name} agent starts`);
    machine.deliver(life, 1, () => {
      void this.#run(life).then(
        (end) => this.#ended(life, end),
        (error: unknown) => this.#crashed(life, error),
      );
    });
  }

  kill(back: boolean): void {
    const life = this.#life;
    if (life === null) return;
    this.parts.world.trace(`${this.name} agent is killed`);
    this.#gone(life);
    if (back) this.#startLater();
  }

  retire(): void {
    const { machine, processes, world } = this.parts;
    world.trace(`${machine.name} is gone for good`);
    this.retired = true;
    if (this.#life !== null) this.#gone(this.#life);
    processes.losePower();
  }

  /** kill -9 at one of its next changes to the disk. */
  killAtChange(changes: number): void {
    let left = changes;
    this.parts.disk.onChange = () => {
      left -= 1;
      if (left <= 0) this.kill(true);
    };
  }

  /** `worker restart --keep`, or the end of the terminal that `drover up` runs in. */
  keep(): void {
    this.#agent?.keep();
  }

  /** `worker stop`: SIGTERM. */
  stop(grace_seconds?: number): void {
    if (this.#agent === null) return;
    this.told_to_leave = true;
    this.#agent.stop(grace_seconds === undefined ? {} : { grace_seconds });
  }

  losePower(): void {
    const { machine, processes, disk, world } = this.parts;
    world.trace(`${this.name} loses power`);
    this.recordRestored();
    if (this.#life !== null) this.#gone(this.#life);
    processes.losePower();
    disk.losePower(this.#random);
    machine.boot += 1;
    this.#startLater();
  }

  recordRestored(): void {
    if (this.agent_name !== null) this.parts.onForget(this.agent_name);
  }

  calm(): void {
    this.parts.disk.full = false;
    this.parts.disk.onChange = null;
    this.start();
  }

  attend(): void {
    if (!this.refused || this.#life === null) return;
    this.kill(false);
    this.start();
  }

  unfinished(): string | null {
    const { processes, disk, ledger } = this.parts;
    if (this.#life === null) return `the agent of ${this.name} is down`;
    const running = processes.running();
    if (running.length > 0) return `${this.name} still runs ${running.length} jobs`;
    const [left] = leftAttempts(disk, { machine: this.name, ledger });
    return left === undefined ? null : `${this.name} still has attempt ${left.attempt} of ${left.experiment}/${left.number}`;
  }

  #startLater(): void {
    this.parts.world.after(this.#random.spread(RESTART_MS.least, RESTART_MS.most), () => this.start());
  }

  #gone(life: Life): void {
    life.dead = true;
    this.parts.disk.onChange = null;
    this.#life = null;
    this.#agent = null;
  }

  #ended(life: Life, end: AgentEnd): void {
    if (life.dead) return;
    this.parts.world.trace(`${this.name} agent ends: ${end}`);
    this.#gone(life);
    this.refused ||= end === 'revoked';
    this.#startLater();
  }

  /** A program that dies of an error is started again, as a person would. */
  #crashed(life: Life, error: unknown): void {
    if (life.dead || error instanceof Killed) return;
    this.parts.world.trace(`${this.name} agent fails: ${error instanceof Error ? error.message : String(error)}`);
    this.#gone(life);
    this.#startLater();
  }

  #client(life: Life, credential: string): Client {
    const { network, machine } = this.parts;
    const headers = { authorization: `Bearer ${credential}`, 'drover-version': VERSION };
    return createClient(contract, { base_url: SERVER_URL, fetch: network.fetchFrom({ machine, life }), headers });
  }

  async #run(life: Life): Promise<AgentEnd> {
    const former = readInstance(this.registryFile)?.record ?? null;
    const found = former === null || this.refused ? await this.#register(life, former) : former;
    this.refused = false;
    let record: InstanceRecord = { ...found, starts: found.starts + 1 };
    const change = (fields: Partial<InstanceRecord>): void => {
      record = { ...record, ...fields };
      writeInstance(this.registryFile, record);
    };
    change({});
    this.agent_name = `${record.host}_${record.instance}`;
    this.parts.onIdentity(`Bearer ${record.secret}`, this.agent_name);
    const { machine, disk, processes, has_script } = this.parts;
    const clock = machine.clock(life);
    const script = has_script ? 'work.py' : null;
    const random = (): number => this.#random.next();
    const client = this.#client(life, record.secret);
    const jobs = {
      host: processes.host(life),
      clock,
      server: SERVER_URL,
      data: record.launch.data,
      cwd: '/',
      script,
      interpreter: null,
      driver: null,
    };
    let onSpace = (): void => undefined;
    const agent = createAgent({
      ...{ clock, log: silentLog, random, client: this.#listening(client), worker_ids: record.worker_ids, drives: false },
      store: createAttemptStore({
        data: record.launch.data,
        owner: record.id,
        clock,
        seal: createSecretSeal(record.secret),
        place: () => ({ ...PLACE, script }),
      }),
      runner: createProcessRunner({ ...jobs, env: {}, python_library: '/jd' }, processes.launcher(life)),
      files: createSpoolFiles(silentLog),
      machine: machinePort(disk, clock, () => onSpace()),
      sequence: createSequence(record.sync_seq, (bound) => {
        try {
          change({ sync_seq: bound });
        } catch (error) {
          if (error instanceof Killed) throw error;
        }
      }),
      incarnation: `${record.starts}-${this.#random.int(0, 999_999)}`,
      once: false,
      has_script,
      announce: async (signal) => {
        const facts = { ...FACTS, has_script, workers: this.parts.workers };
        const reply = await retry(() => client.agents.update({ body: facts }, { signal }).catch((error: unknown) => this.#shutOut(error)), {
          ...{ clock, random, signal, first_delay_ms: 200, longest_delay_ms: 30_000, total_ms: Infinity },
          retryable: (error) => !(error instanceof ApiError) || error.retryable || (error.code !== 'agent_revoked' && { after_ms: 60_000 }),
        }).catch((error: unknown) => {
          if (!signal.aborted) throw error;
          return null;
        });
        if (reply !== null) change({ worker_ids: reply.worker_ids });
      },
    });
    onSpace = () => agent.wake();
    this.#agent = agent;
    return agent.ended;
  }

  /** The client, with an ear at every sync. */
  #listening(client: Client): Client {
    const sync: Client['agents']['sync'] = async (input, options) => {
      const reply = await client.agents.sync(input, options).catch((error: unknown) => this.#shutOut(error));
      this.parts.onReply(this, reply);
      return reply;
    };
    return { ...client, agents: { ...client.agents, sync } };
  }

  #shutOut(error: unknown): never {
    this.refused ||= error instanceof ApiError && error.code === 'unauthenticated';
    throw error;
  }

  /** Attempts of a former identity stay with the new one. */
  async #register(life: Life, former: InstanceRecord | null): Promise<InstanceRecord> {
    const { machine, workers, experiments, api_key, has_script } = this.parts;
    const clock = machine.clock(life);
    const idempotency_key = this.#random.bytes(8).toString('hex');
    const body = {
      ...FACTS,
      has_script,
      workers,
      host: machine.name,
      instance: this.#random.pick(['egg', 'owl', 'fig', 'oak', 'elm']),
      experiments: experiments === null ? null : [...experiments],
    };
    const reply = await retry(() => this.#client(life, api_key).agents.register({ body }, { idempotency_key }), {
      ...{ clock, random: () => this.#random.next(), first_delay_ms: 1_000, longest_delay_ms: 20_000, total_ms: Infinity },
      retryable: () => true,
    });
    const launch = {
      ...LAUNCH,
      experiments: experiments === null ? null : [...experiments],
      workers,
      data: `/sim/${this.name}/jd_data`,
      cache: `/sim/${this.name}/cache`,
    };
    return {
      ...{
        format: 1,
        id: former?.id ?? this.#random.bytes(9).toString('base64url'),
        machine: this.name,
        store_id: reply.store_id,
        agent_id: reply.agent_id,
        secret: reply.secret,
      },
      ...{
        host: reply.host,
        instance: reply.instance,
        worker_ids: reply.worker_ids,
        launch,
        process: null,
        starts: 0,
        sync_seq: 0,
        changed_at: 0,
        started_at: 0,
        attached: false,
        sent_away: [],
        log_file: '',
      },
    };
  }
}

const FACTS = {
  machine_class: null,
  has_script: false,
  total: { cpus: 8, memory_bytes: 16e9, gpus: 1 },
  version: VERSION,
  process_id: 1,
  platform: 'simulated',
};

const LAUNCH = {
  ...{
    server: SERVER_URL,
    script: null,
    interpreter: null,
    drives: [],
    driver: null,
    machine_class: null,
    once: false,
    cwd: '/',
    log_dir: null,
    log_level: 'info',
    ca_file: null,
  },
  ...{ free_space_bytes: 1, worker_logs: false, process_id: null },
};

const SPACE_CHECK_MS = 15_000;

function machinePort(disk: Disk, clock: ReturnType<Machine['clock']>, onChange: () => void): MachinePort {
  let space = true;
  let stopped = false;
  const look = (): void => {
    if (stopped) return;
    if (space === disk.full) {
      space = !disk.full;
      onChange();
    }
    clock.after(SPACE_CHECK_MS, look);
  };
  return {
    resources: FACTS.total,
    hasSpace: () => space,
    metrics: () => null,
    metricsTold: () => undefined,
    async start() {
      look();
    },
    stop: () => void (stopped = true),
  };
}

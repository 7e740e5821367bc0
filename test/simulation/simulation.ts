// One simulated run: a server, some machines, people and trouble, from a seed to its end.
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { Disk } from './disk.ts';
import { planTrouble, type Stage } from './faults.ts';
import { finalCheck, unfinished, type Ending } from './final-check.ts';
import { Ledger, type JobName } from './ledger.ts';
import { Machine } from './machine.ts';
import { FAIR, Network } from './network.ts';
import { NODE_KINDS } from './node-kinds.ts';
import type { Ground, Node, NodeKind } from './node.ts';
import { OldLedger } from './old-ledger.ts';
import type { Random } from './random.ts';
import { planScenes } from './scenes.ts';
import { ServerNode } from './server-node.ts';
import { Silence } from './silence.ts';
import { current } from './stand-ins/current.ts';
import type { Template } from './template.ts';
import { Users, type UserExperiment } from './users.ts';
import { Watcher } from './watcher.ts';
import { Violation, World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly template: Template;
  /** A directory of its own. */
  readonly directory: string;
  readonly listen: ((line: string) => void) | null;
}

export interface RunResult {
  readonly seed: number;
  readonly violation: Violation | null;
  readonly lifeLine: readonly string[];
  readonly traceHash: string;
  readonly steps: number;
  readonly looks: number;
  /** Virtual milliseconds. */
  readonly time: number;
  readonly jobs: number;
  readonly executions: number;
  readonly troubles: readonly string[];
}

const MINUTE = 60_000;
/** How long after the last trouble everything must be over: the longest term, retries, and jobs that begin anew. */
const CALM_MS = 8 * 60 * MINUTE;
const MOST_STEPS = 3_000_000;

/** Every third run has clients of JobDistributor; what the other seeds mean stays as it is. */
function hasOldClients(seed: number): boolean {
  return seed % 3 === 2;
}

export async function simulate(options: RunOptions): Promise<RunResult> {
  const run = new Run(options);
  try {
    return await run.run();
  } finally {
    run.close();
  }
}

class Run {
  readonly #options: RunOptions;
  readonly #world: World;
  readonly #random: Random;
  readonly #ledger = new Ledger();
  readonly #old = new OldLedger();
  readonly #silence: Silence;
  readonly #server: ServerNode;
  readonly #network: Network;
  readonly #watcher: Watcher;
  readonly #users: Users;
  readonly #nodes: Node[] = [];
  readonly #serverDisk: Disk;
  readonly #scale: number;
  #dirty = false;
  #isCalm = false;
  /** When people last let everything run again. */
  #releasedAt = -Infinity;
  #releasedAgain = false;
  #backupAt: number | null = null;

  constructor(options: RunOptions) {
    this.#options = options;
    const { directory, template, seed } = options;
    this.#world = new World(String(seed), options.listen);
    this.#random = this.#world.random.fork('set-up');
    mkdirSync(directory, { recursive: true });
    for (const name of template.files) copyFileSync(join(template.directory, name), join(directory, name));
    current.random = this.#world.random.fork('secrets');
    this.#silence = new Silence(this.#world);
    const machine = this.#machine('hub');
    this.#serverDisk = new Disk(this.#world, machine);
    this.#mount(`${directory}/blobs`, this.#serverDisk);
    current.mounts = [{ prefix: `${directory}/blobs`, disk: this.#serverDisk }];
    this.#server = new ServerNode({
      ...{ world: this.#world, machine, disk: this.#serverDisk, directory },
      onCommit: () => (this.#dirty = true),
      onSync: (credential, arrived) => this.#silence.heard(credential, arrived),
      onPresence: (present) => (present ? this.#silence.serverPresent() : this.#silence.serverAway()),
    });
    this.#network = new Network(this.#world, this.#server);
    this.#watcher = new Watcher({ world: this.#world, ledger: this.#ledger, old: this.#old, silence: this.#silence, databaseFile: this.#server.databaseFile });
    this.#scale = this.#random.spread(200, 120_000);
    this.#users = new Users({
      ...{ world: this.#world, network: this.#network, ledger: this.#ledger, api_key: template.api_key },
      machine: new Machine(this.#world, 'desk', { skew_ms: 0, rate: 1 }),
      experiments: this.#experiments(),
      has_scripts: hasOldClients(seed),
      scale: this.#scale,
      returned: () => this.#returned(),
    });
  }

  #returned(): JobName[] {
    const { jobs } = this.#watcher.snapshot;
    return [...jobs.values()].filter((job) => job.status === 'pending' && job.attempts > 0).map((job) => this.#watcher.nameOf(job) as JobName);
  }

  #machine(name: string): Machine {
    const random = this.#random;
    return new Machine(this.#world, name, {
      skew_ms: random.chance(0.3) ? random.int(-3_600_000, 3_600_000) : random.int(-500, 500),
      rate: 1 + (random.next() - 0.5) * 4e-4,
    });
  }

  #mount(path: string, disk: Disk): void {
    disk.makeDirectory(path, true);
  }

  #experiments(): UserExperiment[] {
    const random = this.#random;
    return Array.from({ length: random.int(1, 2) }, (_, index) => {
      const settings = {
        max_attempts: random.int(1, 3),
        backoff_base_seconds: random.int(0, 20),
        timeout_seconds: random.chance(0.5) ? null : random.int(60, 600),
        grace_seconds: random.int(0, 10),
        lost_after_seconds: random.pick([60, 120, 300, 600]),
        crash_limit: random.int(2, 5),
      };
      const name = `tune-${index}`;
      this.#silence.lostAfter.set(name, settings.lost_after_seconds * 1000);
      return { name, settings };
    });
  }

  #addNode(kind: NodeKind): Node {
    const own = this.#nodes.filter(({ name }) => name.startsWith(kind.prefix));
    const node = kind.make(`${kind.prefix}${own.length + 1}`, this.#ground());
    this.#nodes.push(node);
    return node;
  }

  #ground(): Ground {
    return {
      ...{ world: this.#world, random: this.#random, network: this.#network, ledger: this.#ledger, watcher: this.#watcher, users: this.#users },
      ...{ silence: this.#silence, old: this.#old, has_old_clients: hasOldClients(this.#options.seed), api_key: this.#options.template.api_key },
      makeMachine: (name) => this.#machine(name),
      mount: (prefix, disk) => (current.mounts = [...current.mounts, { prefix, disk }]),
    };
  }

  async run(): Promise<RunResult> {
    const world = this.#world;
    const horizon = this.#random.spread(2, 30) * MINUTE;
    this.#server.start();
    for (const kind of NODE_KINDS) {
      for (let left = kind.count(this.#random, this.#ground()); left > 0; left -= 1) {
        const node = this.#addNode(kind);
        world.after(this.#random.spread(10, 30_000), () => node.start());
      }
    }
    this.#planUsers(horizon);
    const stage: Stage = {
      ...{ world, server: this.#server, nodes: this.#nodes, network: this.#network, users: this.#users, silence: this.#silence },
      ...{ ledger: this.#ledger, watcher: this.#watcher, isCalm: () => this.#isCalm },
      backup: () => this.#backup(),
      restore: () => this.#restore(),
    };
    const troubles = [...planTrouble(stage, horizon), ...planScenes(stage, horizon)];
    world.trace(`seed ${this.#options.seed}: ${this.#nodes.length} nodes, ${Math.round(horizon / 1000)} s, ${troubles.join(', ')}`);
    world.at(horizon, () => this.#calm());
    await this.#steps(horizon);
    if (world.violation === null) {
      const broken = finalCheck(this.#ending());
      if (broken !== null) world.fail(broken);
    }
    const { violation } = world;
    return {
      ...{ seed: this.#options.seed, violation, traceHash: world.traceHash(), steps: world.steps, looks: this.#watcher.looks, time: world.time, troubles },
      lifeLine: violation?.job ? this.#lifeLine(violation.job) : [],
      jobs: this.#ledger.created.size,
      executions: this.#ledger.executions.size + this.#old.runs.length,
    };
  }

  async #steps(horizon: number): Promise<void> {
    const world = this.#world;
    let nextLook = 0;
    let nextEnd = horizon + 1;
    while (world.violation === null) {
      if (!(await world.step())) break;
      if (this.#dirty) {
        this.#dirty = false;
        this.#watcher.look();
      }
      if (world.time >= nextLook) {
        nextLook = world.time + 5_000;
        this.#judgePatience();
      }
      if (world.time >= nextEnd) {
        nextEnd = world.time + 1_000;
        const left = this.#left();
        if (left === null) return;
        if (world.time > horizon + CALM_MS)
          return world.fail(new Violation(`after ${CALM_MS / MINUTE} calm minutes ${left}`, /^\S+\/\d+/.exec(left)?.[0] ?? null));
      }
      if (world.steps > MOST_STEPS) return world.fail(new Violation(`${MOST_STEPS} steps were not enough`));
    }
  }

  #planUsers(horizon: number): void {
    const random = this.#world.random.fork('people');
    this.#world.after(5, () => this.#users.begin());
    const batches = random.int(1, 6);
    for (let batch = 0; batch < batches; batch += 1) {
      this.#world.at(batch === 0 ? 2_000 : random.next() * horizon * 0.8, () => this.#users.createJobs(random.int(1, 8)));
    }
    const deeds = random.chance(0.2) ? 0 : random.int(1, 30);
    for (let deed = 0; deed < deeds; deed += 1) this.#world.at(random.next() * horizon, () => this.#users.meddle());
  }

  /** All trouble ends; whoever is left must bring everything to its end. */
  #calm(): void {
    const world = this.#world;
    world.trace('calm');
    this.#network.weather = FAIR;
    this.#server.setFull(false);
    this.#isCalm = true;
    this.#server.machine.wake();
    this.#server.calm();
    this.#server.start();
    for (const node of this.#nodes) {
      node.machine.wake();
      this.#network.heal(node.machine);
      node.calm();
    }
    for (const kind of NODE_KINDS) {
      const left = (): Node[] => this.#nodes.filter((node) => !node.retired && node.name.startsWith(kind.prefix));
      while (!kind.isEnough(left(), this.#ground())) this.#addNode(kind).start();
    }
    this.#users.release();
  }

  /** Null when everything is over. Until then people start again whoever is refused. */
  #left(): string | null {
    for (const node of this.#nodes) node.attend();
    if (this.#users.isBusy || this.#server.life() === null) return 'the people are not done';
    const left = unfinished(this.#ending());
    // What people said before may arrive as late as this, and hold up what was let run.
    if (left !== null && (this.#seesPaused() || (!this.#releasedAgain && this.#network.in_transit === 0))) {
      this.#releasedAgain ||= this.#network.in_transit === 0;
      this.#releasedAt = this.#world.time;
      this.#users.release();
    }
    return left;
  }

  /** A worker that was told to pause, by a command that a restored record may have learned of only since people let everything run. */
  #seesPaused(): boolean {
    const paused = [...this.#watcher.snapshot.workers.values()].some((worker) => worker.desired_state === 'pause');
    return paused && this.#world.time > this.#releasedAt + MINUTE;
  }

  #judgePatience(): void {
    if (this.#server.full) this.#silence.serverCannotWrite();
    const names = new Map(this.#server.life() === null ? [] : this.#watcher.reader.agents().map((agent) => [agent.id, agent.name]));
    if (names.size === 0) return;
    const { leases, jobs } = this.#watcher.snapshot;
    this.#silence.judgePatience(
      leases.flatMap((lease) => {
        const job = jobs.get(lease.job_id);
        return job === undefined ? [] : [{ job: this.#watcher.nameOf(job), agent: names.get(lease.agent_id) ?? '?', worker_id: lease.worker_id }];
      }),
    );
  }

  #backup(): void {
    if (!existsSync(this.#server.databaseFile)) return;
    this.#world.trace('a backup is taken');
    this.#server.backup(`${this.#options.directory}/backup.db`);
    this.#backupAt = this.#world.time;
  }

  #restore(): void {
    if (this.#backupAt === null || this.#isCalm) return;
    this.#world.trace('the backup is restored');
    this.#watcher.release();
    this.#server.restore(`${this.#options.directory}/backup.db`);
    this.#ledger.restores.push({ at: this.#world.time, to: this.#backupAt, newest_job: this.#watcher.reader.newestJob() });
    for (const node of this.#nodes) node.recordRestored();
    this.#server.start();
  }

  #ending(): Ending {
    return {
      ledger: this.#ledger,
      old: this.#old,
      watcher: this.#watcher,
      nodes: this.#nodes,
      serverDisk: this.#serverDisk,
      blobs: `${this.#options.directory}/blobs`,
    };
  }

  #lifeLine(name: string): string[] {
    const ran = this.#ledger.executionsOf(name as `${string}/${number}`);
    const said = ran.map(
      (each) => `${each.machine} ran attempt ${each.attempt} from ${each.started.toFixed(0)} to ${each.ended?.toFixed(0) ?? '…'}, status ${each.status ?? '-'}`,
    );
    return [...this.#watcher.lifeLine(name), ...said];
  }

  close(): void {
    this.#server.kill();
    this.#watcher.release();
    rmSync(this.#options.directory, { recursive: true, force: true });
  }
}

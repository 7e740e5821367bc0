// The machine with the server: real handlers on a real SQLite file, in a process that may die at any statement.
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';

import LibsqlDatabase from 'libsql';
import { pino } from 'pino';

import { createApp, type AppOptions } from '../../src/server/app.ts';
import { createContext } from '../../src/server/create-context.ts';
import { allHandlers } from '../../src/server/handlers/index.ts';
import { startSweeper } from '../../src/server/sweeper.ts';
import { openStore } from '../../src/store/store.ts';

import { VERSION } from './agent-node.ts';
import type { Disk } from './disk.ts';
import type { Life, Machine } from './machine.ts';
import type { Host } from './network.ts';
import type { Random } from './random.ts';
import { current, type DatabaseFaults } from './stand-ins/current.ts';
import { Killed, Violation, type World } from './world.ts';

export interface ServerNodeParts {
  readonly world: World;
  readonly machine: Machine;
  /** Of blobs; the database lies in a real directory. */
  readonly disk: Disk;
  readonly directory: string;
  /** After every commit. */
  readonly onCommit: () => void;
  /** It answered the sync of whoever has this credential, which had arrived at this moment. */
  readonly onSync: (credential: string, arrived: number) => void;
  /** It begins to answer, or is gone. */
  readonly onPresence: (present: boolean) => void;
}

interface Running {
  readonly life: Life;
  readonly answer: (request: Request) => Promise<Response>;
  readonly stop: () => Promise<void>;
}

const APP: AppOptions = { static_dir: '/nowhere', data_dir: '/nowhere', trusted_proxies: [] };

export class ServerNode implements Host {
  readonly machine: Machine;
  readonly #parts: ServerNodeParts;
  readonly #random: Random;
  #life: Life | null = null;
  #running: Running | null = null;
  #closers: (() => void)[] = [];
  /** Counted down at each commit; at 0 the server dies, before or after it. */
  #dieAt: { commits: number; readonly before: boolean } | null = null;
  full = false;

  constructor(parts: ServerNodeParts) {
    this.#parts = parts;
    this.machine = parts.machine;
    this.#random = parts.world.random.fork('server');
  }

  get databaseFile(): string {
    return `${this.#parts.directory}/drover.db`;
  }

  life(): Life | null {
    return this.#running?.life ?? null;
  }

  answer(request: Request): Promise<Response> {
    return this.#running === null ? Promise.reject(new Error('no server')) : this.#running.answer(request);
  }

  start(): void {
    if (this.#life !== null) return;
    const { world, disk } = this.#parts;
    const life = this.machine.start('server');
    this.#life = life;
    disk.life = life;
    world.trace('server starts');
    this.machine.deliver(life, 1, () => {
      void this.#open(life).then(
        (running) => {
          if (life.dead) return;
          this.#running = running;
          this.#parts.onPresence(true);
          world.trace('server answers');
        },
        (error: unknown) => {
          if (life.dead || error instanceof Killed) return;
          // A disk without space keeps it from starting, and whoever runs it tries again.
          if (!this.full) world.fail(new Violation(`the server does not start: ${error instanceof Error ? error.message : String(error)}`));
          this.kill();
          world.after(30_000, () => this.start());
        },
      );
    });
  }

  /** kill -9. */
  kill(): void {
    if (this.#life === null) return;
    this.#parts.world.trace('server is killed');
    this.#parts.onPresence(false);
    this.#life.dead = true;
    this.#life = null;
    this.#running = null;
    this.#dieAt = null;
    for (const close of this.#closers) close();
    this.#closers = [];
  }

  /** Dies at one of its next commits, and is started again. */
  killAtCommit(commits: number, before: boolean, backAfter: number): void {
    if (this.#life === null) return;
    this.#dieAt = { commits, before };
    this.#backAfter = backAfter;
  }

  #backAfter = 0;

  /** SIGTERM. */
  stop(onStopped: () => void): void {
    const running = this.#running;
    if (running === null) return;
    this.#parts.world.trace('server is told to stop');
    void running.stop().then(
      () => {
        if (running.life.dead) return;
        this.kill();
        onStopped();
      },
      () => undefined,
    );
  }

  /** No more dying at commits. */
  calm(): void {
    this.#dieAt = null;
  }

  setFull(full: boolean): void {
    this.full = full;
    this.#parts.disk.full = full;
  }

  stall(ms: number): void {
    if (this.#life === null) return;
    this.#life.stalled_until = this.#parts.world.time + ms;
  }

  /** A whole copy of the database, as `drover` makes backups: also while the server runs. */
  backup(to: string): void {
    rmSync(to, { force: true });
    const database = new LibsqlDatabase(this.databaseFile);
    database.exec(`vacuum into '${to}'`);
    database.close();
  }

  restore(from: string): void {
    this.kill();
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.databaseFile + suffix, { force: true });
    copyFileSync(from, this.databaseFile);
  }

  #faults(life: Life): DatabaseFaults {
    return {
      before: (text) => {
        this.#parts.world.stir();
        if (life.dead) throw new Killed();
        const isCommit = text === 'commit';
        if (isCommit && this.#dieAt !== null && (this.#dieAt.commits -= 1) <= 0 && this.#dieAt.before) this.#die();
        if (this.full && (isCommit || /^\s*(insert|update|delete)/i.test(text)) && this.#random.chance(0.5)) {
          throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
        }
      },
      after: (text) => {
        if (text !== 'commit') return;
        this.#parts.onCommit();
        if (this.#dieAt !== null && this.#dieAt.commits <= 0) this.#die();
      },
      opened: (close) => void this.#closers.push(close),
    };
  }

  #die(): never {
    const { world } = this.#parts;
    world.trace('server dies at a commit');
    this.kill();
    world.after(this.#backAfter, () => this.start());
    throw new Killed();
  }

  async #open(life: Life): Promise<Running> {
    const { directory } = this.#parts;
    const clock = this.machine.clock(life);
    if (!existsSync(directory)) mkdirSync(directory, { recursive: true });
    current.database = this.#faults(life);
    const log = pino({ level: 'error', base: null, timestamp: false }, { write: (line: string) => this.#logged(life, line) });
    const store = await openStore({ engine: { kind: 'sqlite', directory, clock, read_threads: 0 }, directory, clock });
    const stopping = new AbortController();
    const random = (): number => this.#random.next();
    const context = createContext({ store, clock, log, version: VERSION, random, artifact_limit_bytes: 1_000_000, stopping: stopping.signal });
    const app = createApp(context, allHandlers(), APP);
    const sweeper = startSweeper(context);
    return {
      life,
      answer: async (request) => {
        const arrived = this.#parts.world.time;
        const worker = request.url.endsWith('/worker/heartbeat') ? ((await request.clone().json()) as { worker_id: string }).worker_id : null;
        const response = await app.fetch(request, { address: '192.0.2.1' });
        this.#parts.world.trace(`${request.method} ${new URL(request.url).pathname.replace('/api/v1', '')} ${response.status}`);
        if (response.status === 200 && request.url.endsWith('/agent/sync') && (await isOfTheLiving(response)))
          this.#parts.onSync(request.headers.get('authorization') ?? '', arrived);
        if (response.status === 200 && worker !== null) this.#parts.onSync(worker, arrived);
        return response;
      },
      async stop() {
        stopping.abort();
        await sweeper.stop();
        await store.close();
      },
    };
  }

  /** Nothing that a healthy server does should fail. */
  #logged(life: Life, line: string): void {
    if (life.dead || this.full || this.#parts.disk.full) return;
    const { err, msg } = JSON.parse(line) as { err?: { message?: string; stack?: string }; msg?: string };
    this.#parts.world.fail(new Violation(`the server logged an error: ${msg ?? ''}: ${err?.stack ?? err?.message ?? line}`));
  }
}

/** A late message of a process that another has followed is answered, but says nothing of the agent that is there now. */
async function isOfTheLiving(response: Response): Promise<boolean> {
  const { superseded } = (await response.clone().json()) as { superseded: boolean };
  return !superseded;
}

// Group commit: writes that arrive in one turn of the event loop share one transaction, each under its own savepoint.
// A write that refuses leaves nothing behind; a reply leaves only after the commit that makes it true.
import type { EventKind } from '../core/event.ts';
import { formatRanges, toRanges, type NumberRange } from '../core/identifiers.ts';
import { PassedTime } from '../runtime/passed-time.ts';

import type { Query } from './kysely-dialect.ts';
import { sendSets, type SetStatement, setStatement } from './set-statement.ts';
import type { DialectName, WriteSql } from './sql.ts';

/** A fact to be recorded with the commit. */
export interface NewEvent {
  readonly kind: EventKind;
  readonly experiment_id: number | null;
  readonly actor: string | null;
  /** Numbers of the jobs it is about. */
  readonly numbers?: readonly number[] | { readonly from: number; readonly to: number };
  /** When it is about exactly one job. */
  readonly job_id?: number;
  readonly data?: Readonly<Record<string, unknown>>;
  /** Workers whose history it belongs to; the slot ALL_SLOTS stands for all of an agent. */
  readonly workers?: readonly WorkerSlot[];
}

export interface WorkerSlot {
  readonly agent_id: number;
  readonly slot: number;
}

export const ALL_SLOTS = -1;

export interface Transaction {
  /** Raw statements, prepared once: for the paths that take many jobs at once. */
  readonly sql: WriteSql;
  /** The query builder, for everything else. */
  readonly query: Query;
  /** Milliseconds: the moment of this transaction, the same for all that it writes. */
  readonly now: number;
  /** How much time has passed up to this transaction, though the clock may have been set meanwhile. */
  readonly passed: Pick<PassedTime, 'since' | 'earliest'>;
  event(event: NewEvent): void;
  /** Moves a counter of an experiment; applied in one statement at the end. */
  count(experimentId: number, name: string, by: number): void;
  /** Called after the commit, before the reply. */
  afterCommit(action: () => void): void;
  /** After the commit, wakes the hanging sync of one agent, or of all, because there may be something new for them. */
  wake(agentId: number | 'all'): void;
}

/** What a commit changed, for those who wait. */
export interface Change {
  /** Whether there may be new jobs for anybody. */
  readonly wake_all: boolean;
  /** Agents that there is something particular for. */
  readonly wake: ReadonlySet<number>;
  /** Whether events were written. */
  readonly events: boolean;
  /** Whether there may be work for the background: a matrix to expand, an operation to go on with. */
  readonly background: boolean;
}

/** What an engine gives the writer: exclusive use of one connection, transaction by transaction. */
export interface WriteConnection {
  readonly sql: WriteSql;
  readonly query: Query;
  /** Tells the moment by the engine's clock: on PostgreSQL the database's, so that several servers agree. */
  begin(): Promise<number>;
  /** Milliseconds of a clock that is never set and goes as fast as that one. */
  monotonic(): number;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  savepoint(): Promise<void>;
  releaseSavepoint(): Promise<void>;
  rollbackToSavepoint(): Promise<void>;
  /** Sent before events get their ids, so that ids rise in commit order on every server. */
  lockEvents(): void;
  /** Tells the other servers that something changed; sent before the commit. */
  notify(): void;
}

export type Unit<T> = (tx: Transaction) => Promise<T>;

interface Queued {
  readonly unit: Unit<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Effects {
  readonly events: NewEvent[];
  /** By experiment and name. */
  readonly counts: Map<number, Map<string, number>>;
  readonly actions: (() => void)[];
  readonly wakes: (number | 'all')[];
}

const noEffects = (): Effects => ({ events: [], counts: new Map(), actions: [], wakes: [] });

interface Settled {
  readonly queued: Queued;
  readonly value?: unknown;
  readonly error?: unknown;
}

/** Units per commit: bounds the time that one reply waits for its neighbours. */
const UNITS_PER_COMMIT = 512;

export class Writer {
  readonly #connection: WriteConnection;
  readonly #onCommit: (change: Change) => void;
  readonly #passed = new PassedTime();
  #queue: Queued[] = [];
  #running = false;
  #closed = false;

  constructor(connection: WriteConnection, onCommit: (change: Change) => void) {
    this.#connection = connection;
    this.#onCommit = onCommit;
  }

  write<T>(unit: Unit<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('The store is closed.'));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ unit, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Waits for what was accepted, then takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#running || this.#queue.length > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  #schedule(): void {
    if (this.#running) return;
    this.#running = true;
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, UNITS_PER_COMMIT);
      this.#queue = this.#queue.slice(UNITS_PER_COMMIT);
      await this.#commit(batch);
    }
    this.#running = false;
  }

  async #commit(batch: readonly Queued[]): Promise<void> {
    const connection = this.#connection;
    const settled: Settled[] = [];
    const effects: Effects = noEffects();
    try {
      const now = await connection.begin();
      this.#passed.saw(now, connection.monotonic());
      // One alone needs no savepoint: if it fails, all of the transaction goes.
      if (batch.length === 1) settled.push({ queued: batch[0]!, value: await batch[0]!.unit(this.#transaction(now, effects)) });
      else for (const queued of batch) settled.push(await this.#runUnit(queued, now, effects));
      this.#finish(now, effects);
      await connection.commit();
    } catch (error) {
      await connection.rollback().catch(() => {});
      for (const queued of batch) queued.reject(error ?? new Error('A write failed.'));
      return;
    }
    for (const action of effects.actions) action();
    this.#onCommit(changeOf(effects));
    for (const one of settled) {
      if (one.error === undefined) one.queued.resolve(one.value);
      else one.queued.reject(one.error);
    }
  }

  async #runUnit(queued: Queued, now: number, effects: Effects): Promise<Settled> {
    const connection = this.#connection;
    const own: Effects = noEffects();
    await connection.savepoint();
    try {
      const value = await queued.unit(this.#transaction(now, own));
      await connection.releaseSavepoint();
      effects.events.push(...own.events);
      for (const [experiment_id, sums] of own.counts) for (const [name, by] of sums) addCount(effects, experiment_id, { name, by });
      effects.actions.push(...own.actions);
      effects.wakes.push(...own.wakes);
      return { queued, value };
    } catch (error) {
      await connection.rollbackToSavepoint();
      return { queued, error: error ?? new Error('A write failed.') };
    }
  }

  #transaction(now: number, effects: Effects): Transaction {
    const { sql, query } = this.#connection;
    return {
      ...{ sql, query, now, passed: this.#passed },
      event: (event) => void effects.events.push(event),
      count: (experiment_id, name, by) => addCount(effects, experiment_id, { name, by }),
      afterCommit: (action) => void effects.actions.push(action),
      wake: (agentId) => void effects.wakes.push(agentId),
    };
  }

  /** Counters and events come last, in one statement each, because they are what all servers write. */
  #finish(now: number, effects: Effects): void {
    const { sql } = this.#connection;
    if (effects.events.length > 0 || effects.counts.size > 0) {
      this.#connection.lockEvents();
      sendCounters(sql, effects);
    }
    sendEvents(sql, effects.events, now);
    if (effects.events.length > 0 || effects.wakes.length > 0) this.#connection.notify();
  }
}

function changeOf({ wakes, events }: Effects): Change {
  return {
    wake_all: wakes.includes('all'),
    wake: new Set(wakes.filter((agent): agent is number => agent !== 'all')),
    events: events.length > 0,
    background: events.some((event) => event.kind === 'matrix_created' || event.kind === 'operation_started'),
  };
}

/** Summed as they come: a set of thousands moves two counters. */
function addCount({ counts }: Effects, experimentId: number, { name, by }: { name: string; by: number }): void {
  let sums = counts.get(experimentId);
  if (sums === undefined) counts.set(experimentId, (sums = new Map()));
  sums.set(name, (sums.get(name) ?? 0) + by);
}

/** Ids of events are counted like everything else, under the experiment that nobody has. */
const EVENT_IDS = [0, 'event_id'] as const;

/** Always in the same order, so that two servers do not wait for each other. */
function sendCounters(sql: WriteSql, { counts, events }: Effects): void {
  const sums: [number, string, number][] = events.length === 0 ? [] : [[...EVENT_IDS, events.length]];
  for (const [experiment_id, names] of counts) {
    for (const [name, by] of names) {
      if (by === 0) continue;
      sums.push([experiment_id, name, by]);
    }
  }
  sums.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
  sendSets(sql, [[finishing[sql.dialect].raiseCounters, sums]]);
}

/** Their ids are those that sendCounters has just taken. */
function sendEvents(sql: WriteSql, events: readonly NewEvent[], now: number): void {
  const rows = events.map((event, index) => {
    const ranges = eventRanges(event);
    return [
      events.length - 1 - index,
      now,
      event.kind,
      event.experiment_id,
      event.actor,
      event.job_id ?? null,
      ranges[0]?.from ?? null,
      ranges.at(-1)?.to ?? null,
      ranges.length === 0 ? null : formatRanges(ranges),
      JSON.stringify(event.data ?? {}),
    ];
  });
  sendSets(sql, [[finishing[sql.dialect].insertEvents, rows]]);
  const named = events.flatMap(({ workers = [] }, index) => workers.map(({ agent_id, slot }) => [agent_id, slot, events.length - 1 - index]));
  sendSets(sql, [[finishing[sql.dialect].nameWorkers, named]]);
}

const EVENT_COLUMNS = {
  ...({ at: 'int', kind: 'text', experiment_id: 'int', actor: 'text' } as const),
  ...({ job_id: 'int', job_from: 'int', job_to: 'int', jobs: 'text', data_json: 'text' } as const),
};

const LAST_EVENT = `(select value from counter where experiment_id = ${EVENT_IDS[0]} and name = '${EVENT_IDS[1]}')`;

interface FinishingStatements {
  readonly raiseCounters: SetStatement;
  readonly insertEvents: SetStatement;
  readonly nameWorkers: SetStatement;
}

function finishingStatements(dialect: DialectName): FinishingStatements {
  const names = Object.keys(EVENT_COLUMNS).join(', ');
  return {
    raiseCounters: setStatement(
      dialect,
      { experiment_id: 'int', name: 'text', amount: 'int' },
      (set) => `insert into counter (experiment_id, name, value) select experiment_id, name, amount from ${set} as v where true
      on conflict (experiment_id, name) do update set value = counter.value + excluded.value`,
    ),
    insertEvents: setStatement(
      dialect,
      { before_last: 'int', ...EVENT_COLUMNS },
      (set) => `insert into event (id, ${names})
      select ${LAST_EVENT} - before_last, ${names} from ${set} as v where true`,
    ),
    nameWorkers: setStatement(
      dialect,
      { agent_id: 'int', slot: 'int', before_last: 'int' },
      (set) => `insert into event_worker (agent_id, slot, event_id) select agent_id, slot, ${LAST_EVENT} - before_last from ${set} as v where true`,
    ),
  };
}

const finishing: Record<DialectName, FinishingStatements> = { sqlite: finishingStatements('sqlite'), postgres: finishingStatements('postgres') };

function eventRanges(event: NewEvent): readonly NumberRange[] {
  if (event.numbers === undefined) return [];
  return 'from' in event.numbers ? [event.numbers] : toRanges(event.numbers);
}

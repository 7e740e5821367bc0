// Looks at the record after every commit that tells something: what DESIGN promises at every moment.
import { isEnded } from '../../src/core/job.ts';

import { checkClaims, checkTransitions } from './claim-rules.ts';
import { jobName, type Ledger } from './ledger.ts';
import { numbersOf, RecordReader, type EventRow, type JobRow, type LeaseRow, type Snapshot } from './record.ts';
import type { OldLedger } from './old-ledger.ts';
import type { Silence } from './silence.ts';
import { Violation, type World } from './world.ts';

export interface WatcherParts {
  readonly world: World;
  readonly ledger: Ledger;
  readonly old: OldLedger;
  readonly silence: Silence;
  readonly databaseFile: string;
}

const TRANSIENT = new Set(['logs_appended', 'metrics_appended', 'jobs_progressed']);
const EMPTY: Snapshot = { jobs: new Map(), leases: [], workers: new Map(), held: new Set() };

export class Watcher {
  readonly #parts: WatcherParts;
  #reader: RecordReader | null = null;
  #cursor = 0;
  #before: Snapshot = EMPTY;
  #names = new Map<number, string>();
  /** The first look after a restore: what was before does not matter. */
  #fresh = true;
  looks = 0;
  /** By the names that events have for them. */
  #revoked = new Set<string>();
  readonly #waiting = new Set<(now: Snapshot) => boolean>();

  constructor(parts: WatcherParts) {
    this.#parts = parts;
  }

  get reader(): RecordReader {
    return (this.#reader ??= new RecordReader(this.#parts.databaseFile));
  }

  get snapshot(): Snapshot {
    return this.#before;
  }

  /** Calls back with each new state of the record, until it is told that this was the one. */
  until(isThere: (now: Snapshot) => boolean): void {
    this.#waiting.add(isThere);
  }

  experimentName(id: number): string {
    if (!this.#names.has(id)) this.#names = new Map(this.reader.experiments().map((row) => [row.id, row.name]));
    return this.#names.get(id) ?? `#${id}`;
  }

  nameOf(job: Pick<JobRow, 'experiment_id' | 'number'>): string {
    return jobName(this.experimentName(job.experiment_id), job.number);
  }

  /** The database file is about to be replaced. */
  release(): void {
    this.#reader?.close();
    this.#reader = null;
    this.#fresh = true;
  }

  /** The life of a job as its events tell it, for a person. */
  lifeLine(name: string): string[] {
    const [experiment = '', number = '0'] = name.split('/');
    const rows = this.reader.all<EventRow & { at: number }>(
      `select event.* from event join experiment on experiment.id = event.experiment_id where experiment.name = ? and jobs is not null order by id`,
      experiment,
    );
    return rows
      .filter((event) => numbersOf(event).includes(Number(number)))
      .map((event) => `event ${event.id} ${event.kind} by ${event.actor ?? '-'} ${event.data_json}`);
  }

  look(): void {
    const newest = this.reader.newestEvent();
    if (newest === this.#cursor && !this.#fresh) return;
    const events = this.reader.eventsAfter(this.#fresh ? newest : this.#cursor).filter((event) => !TRANSIENT.has(event.kind));
    this.#cursor = newest;
    if (events.length === 0 && !this.#fresh) return;
    this.looks += 1;
    const now = this.reader.snapshot();
    for (const event of events)
      this.#parts.world.trace(`event ${event.id} ${event.kind} ${event.experiment_id ?? '-'} ${event.jobs ?? '-'} ${event.actor ?? '-'}`);
    this.#checkRevoked(events);
    this.#noteGrants(now);
    this.#checkLeases(now);
    this.#checkCounters(now);
    if (!this.#fresh) {
      const change = { before: this.#before, now, events, nameOf: (job: JobRow) => this.nameOf(job) };
      const isBarred = (jobId: number, agentId: number): boolean => this.reader.isBarred(jobId, agentId);
      const broken = checkTransitions(change) ?? checkClaims({ ...change, isBarred }) ?? this.#parts.old.judgeLosses(change, this.reader);
      if (broken !== null) this.#parts.world.fail(broken);
      this.#parts.silence.judgeLosses({ ...change, reader: this.reader, hasRun: (job, attempt) => this.#parts.ledger.hasRun(job, attempt) });
    }
    this.#fresh = false;
    this.#before = now;
    for (const isThere of this.#waiting) if (isThere(now)) this.#waiting.delete(isThere);
  }

  #noteGrants(now: Snapshot): void {
    const nameOf = ({ job_id, attempt, rank }: LeaseRow): string => `${job_id}.${attempt}.${rank}`;
    const known = new Set(this.#fresh ? [] : this.#before.leases.map(nameOf));
    for (const lease of now.leases) {
      if (known.has(nameOf(lease))) continue;
      const row = this.reader.attempts(lease.job_id).find(({ attempt, rank }) => attempt === lease.attempt && rank === lease.rank);
      if (row !== undefined) this.#parts.ledger.noteGrant(row, this.#parts.world.time);
    }
  }

  /** One live lease for each running job and none for any other. */
  #checkLeases(now: Snapshot): void {
    const live = this.reader.liveAttempts();
    const held = new Map(now.leases.map((lease) => [lease.job_id, lease]));
    if (held.size !== now.leases.length) this.#fail('a job has two leases');
    for (const job of now.jobs.values()) {
      const lease = held.get(job.id);
      if ((job.status === 'running') !== (lease !== undefined))
        this.#fail(`is ${job.status} ${lease === undefined ? 'without a lease' : 'and has a lease'}`, job);
      if (lease === undefined) continue;
      if (lease.attempt !== job.attempts) this.#fail(`has a lease of attempt ${lease.attempt}, but ${job.attempts} attempts`, job);
      if (!live.delete(`${job.id}.${lease.attempt}.${lease.rank}`)) this.#fail(`has a lease of attempt ${lease.attempt}, which has ended`, job);
    }
    for (const name of live) if (now.jobs.has(Number(name.split('.')[0]))) this.#fail(`attempt ${name} is live without a lease`);
  }

  /** Nothing is accepted from an agent after it was revoked. What its jobs themselves deliver belongs to their attempts. */
  #checkRevoked(events: readonly EventRow[]): void {
    if (this.#fresh) this.#revoked = new Set(this.reader.agents().flatMap(({ name, revoked_at }) => (revoked_at === null ? [] : [`agent:${name}`])));
    for (const event of events) {
      if (event.kind === 'agent_revoked') this.#revoked.add(`agent:${(JSON.parse(event.data_json) as { agent: string }).agent}`);
      else if (event.actor !== null && this.#revoked.has(event.actor)) this.#fail(`${event.kind} of ${event.actor}, which was revoked before, was accepted`);
    }
  }

  #checkCounters(now: Snapshot): void {
    const counted = new Map<string, number>();
    const count = (key: string): void => void counted.set(key, (counted.get(key) ?? 0) + 1);
    for (const job of now.jobs.values()) {
      count(`${job.experiment_id} ${job.status}`);
      if (job.forgotten_at === null) continue;
      count(`${job.experiment_id} forgotten`);
      if (!isEnded(job.status)) this.#fail(`is ${job.status} and forgotten`, job);
    }
    const kept = new Map(this.reader.counters().map((row) => [`${row.experiment_id} ${row.name}`, row.value]));
    for (const key of new Set([...counted.keys(), ...kept.keys()])) {
      if ((counted.get(key) ?? 0) !== (kept.get(key) ?? 0)) this.#fail(`the counter ${key} says ${kept.get(key) ?? 0}, the rows ${counted.get(key) ?? 0}`);
    }
  }

  #fail(message: string, job?: JobRow): void {
    this.#parts.world.fail(job === undefined ? new Violation(message) : new Violation(`${this.nameOf(job)} ${message}`, this.nameOf(job)));
  }
}

// Silence is not death: who was heard when, and whether the server gave up a job too early, too late, or for no reason.
import { SWEEP_PERIOD_MS } from '../../src/core/liveness.ts';

import type { RecordChange } from './claim-rules.ts';
import type { RecordReader } from './record.ts';
import { Violation, type World } from './world.ts';

/** Beyond the term: sweeps, slow disks, a stall that is too short to begin the terms anew. */
const SLACK_MS = 6 * SWEEP_PERIOD_MS;
/** Between a message's arrival and the moment that the server writes down for it. */
const TOLERANCE_MS = 1_500;

type HasRun = (jobId: number, attempt: number) => boolean;

export class Silence {
  readonly #world: World;
  readonly #agents = new Map<string, string>();
  readonly #leastTerms = new Map<string, number>();
  /** Agent name, or worker id of one that speaks for itself → arrival of the last sync that the server answered, moments of the world. */
  readonly #heard = new Map<string, number>();
  /** Since when the server has judged without a break: since then for sure, and since then at the latest. */
  #present_since = { certain: 0, latest: 0 };
  #present = false;
  /** Experiment name → milliseconds. */
  readonly lostAfter = new Map<string, number>();
  /** The machine of this agent has lost its files, or the server its record: the agent may really not have the job any more. */
  readonly forgetful = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** An agent's credential, by which the server knows it. */
  knows(credential: string, agent: string): void {
    this.#agents.set(credential, agent);
  }

  /** A worker that speaks for itself alone. `least_term_ms`: it speaks so seldom that it cannot be lost earlier. */
  knowsWorker(worker_id: string, least_term_ms: number): void {
    this.#agents.set(worker_id, worker_id);
    this.#leastTerms.set(worker_id, least_term_ms);
  }

  /** Whose words keep a worker's lease: its agent's, or, of workers that speak for themselves, its own. */
  #speaker(worker_id: string, agent: string): string {
    return this.#agents.get(worker_id) ?? agent;
  }

  heard(credential: string, at: number): void {
    const agent = this.#agents.get(credential);
    if (agent !== undefined) this.#heard.set(agent, Math.max(at, this.#heard.get(agent) ?? 0));
  }

  /** The server begins to run: nobody's silence counts that was before. */
  serverPresent(): void {
    this.#present = true;
    this.#present_since = { certain: this.#world.time, latest: this.#world.time };
  }

  serverAway(): void {
    this.#present = false;
  }

  /** The server was, or may have been, away for a moment without having ended: asleep, stalled, its clock moved. */
  serverPaused(until: number, certain: () => boolean): void {
    this.#world.at(until, () => {
      const { time } = this.#world;
      this.#present_since = { certain: certain() ? time : this.#present_since.certain, latest: Math.max(time, this.#present_since.latest) };
    });
    this.#present_since = { ...this.#present_since, latest: Math.max(this.#present_since.latest, until) };
  }

  /** The server runs, but what it judges may not reach its disk. */
  serverCannotWrite(): void {
    this.#present_since = { ...this.#present_since, latest: Math.max(this.#present_since.latest, this.#world.time) };
  }

  /** `hasRun`: whether the machine had begun an attempt. What only waits for its turn is in memory, and gone with the agent. */
  judgeLosses({ before, now, events, nameOf, reader, hasRun }: RecordChange & { readonly reader: RecordReader; readonly hasRun: HasRun }): void {
    if (!events.some((event) => event.kind === 'jobs_lost' || event.kind === 'jobs_finished')) return;
    const agents = new Map(reader.agents().map((agent) => [agent.id, agent.name]));
    for (const lease of before.leases) {
      const job = now.jobs.get(lease.job_id);
      if (job === undefined || now.leases.some((one) => one.job_id === lease.job_id && one.attempt === lease.attempt)) continue;
      const attempt = reader.attempts(lease.job_id).find((one) => one.attempt === lease.attempt);
      const agent = agents.get(lease.agent_id) ?? '?';
      if (attempt?.outcome !== 'lost') continue;
      const name = nameOf(job);
      if (attempt.message === 'The agent was not heard of for too long.') this.#judgeSilence(this.#speaker(lease.worker_id, agent), name);
      if (attempt.message === 'The agent no longer has this job.' && !this.forgetful.has(agent) && hasRun(lease.job_id, lease.attempt)) {
        this.#world.fail(new Violation(`${name} was taken from ${agent}, which still had it or should have`, name));
      }
    }
  }

  #judgeSilence(agent: string, job: string): void {
    const limit = this.lostAfter.get(job.split('/')[0]!) ?? Infinity;
    const silent = this.#world.time - Math.max(this.#heard.get(agent) ?? 0, this.#present_since.certain);
    if (silent < limit * 0.998 - TOLERANCE_MS) {
      this.#world.fail(
        new Violation(
          `${job} was given up after ${(silent / 1000).toFixed(1)} s of silence of ${agent} that the server was there for; its term is ${limit / 1000} s`,
          job,
        ),
      );
    }
  }

  /** Every job whose agent has been silent for longer than its term must have gone back to the queue. */
  judgePatience(leases: readonly { readonly job: string; readonly agent: string; readonly worker_id: string }[]): void {
    if (!this.#present) return;
    for (const { job, agent: agent_name, worker_id } of leases) {
      const agent = this.#speaker(worker_id, agent_name);
      const limit = Math.max(this.lostAfter.get(job.split('/')[0]!) ?? Infinity, this.#leastTerms.get(agent) ?? 0);
      const silent = this.#world.time - Math.max(this.#heard.get(agent) ?? 0, this.#present_since.latest);
      if (silent > limit * 1.002 + SLACK_MS) {
        this.#world.fail(new Violation(`${job} is still with ${agent} after ${(silent / 1000).toFixed(1)} s of silence; its term is ${limit / 1000} s`, job));
      }
    }
  }
}

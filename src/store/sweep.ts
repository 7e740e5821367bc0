// What time does, once per sweep: terms of agents end, delayed retries become ready. Each part is one transaction with guards, so that
// a second server doing the same does no harm.
import { agentLostAfter, type Liveness, liveness, type LostTerms, type OwnClocks, termChange } from '../core/liveness.ts';
import { longestBackoff } from '../core/job.ts';

import { allOf } from './agents.ts';
import { Policies } from './attempt-facts.ts';
import { assignMachines } from './driven-machines.ts';
import { endLeases } from './end-leases.ts';
import { DEFAULT_SETTINGS, type ExperimentSettings, TOMBSTONE } from './experiments.ts';
import { restartWaits } from './reserve.ts';
import { readSetting, writeSetting } from './store.ts';
import { valueSet } from './sql.ts';
import type { Transaction } from './writer.ts';

interface PresentAgent {
  readonly id: number;
  readonly host: string;
  readonly instance: string;
  readonly liveness: Liveness;
  readonly term_started_at: number;
  readonly next_sync_within_ms: number;
  readonly experiments_json: string | null;
  readonly left_at: number | null;
}

/** Judges all agents, by what their experiments are set to now; `own` is null in a process's first sweep. */
export async function sweepLiveness(tx: Transaction, own: OwnClocks | null): Promise<void> {
  const swept = await readSetting(tx, 'swept_at');
  const change = termChange({ swept_at: swept === null ? null : Number(swept), now: tx.now, own });
  await writeSetting(tx, 'swept_at', String(tx.now));
  if (change === 'restart') {
    // Locked in the order in which syncs lock them: an update of many takes them as they lie.
    if (tx.sql.dialect === 'postgres') await tx.sql.all(`select id from agent where left_at is null and liveness <> 'lost' order by id for update`);
    await tx.sql.run(`update agent set term_started_at = ? where left_at is null and liveness <> 'lost'`, [tx.now]);
    await restartWaits(tx);
    await endFutureMoments(tx);
  }
  const agents = await tx.sql.all<PresentAgent>(
    `select id, host, instance, liveness, term_started_at, next_sync_within_ms, experiments_json, left_at from agent
      where liveness <> 'lost' or id in (select agent_id from lease)`,
  );
  // Whom a sync is not even overdue of is judged without a look at anything else: mostly that is everybody.
  const overdue = agents.filter((agent) => agent.left_at !== null || agent.liveness === 'lost' || tx.now - agent.term_started_at >= agent.next_sync_within_ms);
  const judged = new Set(overdue);
  const holds = await heldExperiments(tx, overdue);
  const terms = overdue.length === 0 ? null : await readLostTerms(tx);
  const given_up = new Map<number, ReadonlySet<number> | 'all'>();
  for (const agent of agents) {
    const state = terms === null || !judged.has(agent) ? 'alive' : judge(agent, { holds: holds.get(agent.id) ?? [], terms, now: tx.now, given_up });
    if (state !== agent.liveness) await changeLiveness(tx, agent, state);
  }
  await endLeases(tx, [...given_up.keys()], {
    outcome: 'lost',
    message: 'The agent was not heard of for too long.',
    concerns: (agent, experiment) => {
      const experiments = given_up.get(agent)!;
      return experiments === 'all' || experiments.has(experiment);
    },
  });
  await assignMachines(tx);
}

interface Judging {
  /** Experiments of the jobs that it holds. */
  readonly holds: readonly number[];
  readonly terms: LostTerms;
  readonly now: number;
  /** By agent: the experiments whose jobs it has lost. */
  readonly given_up: Map<number, ReadonlySet<number> | 'all'>;
}

function judge(agent: PresentAgent, { holds, terms, now, given_up }: Judging): Liveness {
  const gone = agent.left_at !== null || agent.liveness === 'lost';
  const serves = agent.experiments_json === null ? null : (JSON.parse(agent.experiments_json) as number[]);
  const state = gone ? 'lost' : liveness({ ...agent, lost_after_ms: agentLostAfter({ serves, holds }, terms) }, now);
  const over = holds.filter((experiment) => liveness({ ...agent, lost_after_ms: terms.of_experiment.get(experiment) ?? terms.otherwise }, now) === 'lost');
  if (state === 'lost') given_up.set(agent.id, 'all');
  else if (over.length > 0) given_up.set(agent.id, new Set(over));
  return state;
}

async function heldExperiments(tx: Transaction, agents: readonly PresentAgent[]): Promise<Map<number, number[]>> {
  const held = new Map<number, number[]>();
  if (agents.length === 0) return held;
  const rows = await tx.sql.all<{ agent_id: number; experiment_id: number }>(
    `select distinct lease.agent_id, job.experiment_id from lease join job on job.id = lease.job_id where lease.agent_id in ${valueSet(tx.sql.dialect, 'int')}`,
    [JSON.stringify(agents.map((agent) => agent.id))],
  );
  for (const row of rows) held.set(row.agent_id, [...(held.get(row.agent_id) ?? []), row.experiment_id]);
  return held;
}

async function readLostTerms(tx: Transaction): Promise<LostTerms> {
  const rows = await tx.sql.all<{ id: number; settings_json: string }>(`select id, settings_json from experiment where name not like '${TOMBSTONE}%'`);
  const secondsOf = (json: string): number => (JSON.parse(json) as Partial<ExperimentSettings>).lost_after_seconds ?? DEFAULT_SETTINGS.lost_after_seconds;
  return {
    of_experiment: new Map(rows.map((row) => [row.id, secondsOf(row.settings_json) * 1000])),
    otherwise: DEFAULT_SETTINGS.lost_after_seconds * 1000,
  };
}

async function changeLiveness(tx: Transaction, agent: PresentAgent, state: Liveness): Promise<void> {
  await tx.sql.run(`update agent set liveness = ? where id = ?`, [state, agent.id]);
  const about = { experiment_id: null, actor: 'server', data: { agent: `${agent.host}_${agent.instance}` }, workers: allOf(Number(agent.id)) };
  if (state === 'suspect') tx.event({ kind: 'agent_suspect', ...about });
  if (state !== 'lost') return;
  tx.event({ kind: 'agent_lost', ...about });
  await tx.sql.run(`update worker set disabled_at = ?, disabled_reason = 'no sync' where agent_id = ? and disabled_at is null`, [tx.now, agent.id]);
}

/**
 * The wall clock may have been set back: a moment that was near then is far now. No retry waits longer than its back-off, counted from now at
 * the latest, and no lease was granted later than now. Moments that are right stay as they are.
 */
async function endFutureMoments(tx: Transaction): Promise<void> {
  await tx.sql.run('update lease set granted_at = ? where granted_at > ?', [tx.now, tx.now]);
  const delayed = await tx.sql.all<{ experiment_id: number; failures: number }>('select distinct experiment_id, failures from job where not_before > ?', [
    tx.now,
  ]);
  const policies = new Policies(tx);
  for (const { experiment_id, failures } of delayed) {
    const latest = tx.now + longestBackoff(await policies.of(experiment_id, null), failures);
    await tx.sql.run('update job set not_before = ? where not_before > ? and experiment_id = ? and failures = ?', [latest, latest, experiment_id, failures]);
  }
}

const READY_AT_ONCE = 5_000;

/** Delayed retries whose time has come enter the queue; returns the moment of the next one, or null. */
export async function readyDelayed(tx: Transaction): Promise<number | null> {
  const due = await tx.sql.all<{ id: number; number: number; experiment_id: number }>(
    `select id, number, experiment_id from job where not_before is not null and not_before <= ? limit ${READY_AT_ONCE}`,
    [tx.now],
  );
  if (due.length > 0) {
    await tx.sql.run(`update job set not_before = null where id in ${valueSet(tx.sql.dialect, 'int')}`, [JSON.stringify(due.map((job) => job.id))]);
    for (const experiment of new Set(due.map((job) => job.experiment_id))) {
      tx.event({
        kind: 'jobs_ready',
        experiment_id: experiment,
        actor: 'server',
        numbers: due.filter((job) => job.experiment_id === experiment).map((job) => job.number),
      });
    }
    tx.wake('all');
  }
  const [next] = await tx.sql.all<{ at: number | null }>('select min(not_before) as at from job where not_before is not null');
  return next?.at === null || next === undefined ? null : Number(next.at);
}

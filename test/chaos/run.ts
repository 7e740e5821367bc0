// One chaos run from its seed to its report: fixed work, faults by schedule, everything healed, everything compared.
import { join } from 'node:path';

import { openStage, type Lifetime } from '../support/drover.ts';
import { kill } from '../support/program.ts';
import { whyNoSmallDisk } from '../support/small-disk.ts';
import { audit, jobProcesses } from './audit.ts';
import { drive } from './driver.ts';
import { postgresEngine, sqliteEngine } from './engine.ts';
import { openField, type Field } from './field.ts';
import { createRandom } from './random.ts';
import { makeReport } from './report.ts';
import { makeSchedule } from './schedule.ts';
import { readServerLogs } from './server-log.ts';
import { makeBatches, makeWork, submit } from './work.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly engine: 'sqlite' | 'postgres';
  readonly short_jobs: number;
  readonly long_jobs: number;
  readonly long_ms: number;
  /** In which faults begin. */
  readonly period_ms: number;
  readonly gap_ms: number;
  readonly longest_ms: number;
  readonly drain_limit_ms: number;
  readonly agents: number;
  readonly workers: number;
  readonly tell: (line: string) => void;
}

export interface ChaosResult {
  readonly violations: readonly string[];
  readonly report: string;
  readonly lives: readonly string[];
}

/** Also what the audit expects. */
const SETTINGS = { max_attempts: 3, backoff_base_seconds: 1, backoff_cap_seconds: 3, grace_seconds: 2, lost_after_seconds: 15, crash_limit: 8 };

/** Null when there is no such database here. */
export async function runChaos(lifetime: Lifetime, options: ChaosOptions): Promise<ChaosResult | null> {
  const engine = options.engine === 'sqlite' ? sqliteEngine() : await postgresEngine(`chaos_${options.seed}_${process.pid}`);
  if (engine === null) return null;
  const reason = whyNoSmallDisk();
  if (reason !== null) process.stderr.write(`CHAOS WITHOUT FULL DISKS: ${reason}.\n`);
  // Undone in reverse order: servers go before their database.
  lifetime.onTestFinished(engine.close);
  const stage = openStage(lifetime);
  const field = await openField({
    ...{ stage, engine: options.engine, disks: reason === null, agents: options.agents, workers: options.workers },
    ...{ database_url: engine.url, settings: SETTINGS, breakDatabase: engine.breakConnections, tell: storyteller(options.tell) },
  });
  const random = createRandom(options.seed);
  const faults = makeSchedule(random, { ...options, disks: reason === null, servers: field.servers.length });
  const jobs = makeWork(random, { library: join(import.meta.dirname, 'job.py'), shell: join(import.meta.dirname, 'job.sh') }, options);
  field.tell(`seed ${options.seed}, ${options.engine}: ${jobs.length} jobs, ${faults.length} faults in ${options.period_ms / 1000} s`);
  const driver = drive(field, faults);
  const [answered] = await Promise.all([submit(field, makeBatches(random, jobs, options), driver.pace), driver.over]);
  field.tell('all faults are healed and all jobs submitted');
  const rules = { ...SETTINGS, lost_after_ms: SETTINGS.lost_after_seconds * 1000 };
  const audited = await audit(field, { engine, rules, planned: jobs, answered, drain_limit_ms: options.drain_limit_ms });
  driver.stop();
  await closeInOrder(field);
  field.tell('closed');
  return { violations: field.violations, report: makeReport(field, audited, readServerLogs(field)), lives: audited.lives };
}

/** Each line with its moment, so that a run can be told. */
function storyteller(tell: (line: string) => void): (text: string) => void {
  const begun = performance.now();
  return (text) => tell(`${`+${((performance.now() - begun) / 1000).toFixed(2)} s`.padStart(11)}  ${text}`);
}

async function closeInOrder(field: Field): Promise<void> {
  for (const unit of field.agents) {
    unit.up = false;
    await unit.agent.stop();
  }
  const stray = jobProcesses(field);
  if (stray.length > 0) field.violation(`processes outlive their agents: ${stray.join(', ')}`);
  for (const pid of stray) kill(pid, 'SIGKILL');
  for (const unit of field.servers) {
    unit.up = false;
    await unit.server.stop();
  }
}

// Machines that jobs act on: when one that fails is left alone, and how it comes back.
import type { Outcome } from './attempt.ts';
import { MACHINE_NAME } from './identifiers.ts';
import { LIMITS } from './limits.ts';

/** Why a name cannot be that of a machine; null when it can. */
export function machineNameProblem(name: string): string | null {
  if (MACHINE_NAME.test(name)) return null;
  if (name.startsWith('-')) return `${name} begins with a minus, so programs would read it as an option.`;
  return `${JSON.stringify(name)} is no machine. Write HOST or HOST:PORT: letters, digits, dots, _, -, @, and brackets around an IPv6 address.`;
}

export interface MachineHealth {
  /** Different jobs that failed there in a row. */
  readonly failures: number;
  readonly failed_job_id: number | null;
  readonly quarantined_at: number | null;
  readonly quarantine_reason: string | null;
  /** From when it may get one job on trial; null: it is not quarantined. */
  readonly trial_at: number | null;
}

export const HEALTHY: MachineHealth = { failures: 0, failed_job_id: null, quarantined_at: null, quarantine_reason: null, trial_at: null };

export interface EndedThere {
  readonly job_id: number;
  /** As people call it, e.g. `pool/17`. */
  readonly job: string;
  readonly outcome: Outcome;
  readonly exit_code: number | null;
}

/**
 * What an end says of the machine; null: nothing new. The same job failing again says as much of the job as of the machine, so it counts once.
 */
export function healthAfter(health: MachineHealth, end: EndedThere, now: number): MachineHealth | null {
  if (end.outcome === 'succeeded') return health.failures === 0 && health.quarantined_at === null ? null : HEALTHY;
  if (end.outcome !== 'failed' && end.outcome !== 'timed_out') return health.quarantined_at === null ? null : { ...health, trial_at: now };
  if (health.quarantined_at !== null) {
    const waited = now - health.quarantined_at;
    const rest = Math.min(Math.max(LIMITS.trial_seconds.value * 1000, waited), LIMITS.longest_trial_seconds.value * 1000);
    return { ...health, failed_job_id: end.job_id, trial_at: now + rest };
  }
  if (health.failed_job_id === end.job_id) return null;
  const failures = health.failures + 1;
  if (failures < LIMITS.quarantine_failures.value) return { ...health, failures, failed_job_id: end.job_id };
  const how = end.outcome === 'timed_out' ? 'timed out' : end.exit_code === null ? 'failed' : `exit code ${end.exit_code}`;
  return {
    failures,
    failed_job_id: end.job_id,
    quarantined_at: now,
    quarantine_reason: `${failures} different jobs in a row failed here, the last of them ${end.job} (${how}).`,
    trial_at: now + LIMITS.trial_seconds.value * 1000,
  };
}

/** Whether it may get a job now: always, or one on trial. */
export function mayTakeJob({ quarantined_at, trial_at }: Pick<MachineHealth, 'quarantined_at' | 'trial_at'>, now: number): boolean {
  return quarantined_at === null || (trial_at !== null && now >= trial_at);
}

/** While a job is there on trial, and for as long as nothing is heard of its end, there is no other. */
export function onTrial(now: number): number {
  return now + LIMITS.longest_trial_seconds.value * 1000;
}

/** The classes of machines that an agent drives; `*`: all. */
export function drives(classes: readonly string[], machineClass: string): boolean {
  return classes.includes('*') || classes.includes(machineClass);
}

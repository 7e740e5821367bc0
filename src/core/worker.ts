// What a worker was told to do. Commands are versioned: a worker applies the newest and says which one it applied.

export const DESIRED_STATES = ['run', 'pause', 'drain', 'stop'] as const;
export type DesiredState = (typeof DESIRED_STATES)[number];

const PRECEDENCE: Record<DesiredState, number> = { run: 0, pause: 1, drain: 2, stop: 3 };

export interface WorkerControl {
  readonly desired_state: DesiredState;
  readonly desired_version: number;
  readonly applied_version: number;
  /** The state to return to if the waiting command is cancelled. */
  readonly previous_state: DesiredState;
}

export function commandWaits(control: WorkerControl): boolean {
  return control.desired_version > control.applied_version;
}

/** A worker takes jobs only when told `run` and when no command waits to be applied. */
export function mayTakeJobs(control: WorkerControl): boolean {
  return control.desired_state === 'run' && !commandWaits(control);
}

/**
 * A command from a person. While another one waits, the stronger wins (stop > drain > pause); `run` always resumes.
 * Null when nothing would change.
 */
export function command(control: WorkerControl, state: DesiredState): WorkerControl | null {
  if (control.desired_state === state) return null;
  if (state !== 'run' && commandWaits(control) && PRECEDENCE[state] < PRECEDENCE[control.desired_state]) return null;
  return {
    ...control,
    desired_state: state,
    desired_version: control.desired_version + 1,
    previous_state: commandWaits(control) ? control.previous_state : control.desired_state,
  };
}

/** Takes a waiting command back; null when none waits. The version rises, so that a late delivery of the old one is seen as old. */
export function cancelCommand(control: WorkerControl): WorkerControl | null {
  if (!commandWaits(control)) return null;
  return { ...control, desired_state: control.previous_state, desired_version: control.desired_version + 1 };
}

/** What a worker says of the newest command that it has taken. */
export interface WorkerReport {
  readonly applied_version: number;
  /** What it does since; null: it does not say. */
  readonly state: DesiredState | null;
}

/**
 * The record after a worker's word; null when it stays as it is. Usually the worker has applied what waited. But the two may have different pasts:
 * the record was put back to a backup, or began anew for a process that went on. Of a record that is behind, a command that waits is given
 * again, and what was applied is learned from the worker; of a record that is not behind, its own state is told again.
 */
export function heard(control: WorkerControl, { applied_version, state }: WorkerReport): WorkerControl | null {
  const { desired_state, desired_version } = control;
  const applied = { ...control, applied_version };
  if (state === null || (state === desired_state && applied_version <= desired_version))
    return applied_version > control.applied_version && applied_version <= desired_version ? applied : null;
  // Under a version that is news to the worker.
  const again = { ...applied, desired_version: Math.max(desired_version, applied_version + 1), previous_state: state };
  if (applied_version === desired_version) return again;
  if (applied_version > desired_version)
    return desired_version === control.applied_version ? { ...applied, desired_state: state, desired_version: applied_version, previous_state: state } : again;
  if (applied_version > control.applied_version) return applied;
  return applied_version < control.applied_version && !commandWaits(control) ? again : null;
}

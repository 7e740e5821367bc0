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

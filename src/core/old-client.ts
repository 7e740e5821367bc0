// Rules for workers that speak JobDistributor's protocol. They show no lease token, and one credential may serve many of them; so who
// speaks for an attempt is told by what was given to whom, and a job is not given where a late word could be taken for another's.
import { LIMITS } from './limits.ts';
import type { DesiredState } from './worker.ts';

/** How often such a client speaks, in seconds. Idle it obeys what it is told; busy it always waits so long. */
export const IDLE_SECONDS = 180;
export const BUSY_SECONDS = 57;
/** So soon it is asked again when what it says does not fit what was heard before. */
export const CONFIRM_SECONDS = 10;
/** Its longest request. */
const REQUEST_SECONDS = 30;

/** Within this time it must be heard of again. After a failed request it waits its whole period anew: that is less than two of these. */
export function nextWithinMs(isBusy: boolean): number {
  return ((isBusy ? BUSY_SECONDS : IDLE_SECONDS) + REQUEST_SECONDS) * 1000;
}

/** It holds a job that it does not name while it is busy: believed for so long after it was last heard of with it. */
export const UNNAMED_MS = 4 * BUSY_SECONDS * 1000;

export interface Control {
  readonly desired_state: DesiredState;
  readonly desired_version: number;
  /** The command that is to end the job as well. */
  readonly kill_version: number | null;
}

/**
 * The word for what a worker is to do. On `stop` such a client kills its job; a person who says stop means that the job is finished first,
 * and to such a client that is `drain`. An idle client leaves on either, but says that it does only on `stop`.
 */
export function toldState({ desired_state, desired_version, kill_version }: Control, isBusy: boolean): DesiredState {
  if (isBusy) return desired_state === 'stop' && kill_version !== desired_version ? 'drain' : desired_state;
  return desired_state === 'drain' ? 'stop' : desired_state;
}

/** A credential as it came with a message: of a token its id, its key, when it was made and when it ends; without one the id is empty. */
export interface Sender {
  readonly token_id: string;
  readonly key_id: number | null;
  readonly issued_at: number | null;
  readonly ends_at: number | null;
}

/** To whom an attempt was given, and with which credential it was last heard of. */
export interface Assignment {
  readonly token_id: string;
  readonly key_id: number | null;
  readonly token_ends_at: number | null;
  readonly heard_at: number;
  /** Since when it surely has the job no more. */
  readonly quit_at: number | null;
}

/** Clients fetch another token this long before the end of theirs. */
export const REFRESH_MARGIN_MS = LIMITS.worker_token_margin_seconds.value * 1000;

/** `successor`: made by the same key when the holder's token was about to end; it counts if no other worker uses it. */
export function speaker(assignment: Assignment, sender: Sender): 'holder' | 'successor' | 'foreign' {
  if (assignment.token_id === sender.token_id) return 'holder';
  const { key_id, token_ends_at } = assignment;
  if (key_id === null || token_ends_at === null || sender.key_id !== key_id || sender.issued_at === null) return 'foreign';
  return sender.issued_at >= token_ends_at - REFRESH_MARGIN_MS ? 'successor' : 'foreign';
}

/** A copy of a report may be under way for so long after the client that sent it has gone on to something else. */
export const COPY_MS = LIMITS.old_report_seconds.value * 1000;

/**
 * Whether a report of this attempt may still come from a worker with the same credential: until then the job goes to none of them. `passed` tells
 * how much time has passed since a moment: the clock may have been set since.
 */
export function mayStillReport({ quit_at, token_ends_at, heard_at }: Assignment, now: number, passed: (moment: number) => number): boolean {
  if (quit_at !== null) return passed(quit_at) < COPY_MS;
  return now < (token_ends_at ?? heard_at + LIMITS.old_sender_seconds.value * 1000);
}

// A bulk action in the background as sentences, and which of them still concern whoever looks.
import type { api } from '../api.ts';
import { countText } from '../components/bytes.ts';

export type Operation = Awaited<ReturnType<typeof api.jobs.operation>>;

export const ACTION_WORDS: Record<Operation['action'], { readonly doing: string; readonly did: string }> = {
  cancel: { doing: 'Cancelling', did: 'Cancelled' },
  requeue: { doing: 'Requeueing', did: 'Requeued' },
  hold: { doing: 'Holding', did: 'Held' },
  unhold: { doing: 'Letting run', did: 'Let run' },
  delete: { doing: 'Deleting', did: 'Deleted' },
  forget: { doing: 'Forgetting', did: 'Forgot' },
  unforget: { doing: 'Remembering', did: 'Remembered' },
  set_timeout: { doing: 'Setting the time limit of', did: 'Set the time limit of' },
  set_priority: { doing: 'Setting the priority of', did: 'Set the priority of' },
  add_tags: { doing: 'Tagging', did: 'Tagged' },
  remove_tags: { doing: 'Taking tags from', did: 'Took tags from' },
};

/** Of one, and of many. */
type Sentence = readonly [one: string, many: string];

const LEFT: Record<string, Sentence> = {
  job_ended: ['had already ended and stayed as it was', 'had already ended and stayed as they were'],
  job_not_ended: ['had not ended and stayed as it was', 'had not ended and stayed as they were'],
  job_not_pending: ['was not pending and stayed as it was', 'were not pending and stayed as they were'],
  too_many: ['had too many tags and stayed as it was', 'had too many tags and stayed as they were'],
};

const STAY: Record<string, Sentence> = {
  job_ended: ['has already ended and stays as it is', 'have already ended and stay as they are'],
  job_not_ended: ['has not ended and stays as it is', 'have not ended and stay as they are'],
  job_not_pending: ['is not pending and stays as it is', 'are not pending and stay as they are'],
  too_many: ['would have too many tags and stays as it is', 'would have too many tags and stay as they are'],
};

export function operationText(operation: Operation, waits = false): { readonly title: string; readonly detail: string | null } {
  const { state, matched, done, changed, problem } = operation;
  const { doing, did } = ACTION_WORDS[operation.action];
  const left = leftText(operation.refused);
  switch (state) {
    case 'running':
      return { title: `${doing} ${jobsText(matched)}`, detail: waits ? 'waits for the one before' : `${countText(done)} looked at${left}` };
    case 'done':
      return {
        title: `${did} ${changed === matched ? jobsText(changed) : `${countText(changed)} of ${jobsText(matched)}`}`,
        detail: left === '' ? null : left.slice(2),
      };
    case 'failed':
      return { title: `${doing} stopped after ${countText(done)} of ${jobsText(matched)}`, detail: problem };
  }
}

/** `, 10 had already ended and stayed as they were`. */
function leftText(refused: Operation['refused']): string {
  return leftReasons(refused)
    .map((reason) => `, ${reason}`)
    .join('');
}

/** Before it is done: `10 are not pending and stay as they are`. */
export function stayReasons(refused: Operation['refused']): string[] {
  return reasons(refused, STAY, 'stay as before');
}

/** `10 had already ended and stayed as they were`. */
export function leftReasons(refused: Operation['refused']): string[] {
  return reasons(refused, LEFT, 'left as before');
}

function reasons(refused: Operation['refused'], sentences: Record<string, Sentence>, otherwise: string): string[] {
  return Object.entries(refused).map(([code, count]) => {
    const sentence = sentences[code]?.[count === 1 ? 0 : 1] ?? `${otherwise}: ${code.replaceAll('_', ' ')}`;
    return `${countText(count)} ${sentence}`;
  });
}

export function jobsText(count: number): string {
  return `${countText(count)} ${count === 1 ? 'job' : 'jobs'}`;
}

/** A failure is told for so long to whoever did not see it happen. */
const FAILURE_MS = 24 * 3_600_000;

interface Viewer {
  readonly openedAt: number;
  readonly now: number;
  /** Ids of those that were closed. */
  readonly read: readonly number[];
}

/** The oldest first, as they are done: all that run, what ended since the page was opened, and what failed lately. */
export function shownOperations(newestFirst: readonly Operation[], { openedAt, now, read }: Viewer): Operation[] {
  const concerns = ({ id, state, finished_at }: Operation): boolean => {
    if (finished_at === null) return true;
    const at = Date.parse(finished_at);
    return !read.includes(id) && (at >= openedAt || (state === 'failed' && at >= now - FAILURE_MS));
  };
  return newestFirst.filter(concerns).reverse();
}

// What a bulk action would do, as sentences: before it is done, and after.
import type { api } from '../api.ts';
import { countText } from '../components/bytes.ts';
import { ACTION_WORDS, jobsText, leftReasons, stayReasons } from './operation-text.ts';

export type BulkReply = Awaited<ReturnType<typeof api.jobs.bulk>>;
export type BulkAction = BulkReply['action'];

/** What is said of the jobs that would change: `12 jobs will be held`. */
const WILL: Record<BulkAction, string> = {
  cancel: 'be cancelled',
  requeue: 'go back into the queue',
  hold: 'be held',
  unhold: 'be let run',
  delete: 'be deleted',
  forget: 'be forgotten',
  unforget: 'be listed again',
  set_priority: 'get this priority',
  set_timeout: 'get this time limit',
  add_tags: 'be tagged',
  remove_tags: 'lose tags',
};

/** What becomes of jobs, beyond the word. */
export const MEANING: Record<BulkAction, string> = {
  cancel: 'Pending jobs are aborted at once. The programs of running ones are asked to end and get their grace time.',
  requeue: 'They get a new attempt. Logs, metrics and files of earlier attempts stay.',
  hold: 'No worker takes a held job. It keeps its place in the queue.',
  unhold: 'Held jobs may be taken by workers again.',
  delete: 'They are removed as if they had never been made. This cannot be taken back.',
  forget: 'Lists, results and exports leave them out. Outcomes, logs and files stay, and counts tell of them; is:forgotten in the search finds them.',
  unforget: 'They are listed like any others.',
  set_priority: 'Higher goes first.',
  set_timeout: 'It holds for their next attempt.',
  add_tags: 'Jobs of any status are tagged. One finds them again by tag:name in the search.',
  remove_tags: 'Other tags of these jobs stay.',
};

export function previewText({ action, matched, changed, refused }: BulkReply): { readonly title: string; readonly left: readonly string[] } {
  const left = [...stayReasons(refused), ...asTheyAre({ action, matched, changed, refused })];
  if (matched === 0) return { title: 'No job fits any more.', left };
  if (changed === 0)
    return { title: `${matched === 1 ? 'The job' : `None of the ${jobsText(matched)}`} will ${matched === 1 ? 'not ' : ''}${WILL[action]}.`, left };
  return { title: `${changed === matched ? jobsText(changed) : `${countText(changed)} of ${jobsText(matched)}`} will ${WILL[action]}.`, left };
}

/** Jobs that an action leaves as they are because there is nothing to do. */
function asTheyAre({ action, matched, changed, refused }: Pick<BulkReply, 'action' | 'matched' | 'changed' | 'refused'>): string[] {
  const rest = matched - changed - Object.values(refused).reduce((sum, count) => sum + count, 0);
  if (rest === 0 || (action !== 'add_tags' && action !== 'remove_tags')) return [];
  const all = action === 'add_tags' ? 'all of them already' : 'none of them';
  return [`${countText(rest)} ${rest === 1 ? 'has' : 'have'} ${all}`];
}

export function doneText({ action, matched, changed, refused }: BulkReply): string {
  const done = `${ACTION_WORDS[action].did} ${changed === matched ? jobsText(changed) : `${countText(changed)} of ${jobsText(matched)}`}`;
  return [done, ...leftReasons(refused)].join('. ');
}

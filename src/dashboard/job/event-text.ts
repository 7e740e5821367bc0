// An event of a job as a sentence.
import type { EventShape } from '../../contract/index.ts';
import type { Outcome } from '../../core/attempt.ts';
import type { EventKind } from '../../core/event.ts';
import { bytesText } from '../components/bytes.ts';
import { OUTCOME_WORD } from '../components/status.tsx';
import { durationText } from '../components/time.tsx';

const WORDS: Partial<Record<EventKind, string>> = {
  jobs_created: 'Created',
  jobs_claimed: 'Claimed',
  jobs_finished: 'Finished',
  jobs_lost: 'Lost: its machine fell silent',
  jobs_released: 'Given back unfinished',
  jobs_taken_back: 'Taken back: the attempt returned, still running',
  attempt_forgotten: 'Told: an execution that the restored record did not know has ended',
  jobs_edited: 'Edited',
  jobs_cancelled: 'Cancelled',
  jobs_cancel_requested: 'Cancel requested',
  jobs_requeued: 'Requeued',
  jobs_held: 'Held',
  jobs_unheld: 'Let run',
  jobs_forgotten: 'Forgotten: lists leave it out',
  jobs_unforgotten: 'Listed again',
  queue_held: 'The whole queue was held',
  queue_unheld: 'The whole queue was let run',
  jobs_ready: 'Ready for its retry',
  artifact_stored: 'Stored',
  matrix_expanded: 'Created from a matrix',
};

export function eventTitle(event: EventShape): string {
  const { data } = event;
  const outcome = event.kind === 'jobs_finished' ? onlyOutcome(data['outcomes']) : null;
  if (outcome !== null) return OUTCOME_WORD[outcome];
  if (event.kind === 'artifact_stored' && typeof data['name'] === 'string')
    return data['kind'] === 'checkpoint' ? 'Saved a checkpoint' : `Stored ${data['name']}`;
  if (event.kind === 'jobs_created' && data['held'] === true) return 'Created on hold';
  return WORDS[event.kind] ?? event.kind.replaceAll('_', ' ');
}

/** Of `{"succeeded": 3}`: how all the jobs of the event ended; null when they ended in several ways. */
function onlyOutcome(outcomes: unknown): Outcome | null {
  const words = typeof outcomes === 'object' && outcomes !== null ? Object.keys(outcomes) : [];
  const [word] = words;
  return words.length === 1 && isOutcome(word) ? word : null;
}

function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'string' && Object.hasOwn(OUTCOME_WORD, value);
}

/** Told already by the title or of no use to a reader. */
const SAID: ReadonlySet<string> = new Set(['name', 'kind', 'superseded', 'execution', 'message', 'held']);

/** The plain values that came with it: `attempt 1, exit code 0`. */
export function eventDetail(event: EventShape): string {
  const parts = Object.entries(event.data).flatMap(([name, value]) => {
    if (SAID.has(name) && event.kind !== 'jobs_edited') return name === 'superseded' && value === true ? ['superseded'] : [];
    if (name === 'size_bytes' && typeof value === 'number') return [bytesText(value)];
    if (name === 'held_since' && typeof value === 'string') return [`after ${durationText(Math.max(0, Date.parse(event.at) - Date.parse(value)))}`];
    if (name === 'worker_id' && typeof value === 'string') return [`on ${value}`];
    if (name === 'cloned_from' && typeof value === 'string') return [/[,-]/.test(value) ? 'copies of several jobs' : `a copy of job ${value}`];
    if (name === 'matrix_id' && typeof value === 'number') return [`matrix ${value}`];
    return isPlain(value) ? [`${name.replaceAll('_', ' ')} ${String(value)}`] : [];
  });
  const text = parts.join(', ');
  const { message } = event.data;
  // What the exit code says is said once.
  if (typeof message !== 'string' || message === '' || saysOnlyExitCode(message)) return text;
  return text === '' ? message : `${text}: ${message}`;
}

/** The sentence that an agent sends where it knows no more. */
export function saysOnlyExitCode(message: string): boolean {
  return /^The job ended with exit code \d+\.$/.test(message);
}

function isPlain(value: unknown): value is string | number | boolean {
  return (typeof value === 'string' && value !== '') || typeof value === 'number' || typeof value === 'boolean';
}

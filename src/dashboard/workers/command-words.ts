// The four commands in words: what each means to a worker that runs a job, and to one that does not.
import type { DesiredState } from '../../core/worker.ts';

export const COMMAND_WORD: Record<DesiredState, string> = { run: 'Resume', pause: 'Pause', drain: 'Drain', stop: 'Stop' };

export const MEANING: Record<DesiredState, string> = {
  run: 'Take jobs again.',
  pause: 'Finish the job, then take no more until resumed.',
  drain: 'Finish the job, then leave. To come back, the worker must be started again on its machine.',
  stop: 'Leave at once when idle; finish the job first when busy. To come back, the worker must be started again on its machine.',
};

export const TO_BUSY: Record<DesiredState, string> = {
  run: 'go on, and take jobs again afterwards',
  pause: 'finish the job, then take no more',
  drain: 'finish the job, then leave',
  stop: 'finish the job, then leave',
};

export const TO_IDLE: Record<DesiredState, string> = {
  run: 'take jobs again',
  pause: 'take no jobs until resumed',
  drain: 'leave when they next poll',
  stop: 'leave at once',
};

export const PRECEDENCE =
  'Stop is stronger than drain, and drain is stronger than pause: while a command is queued, a weaker one does not replace it. Resume takes back any of them. A queued command is applied when the worker next polls, which is at once unless its network is away; until then it can be cancelled.';

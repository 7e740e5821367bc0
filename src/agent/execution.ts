// As what an attempt was run: told to the server once it has begun, until a reply came. Nothing here holds the token of the attempt.
import type { ExecutionPlaceShape, OwnExecutionShape, ToldExecutionsShape } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import type { Attempt } from './attempt-life.ts';
import { ownDirectories, told } from './execution-place.ts';
import { argumentsOf } from './job-command.ts';
import { referenceOf } from './spool.ts';

type Placed = Attempt & { readonly place: ExecutionPlaceShape };

/** It has begun and the server has not heard as what. */
export function isUntold(attempt: Attempt): attempt is Placed {
  return attempt.place !== null && attempt.process_id !== null && !attempt.execution_told && !attempt.unwanted;
}

/** For one sync: those that ended first, because they are about to be forgotten. */
export function untoldExecutions(attempts: readonly Attempt[], workerId: (slot: number) => string): ToldExecutionsShape[] {
  const untold = attempts.filter(isUntold);
  const inOrder = [...untold.filter(({ phase }) => phase === 'ended'), ...untold.filter(({ phase }) => phase !== 'ended')];
  const places = new Map<string, ToldExecutionsShape>();
  for (const attempt of inOrder.slice(0, LIMITS.sync_executions.value)) {
    const key = JSON.stringify(attempt.place);
    let group = places.get(key);
    if (group === undefined) places.set(key, (group = { place: attempt.place, attempts: [] }));
    group.attempts.push({ ...referenceOf(attempt), ...ownExecution(attempt, workerId(attempt.slot)) });
  }
  return [...places.values()];
}

function ownExecution({ lease, place, process_id }: Placed, worker: string): OwnExecutionShape {
  const directories = ownDirectories(place, lease);
  return {
    ...cutWords(argumentsOf(lease, place) ?? []),
    process_id,
    variables: {
      JD_JOB_ID: String(lease.number),
      JD_EXP_ID: lease.experiment,
      JD_WORKER_JOB_DIR: told(directories.job),
      JD_WORKER_ID: told(worker),
      JD_ATTEMPT: String(lease.attempt),
      JD_ATTEMPT_DIR: told(directories.attempt),
    },
  };
}

/** As many words, and of the last as much, as one record takes. */
function cutWords(words: readonly string[]): Pick<OwnExecutionShape, 'arguments' | 'cut'> {
  let left = LIMITS.execution_characters.value;
  const kept: string[] = [];
  for (const word of words) {
    if (left <= 0) return { arguments: kept, cut: true };
    kept.push(word.slice(0, left));
    if (word.length > left) return { arguments: kept, cut: true };
    left -= word.length + 1;
  }
  return { arguments: kept, cut: false };
}

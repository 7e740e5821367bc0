import { describe, expect, test } from 'vitest';

import { DESIRED_STATES, cancelCommand, command, commandWaits, mayTakeJobs, type DesiredState, type WorkerControl } from './worker.ts';

const control = (desired_state: DesiredState, waits: boolean, previous_state: DesiredState): WorkerControl => ({
  desired_state,
  desired_version: 7,
  applied_version: waits ? 6 : 7,
  previous_state,
});

const EVERY = DESIRED_STATES.flatMap((now) =>
  [false, true].flatMap((waits) => DESIRED_STATES.flatMap((before) => DESIRED_STATES.map((next) => [now, waits, before, next] as const))),
);

/** Commands that a waiting one keeps out, because it is the stronger. */
const WEAKER: Record<DesiredState, DesiredState[]> = { run: [], pause: [], drain: ['pause'], stop: ['pause', 'drain'] };

describe('commands', () => {
  test.each(EVERY)('told %s (waits: %s, before: %s), then %s', (now, waits, before, next) => {
    const state = control(now, waits, before);
    const result = command(state, next);
    if (next === now || (waits && WEAKER[now].includes(next))) expect(result).toBeNull();
    else expect(result).toEqual({ desired_state: next, desired_version: 8, applied_version: state.applied_version, previous_state: waits ? before : now });
  });

  test('a new command always waits to be applied, with a higher version', () => {
    for (const [now, waits, before, next] of EVERY) {
      const result = command(control(now, waits, before), next);
      if (result !== null) expect(commandWaits(result) && result.desired_version > 7).toBe(true);
    }
  });

  test.each(EVERY.filter(([, , , next]) => next === 'run'))('taking back %s (waits: %s, before: %s)', (now, waits, before) => {
    const state = control(now, waits, before);
    const result = cancelCommand(state);
    if (!waits) expect(result).toBeNull();
    else expect(result).toEqual({ ...state, desired_state: before, desired_version: 8 });
  });

  test('a command that was taken back leaves the state that was applied', () => {
    for (const now of DESIRED_STATES)
      for (const next of DESIRED_STATES) {
        const given = command(control(now, false, 'run'), next);
        if (given !== null) expect(cancelCommand(given)?.desired_state).toBe(now);
      }
  });
});

describe('taking jobs', () => {
  test('only when told to run and nothing waits', () => {
    const able = DESIRED_STATES.flatMap((state) => [false, true].map((waits) => [state, waits, mayTakeJobs(control(state, waits, 'run'))]));
    expect(able.filter(([, , may]) => may)).toEqual([['run', false, true]]);
  });
});

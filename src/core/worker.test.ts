import { describe, expect, test } from 'vitest';

import { DESIRED_STATES, cancelCommand, command, commandWaits, heard, mayTakeJobs, type DesiredState, type WorkerControl } from './worker.ts';

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

describe('what a worker says', () => {
  const record = (desired_state: DesiredState, desired_version: number, applied_version: number): WorkerControl => ({
    ...{ desired_state, desired_version, applied_version, previous_state: 'run' },
  });

  test.each([
    ['it applied what waited', record('pause', 1, 0), 1, 'pause', record('pause', 1, 1)],
    ['the same, without its state', record('pause', 1, 0), 1, null, record('pause', 1, 1)],
    ['it applied an earlier command than the one that waits', record('stop', 2, 0), 1, 'pause', record('stop', 2, 1)],
    ['it says again what is known', record('pause', 2, 2), 2, 'pause', null],
    ['it says so while another command waits', record('run', 3, 2), 2, 'pause', null],
    ['an earlier process says what it did, which the next one does too', record('run', 3, 3), 2, 'run', null],
    ['it says a version that was never given, and not what for', record('run', 0, 0), 4, null, null],
  ] as const)('%s', (_, before, applied_version, state, after) => {
    expect(heard(before, { applied_version, state })).toEqual(after);
  });

  test.each([
    ['a record that was put back learns what was applied', record('run', 0, 0), 1, 'pause', { ...record('pause', 1, 1), previous_state: 'pause' }],
    ['a command that waited when it was put back is given again', record('drain', 1, 0), 3, 'run', record('drain', 4, 3)],
    ['the same version for something else is given again', record('drain', 1, 0), 1, 'pause', { ...record('drain', 2, 1), previous_state: 'pause' }],
    ['even if it was thought to be applied', record('drain', 1, 1), 1, 'run', record('drain', 2, 1)],
    ['a record that began anew tells a process that went on', record('run', 5, 5), 4, 'pause', { ...record('run', 5, 4), previous_state: 'pause' }],
  ] as const)('%s', (_, before, applied_version, state, after) => {
    expect(heard(before, { applied_version, state })).toEqual(after);
  });

  test('whatever it says, both agree afterwards, or a command waits that it will take', () => {
    const versions = [0, 1, 2, 3, 4];
    for (const desired of DESIRED_STATES)
      for (const state of DESIRED_STATES)
        for (const [now, applied, said] of versions.flatMap((a) => versions.flatMap((b) => versions.map((c) => [a, b, c] as const)))) {
          if (applied > now) continue;
          const before = record(desired, now, applied);
          const after = heard(before, { applied_version: said, state }) ?? before;
          expect(after.desired_version > said || after.desired_state === state).toBe(true);
          if (after.desired_state !== state) expect(commandWaits(after)).toBe(true);
          expect(heard(after, { applied_version: said, state })).toBeNull();
        }
  });
});

import { expect, test } from 'vitest';

import { queueHold } from './queue-hold.ts';

test('a queue is held from the first time that it is asked for until it is let run; asking twice changes and tells nothing', () => {
  expect(queueHold(null, true, 5)).toEqual({ held_at: 5, event: { kind: 'queue_held', data: {} } });
  expect(queueHold(5, true, 9)).toEqual({ held_at: 5, event: null });
  expect(queueHold(5, false, 1_000)).toEqual({ held_at: null, event: { kind: 'queue_unheld', data: { held_since: '1970-01-01T00:00:00.005Z' } } });
  expect(queueHold(null, false, 9)).toEqual({ held_at: null, event: null });
  expect([queueHold(5, undefined, 9), queueHold(null, undefined, 9)]).toEqual([
    { held_at: 5, event: null },
    { held_at: null, event: null },
  ]);
});

import { expect, test } from 'vitest';

import { manualClock } from '../../test/support/manual-clock.ts';
import { collectGarbage, createSpareMemory } from './spare-memory.ts';

test('memory is given back twice when all is quiet after the start and after work, and else never', () => {
  const clock = manualClock();
  let busy = false;
  let given = 0;
  const spare = createSpareMemory({ clock, isBusy: () => busy, giveBack: () => void (given += 1) });
  const after = (ms: number): number => {
    clock.advance(ms);
    return given;
  };
  expect([after(5_000), after(5_000), after(3_600_000)]).toEqual([1, 2, 2]);
  // The answer of a server that has nothing to say.
  spare.note();
  expect(after(60_000)).toBe(2);
  busy = true;
  spare.note();
  expect(after(60_000)).toBe(2);
  // Short jobs, one after the other: at the moment of a look none may be there.
  for (let second = 0; second < 60; second += 1) {
    busy = second % 2 === 0;
    spare.note();
    expect(after(1_000)).toBe(2);
  }
  busy = false;
  expect([after(20_000), after(3_600_000)]).toEqual([4, 4]);
  // A job that runs for days and says nothing after its first minute.
  busy = true;
  spare.note();
  expect([after(60_000), after(5_000), after(5_000), after(3_600_000)]).toEqual([4, 5, 6, 6]);
  spare.note();
  spare.stop();
  spare.note();
  expect(after(3_600_000)).toBe(6);
});

test('garbage is collected', async () => {
  const held = new WeakRef({ large: 'x'.repeat(1_000) });
  const isGone = (): boolean => {
    collectGarbage();
    return held.deref() === undefined;
  };
  await expect.poll(isGone).toBe(true);
});

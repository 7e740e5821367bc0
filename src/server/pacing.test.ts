import { expect, it } from 'vitest';

import { manualClock } from '../../test/support/manual-clock.ts';
import { inPieces } from './pacing.ts';

it('takes more at a time while pieces are quick, less when they are slow, within its bounds, until nothing is left', async () => {
  const clock = manualClock();
  const sizes: number[] = [];
  const working = inPieces({ ...clock, sleep: () => Promise.resolve() }, { least: 100, most: 1_000 }, async (rows) => {
    sizes.push(rows);
    clock.advance(sizes.length <= 5 ? 1 : 100);
    return sizes.length < 12;
  });
  await working;
  expect(sizes).toEqual([100, 200, 400, 800, 1_000, 1_000, 500, 250, 125, 100, 100, 100]);
});

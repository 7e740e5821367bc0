// What every engine must do with what jobs leave behind.
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';

import { manualClock } from '../../test/support/manual-clock.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { artifactsSuite } from './artifacts.suite.ts';
import { logsSuite } from './logs.suite.ts';
import { metricsSuite } from './metrics.suite.ts';
import type { Store } from './store.ts';

export function resultsSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`results on ${name}`, () => {
    let maker: StoreMaker | null;
    let store: Store | null = null;

    beforeAll(async () => {
      maker = await make();
      store = (await maker?.open(manualClock())) ?? null;
    });
    afterAll(async () => {
      await maker?.close();
    });
    beforeEach((context) => {
      if (store === null) context.skip();
    });

    const opened = (): Store => store!;
    describe('logs', () => logsSuite(opened));
    describe('metrics', () => metricsSuite(opened));
    describe('artifacts', () => artifactsSuite(opened));
  });
}

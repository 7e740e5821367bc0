// What every engine must do with what jobs leave behind.
import { describe } from 'vitest';

import { storePerSuite } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { artifactsSuite } from './artifacts.suite.ts';
import { logSearchSuite } from './log-search.suite.ts';
import { logsSuite } from './logs.suite.ts';
import { metricsSuite } from './metrics.suite.ts';
import type { Store } from './store.ts';

export function resultsSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`results on ${name}`, () => {
    let store: Store;

    storePerSuite(make, (made) => {
      store = made;
    });

    const opened = (): Store => store;
    describe('logs', () => logsSuite(opened));
    describe('search of logs', () => logSearchSuite(opened));
    describe('metrics', () => metricsSuite(opened));
    describe('artifacts', () => artifactsSuite(opened));
  });
}

// The stores of a suite that runs on every engine: opened and closed around its tests, which are skipped where an engine is missing.
import { afterAll, beforeAll, beforeEach } from 'vitest';

import type { Store } from '../../src/store/store.ts';

import { type ManualClock, manualClock } from './manual-clock.ts';
import type { StoreMaker } from './stores.ts';

type Make = () => Promise<StoreMaker | null>;
type Begin = (store: Store, clock: ManualClock) => void | Promise<void>;

/** Every test begins with an empty store of its own. */
export function storePerTest(make: Make, begin: Begin): void {
  const stores = makerPerSuite(make);
  beforeEach(async (context) => {
    const maker = stores();
    if (maker === null) return context.skip();
    const clock = manualClock();
    await begin(await maker.open(clock), clock);
  });
}

/** All tests share one store, which `begin` fills. */
export function storePerSuite(make: Make, begin: Begin): void {
  const stores = makerPerSuite(make);
  beforeAll(async () => {
    const clock = manualClock();
    const store = await stores()?.open(clock);
    if (store !== undefined) await begin(store, clock);
  });
  beforeEach((context) => {
    if (stores() === null) context.skip();
  });
}

function makerPerSuite(make: Make): () => StoreMaker | null {
  let maker: StoreMaker | null = null;
  beforeAll(async () => {
    maker = await make();
  });
  afterAll(() => maker?.close());
  return () => maker;
}

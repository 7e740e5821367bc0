import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { machineSamplesSuite } from './machine-samples.suite.ts';

machineSamplesSuite('SQLite in memory', async () => memoryStores());
machineSamplesSuite('SQLite on disk', async () => diskStores());
machineSamplesSuite('PostgreSQL', postgresStores);

import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { resultsSuite } from './results.suite.ts';

resultsSuite('SQLite in memory', async () => memoryStores());
resultsSuite('SQLite on disk', async () => diskStores());
resultsSuite('PostgreSQL', postgresStores);

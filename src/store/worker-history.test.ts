import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { workerHistorySuite } from './worker-history.suite.ts';

workerHistorySuite('SQLite in memory', async () => memoryStores());
workerHistorySuite('SQLite on disk', async () => diskStores());
workerHistorySuite('PostgreSQL', postgresStores);

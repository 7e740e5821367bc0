import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { queueSuite } from './queue.suite.ts';

queueSuite('SQLite in memory', async () => memoryStores());
queueSuite('SQLite on disk', async () => diskStores());
queueSuite('PostgreSQL', postgresStores);
